// SPDX-License-Identifier: LGPL-2.1-or-later
/* aioffload model convert, aioffload model info. */
#include <aim/format.h>
#include <aim_convert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sign.h"

/* A .tflite is read whole; its size is bounded as that of a model file is. */
#define MAX_BYTES	SIGNED_MAX_BYTES

/* ---- convert ------------------------------------------------------------ */

struct convert_args {
	struct subject of;
	const char *out;
	struct aim_convert_options opt;
};

static const struct argp_option convert_options[] = {
	{ "output", 'o', "OUT.aim", 0,
	  "Where to write; default: IN with the suffix .aim. '-': standard output", 0 },
	{ "keep-all", 'k', NULL, 0,
	  "Make every operator's result an output, in order", 0 },
	{ "name", 'n', "NAME", 0, "Name kept in the model; default: from IN", 0 },
	{ 0 }
};

static error_t convert_parse(int key, char *arg, struct argp_state *state)
{
	struct convert_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->of;
		return 0;
	case 'o':
		args->out = arg;
		return 0;
	case 'k':
		args->opt.keep_all = true;
		return 0;
	case 'n':
		if (strlen(arg) >= AIM_NAME_LEN)
			argp_error(state, "--name: at most %d bytes",
				   AIM_NAME_LEN - 1);
		args->opt.name = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp convert_argp = {
	.options = convert_options,
	.parser = convert_parse,
	.args_doc = "IN.tflite",
	.children = subject_json_child,
	.doc = "Convert a TensorFlow Lite model into a model file for the kernel.\v"
	       "What can't be converted is named: operator, tensor and reason; "
	       "'aioffload model info IN.tflite' lists all of it.",
};

/* "dir/net.tflite" -> "net", cut to what a name may be; free() it. */
static char *stem(const char *path)
{
	const char *base = strrchr(path, '/');
	const char *dot;
	size_t len;

	base = base ? base + 1 : path;
	dot = strrchr(base, '.');
	len = dot && dot != base ? (size_t)(dot - base) : strlen(base);
	if (len >= AIM_NAME_LEN)
		len = AIM_NAME_LEN - 1;
	return strndup(base, len);
}

/* "dir/net.tflite" -> "dir/net.aim"; free() it. */
static char *default_out(const char *path)
{
	static const char suffix[] = ".tflite";
	size_t len = strlen(path), cut = sizeof(suffix) - 1;
	char *out;

	if (len > cut && !strcmp(path + len - cut, suffix))
		len -= cut;
	if (asprintf(&out, "%.*s.aim", (int)len, path) < 0)
		return NULL;
	return out;
}

static int convert_report(const struct convert_args *args, const char *out,
			  const void *aim, size_t bytes)
{
	const struct aim_header *h = aim;	/* the converter verified it */
	char digest[TEXT_DIGEST_LEN], b1[CLI_NUM_LEN], b2[CLI_NUM_LEN];
	char b3[CLI_NUM_LEN], clean[1024];
	uint64_t ops = h->sections[AIM_SEC_OPS].bytes / sizeof(struct aim_op);
	struct json_object *obj;

	if (digest_hex(aim, bytes, digest))
		return cli_error(CLI_FAILED, "libcrypto can't compute SHA-256");
	if (!args->of.json) {
		/* stdout may be the model */
		fprintf(strcmp(out, "-") ? stdout : stderr,
			"%s: %" PRIu64 " operators, %s multiply-adds, %s, arena %s\n",
			text_clean(out, clean, sizeof(clean)), ops,
			text_count((double)h->macs, b1), text_bytes(bytes, b2),
			text_bytes(h->arena_bytes, b3));
		return CLI_OK;
	}
	obj = json_object_new_object();
	json_str(obj, "file", out);
	json_str(obj, "sha256", digest);
	json_u64(obj, "bytes", bytes);
	json_u64(obj, "operators", ops);
	json_u64(obj, "macs", h->macs);
	json_u64(obj, "arena_bytes", h->arena_bytes);
	json_u64(obj, "inputs", h->nr_inputs);
	json_u64(obj, "outputs", h->nr_outputs);
	return json_print(obj);
}

static int convert_bytes(const struct convert_args *args, const void *data,
			 size_t bytes, void **aim, size_t *aim_bytes)
{
	char reason[AIM_CONVERT_REASON_LEN] = "";
	char clean[4 * AIM_CONVERT_REASON_LEN];
	int ret;

	if (bytes >= AIM_MAGIC_LEN && !memcmp(data, AIM_MAGIC, AIM_MAGIC_LEN))
		return cli_error(CLI_REFUSED, "%s is a model file (.aim) already; run it with: aioffload run %s --input FILE --output FILE",
				 args->of.name, args->of.name);
	ret = aim_convert_tflite(data, bytes, &args->opt, aim, aim_bytes,
				 reason, sizeof(reason));
	if (ret)
		return cli_error(ret == -ENOMEM ? CLI_FAILED : CLI_REFUSED,
				 "%s can't be converted: %s", args->of.name,
				 text_clean(reason, clean, sizeof(clean)));
	return CLI_OK;
}

static int convert(struct convert_args *args, const char *out_path)
{
	size_t bytes = 0, aim_bytes = 0;
	void *data = NULL, *aim = NULL;
	struct out_file out;
	int ret;

	ret = file_load(args->of.name, MAX_BYTES, &data, &bytes);
	if (ret)
		return ret;
	ret = convert_bytes(args, data, bytes, &aim, &aim_bytes);
	free(data);
	if (ret)
		return ret;
	ret = out_open(&out, out_path);
	if (!ret)
		ret = out_write(&out, aim, aim_bytes);
	if (!ret)
		ret = out_commit(&out);
	if (!ret)
		ret = convert_report(args, out_path, aim, aim_bytes);
	free(aim);
	return ret;
}

int cmd_model_convert(int argc, char **argv)
{
	char *name = NULL, *out = NULL;
	struct convert_args args = { .of.what = "model" };
	int ret;

	argp_parse(&convert_argp, argc, argv, 0, NULL, &args);
	if (args.out && !strcmp(args.out, "-") && args.of.json)
		return cli_error(CLI_USAGE, "--json and --output - both want standard output");
	name = stem(args.of.name);
	out = args.out ? strdup(args.out) : default_out(args.of.name);
	if (!name || !out) {
		ret = cli_error(CLI_FAILED, "out of memory");
	} else {
		if (!args.opt.name)
			args.opt.name = name;
		ret = convert(&args, out);
	}
	free(name);
	free(out);
	return ret;
}

/* ---- info --------------------------------------------------------------- */

static const struct argp info_argp = {
	.args_doc = "FILE",
	.children = subject_json_child,
	.doc = "Say what is in a model file (.aim) or a TensorFlow Lite model "
	       "(.tflite). Needs no module.\v"
	       "An .aim file is checked by the same code as in the kernel; of a "
	       ".tflite file everything that keeps it from being converted is "
	       "listed. Exit status 3: the file would be refused.",
};

int cmd_model_info(int argc, char **argv)
{
	struct subject of = { .what = "model" };
	void *data = NULL;
	size_t bytes = 0;
	int ret;

	argp_parse(&info_argp, argc, argv, 0, NULL, &of);
	ret = file_load(of.name, MAX_BYTES, &data, &bytes);
	if (ret)
		return ret;
	if (aim_is_tflite(data, bytes))
		ret = info_tflite(of.name, data, bytes, of.json);
	else
		ret = info_aim(of.name, data, bytes, of.json);
	free(data);
	return ret;
}

static void print_dims(FILE *to, const struct tensor_line *t)
{
	unsigned int i;

	fputc('[', to);
	for (i = 0; i < t->rank; i++)
		fprintf(to, "%s%" PRId64, i ? "," : "", t->dims[i]);
	fputc(']', to);
}

void tensor_print(const struct tensor_line *t)
{
	char clean[512];

	printf("  %-6s %u: %s", t->kind, t->index, t->type);
	print_dims(stdout, t);
	if (t->bytes)
		printf(", %" PRIu64 " bytes", t->bytes);
	if (t->scale > 0)
		printf(", real = %.9g * (q - %lld)", t->scale, t->zero_point);
	if (*t->name)
		printf(", \"%s\"", text_clean(t->name, clean, sizeof(clean)));
	putchar('\n');
}

struct json_object *tensor_json(const struct tensor_line *t)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *dims = json_object_new_array();
	unsigned int i;

	json_str(obj, "name", t->name);
	json_str(obj, "type", t->type);
	for (i = 0; i < t->rank; i++)
		json_object_array_add(dims, json_object_new_int64(t->dims[i]));
	json_object_object_add(obj, "shape", dims);
	if (t->bytes)
		json_u64(obj, "bytes", t->bytes);
	if (t->scale > 0) {
		json_dbl(obj, "scale", t->scale);
		json_object_object_add(obj, "zero_point",
				       json_object_new_int64(t->zero_point));
	}
	return obj;
}
