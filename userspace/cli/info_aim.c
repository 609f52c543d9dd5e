// SPDX-License-Identifier: LGPL-2.1-or-later
/* aioffload model info on a model file (.aim). */
#include <aim/verify.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sign.h"

static const char *size_text(uint64_t bytes)
{
	static char buf[CLI_NUM_LEN];

	return text_bytes(bytes, buf);
}

static void aim_tensor_line(const struct aim_view *v, unsigned int i,
			    struct tensor_line *line, int64_t *dims)
{
	const struct aim_tensor *t = &v->tensors[v->io[i]];
	bool output = i >= v->header->nr_inputs;
	float scale;
	unsigned int d;

	memcpy(&scale, &t->scale_bits, sizeof(scale));
	for (d = 0; d < t->rank; d++)
		dims[d] = t->dims[d];
	*line = (struct tensor_line){
		.kind = output ? "output" : "input",
		.index = output ? i - v->header->nr_inputs : i,
		.name = aim_str(v, t->name),
		.type = aim_type_name(t->type),
		.rank = t->rank,
		.dims = dims,
		.scale = (double)scale,
		.zero_point = t->zero_point,
		.bytes = t->bytes,
	};
}

/* Walks "key\0value\0" pairs; false at the end. */
static bool next_meta(const struct aim_view *v, uint32_t *at, const char **key,
		      const char **value)
{
	size_t left, n;

	if (*at >= v->meta_bytes)
		return false;
	left = v->meta_bytes - *at;
	*key = v->meta + *at;
	n = strnlen(*key, left);
	if (!n || n == left)
		return false;
	left -= n + 1;
	*value = *key + n + 1;
	n = strnlen(*value, left);
	if (n == left)
		return false;
	*at = (uint32_t)(*value + n + 1 - v->meta);
	return true;
}

static void count_ops(const struct aim_view *v, unsigned int *counts)
{
	uint32_t i;

	for (i = 0; i < v->nr_ops; i++)
		if (v->ops[i].code <= AIM_OP_LAST)
			counts[v->ops[i].code]++;
}

static void print_envelope(const struct signed_file *f)
{
	char text[512];

	if (f->env.manifest)
		manifest_print(f->env.manifest);
	if (f->env.sig)
		printf("signature %s (whether it fits: aioffload model verify)\n",
		       signer_text(f, text, sizeof(text)));
	else if (f->env.manifest)
		printf("signature none\n");
}

static void envelope_json(struct json_object *obj, const struct signed_file *f)
{
	char text[512];

	if (f->env.manifest)
		json_object_object_add(obj, "manifest",
				       manifest_json(f->env.manifest));
	if (f->env.sig)
		json_str(obj, "signature", signer_text(f, text, sizeof(text)));
}

static void print_view(const struct aim_view *v, const char *digest)
{
	unsigned int counts[AIM_OP_LAST + 1] = { 0 }, i, n;
	const struct aim_header *h = v->header;
	struct tensor_line line;
	int64_t dims[AIM_MAX_RANK];
	const char *key, *value;
	char clean[1024], num[CLI_NUM_LEN];
	uint32_t at = 0;

	if (h->name)
		printf("name      %s\n", text_clean(aim_str(v, h->name), clean,
						    sizeof(clean)));
	printf("format    aim %u.%u\n", h->version_major, h->version_minor);
	printf("sha256    %s\n", digest);
	printf("size      %s", size_text(v->bytes));
	printf(", constants %s", size_text(h->sections[AIM_SEC_DATA].bytes));
	printf(", arena %s\n", size_text(h->arena_bytes));
	printf("work      %s multiply-adds a sample\n",
	       text_count((double)h->macs, num));
	printf("tensors   %u inputs, %u outputs, %u in all\n", h->nr_inputs,
	       h->nr_outputs, v->nr_tensors);
	n = h->nr_inputs + h->nr_outputs;
	for (i = 0; i < n; i++) {
		aim_tensor_line(v, i, &line, dims);
		tensor_print(&line);
	}
	printf("operators %u\n", v->nr_ops);
	count_ops(v, counts);
	for (i = 0; i <= AIM_OP_LAST; i++)
		if (counts[i])
			printf("  %-12s %u\n", aim_op_name(i), counts[i]);
	while (next_meta(v, &at, &key, &value)) {
		printf("meta      %s", text_clean(key, clean, sizeof(clean)));
		printf(" = %s\n", text_clean(value, clean, sizeof(clean)));
	}
}

static struct json_object *view_json(const struct aim_view *v,
				     const char *digest)
{
	unsigned int counts[AIM_OP_LAST + 1] = { 0 }, i;
	struct json_object *obj = json_object_new_object();
	struct json_object *in = json_object_new_array();
	struct json_object *out = json_object_new_array();
	struct json_object *ops = json_object_new_object();
	struct json_object *meta = json_object_new_object();
	const struct aim_header *h = v->header;
	struct tensor_line line;
	int64_t dims[AIM_MAX_RANK];
	const char *key, *value;
	char clean[1024];
	uint32_t at = 0;

	json_str(obj, "format", "aim");
	json_str(obj, "name", aim_str(v, h->name));
	json_str(obj, "sha256", digest);
	json_u64(obj, "bytes", v->bytes);
	json_u64(obj, "constant_bytes", h->sections[AIM_SEC_DATA].bytes);
	json_u64(obj, "arena_bytes", h->arena_bytes);
	json_u64(obj, "macs", h->macs);
	for (i = 0; i < h->nr_inputs + h->nr_outputs; i++) {
		aim_tensor_line(v, i, &line, dims);
		json_object_array_add(i < h->nr_inputs ? in : out,
				      tensor_json(&line));
	}
	json_object_object_add(obj, "inputs", in);
	json_object_object_add(obj, "outputs", out);
	json_u64(obj, "operator_count", v->nr_ops);
	count_ops(v, counts);
	for (i = 0; i <= AIM_OP_LAST; i++)
		if (counts[i])
			json_u64(ops, aim_op_name(i), counts[i]);
	json_object_object_add(obj, "operators", ops);
	while (next_meta(v, &at, &key, &value))
		json_str(meta, text_clean(key, clean, sizeof(clean)), value);
	json_object_object_add(obj, "metadata", meta);
	return obj;
}

/* A manifest that is another model's is refused by the kernel: so here. */
static int check_manifest(const struct signed_file *f, struct aim_reason *reason)
{
	uint8_t digest[32];

	if (!f->env.manifest || signed_digest(f, digest))
		return 0;
	return aim_manifest_check(f->env.manifest, f->env.model_bytes, digest,
				  reason);
}

static int show(const struct signed_file *f, const struct aim_view *view,
		bool json)
{
	char digest[TEXT_DIGEST_LEN];
	struct json_object *obj;

	if (digest_hex(f->data, f->env.model_bytes, digest))
		return cli_error(CLI_FAILED, "libcrypto can't compute SHA-256");
	if (json) {
		obj = view_json(view, digest);
		envelope_json(obj, f);
		return json_print(obj);
	}
	print_view(view, digest);
	print_envelope(f);
	return CLI_OK;
}

int info_aim(const char *path, const void *data, size_t bytes, bool json)
{
	struct signed_file f = { .data = (void *)data, .bytes = bytes };
	char clean[4 * AIM_REASON_LEN];
	struct aim_reason reason = { "" };
	struct aim_view *view;
	void *scratch;
	int ret;

	view = calloc(1, sizeof(*view));
	ret = aim_envelope_open(data, bytes, &f.env, &reason);
	scratch = ret ? NULL :
		malloc(aim_verify_scratch(data, f.env.model_bytes) + 1);
	if (!view || (!ret && !scratch)) {
		ret = cli_error(CLI_FAILED, "out of memory");
		goto out;
	}
	if (!ret)
		ret = aim_verify(data, f.env.model_bytes, scratch, view, &reason);
	if (!ret)
		ret = check_manifest(&f, &reason);
	if (ret)
		ret = cli_error(CLI_REFUSED, "%s would be refused (%s): %s", path,
				strerrorname_np(-ret),
				text_clean(reason.text, clean, sizeof(clean)));
	else
		ret = show(&f, view, json);
out:
	free(view);
	free(scratch);
	return ret;
}
