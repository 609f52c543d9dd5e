// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Writing the model file. First everything is counted, then one block of the
 * right size is filled: the layout stands in struct layout.
 */
#include <stdio.h>
#include <stdlib.h>

#include "finish.h"

#define META_SOURCE	"source"
#define META_TFLITE	"tflite"
#define META_ABOUT	"description"

/* A constant's bytes, written once however many tensors look at them. */
struct blob {
	const u8 *data;
	u64 bytes;
	u64 offset;
	u32 tensor;
};

struct layout {
	struct aim_header h;
	u32 *number;		/* of each graph tensor in the file */
	struct blob *blobs;
	u32 nr_tensors, nr_blobs;
	u32 nr_operands;
	u64 macs;
	char *strings;		/* grows while records are written */
	u32 strings_bytes, strings_room;
	char about[128];
	u64 end;
};

static u64 align_up(u64 x)
{
	return (x + AIM_ALIGN - 1) / AIM_ALIGN * AIM_ALIGN;
}

static void layout_free(struct layout *l)
{
	free(l->number);
	free(l->blobs);
	free(l->strings);
}

/* Tensors that the file has: what an operator uses, and all inputs. */
static void number_tensors(struct cv *c, struct layout *l)
{
	u32 i;

	for (i = 0; i < c->nr_tensors; i++) {
		const struct cv_tensor *t = &c->tensors[i];
		bool used = t->first != CV_NONE ||
			    t->t.place == AIM_PLACE_INPUT;

		l->number[i] = used ? l->nr_tensors++ : CV_NONE;
		if (used && t->t.place == AIM_PLACE_CONST)
			l->blobs[l->nr_blobs++] = (struct blob){
				.data = t->data, .bytes = t->t.bytes, .tensor = i };
	}
}

static int by_data(const void *pa, const void *pb)
{
	const struct blob *a = pa, *b = pb;

	if (a->data != b->data)
		return (uintptr_t)a->data < (uintptr_t)b->data ? -1 : 1;
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? -1 : 1;
	return a->tensor < b->tensor ? -1 : 1;
}

static int by_tensor(const void *pa, const void *pb)
{
	const struct blob *a = pa, *b = pb;

	return a->tensor < b->tensor ? -1 : 1;
}

/*
 * Equal bytes at equal places share their room. The rest follows the order of
 * tensors, not of addresses, so that a file depends on its source alone.
 */
static u64 place_blobs(struct cv *c, struct layout *l)
{
	u64 at = 0;
	u32 i, first;

	qsort(l->blobs, l->nr_blobs, sizeof(*l->blobs), by_data);
	for (i = 0, first = 0; i < l->nr_blobs; i++) {
		struct blob *b = &l->blobs[i], *f = &l->blobs[first];

		if (b->data != f->data || b->bytes != f->bytes)
			first = i;
		/* for now: the tensor whose bytes these are */
		b->offset = l->blobs[first].tensor;
	}
	qsort(l->blobs, l->nr_blobs, sizeof(*l->blobs), by_tensor);
	for (i = 0; i < l->nr_blobs; i++) {
		struct blob *b = &l->blobs[i];

		if (b->offset != b->tensor) {
			/* an earlier tensor's, placed already */
			c->tensors[b->tensor].t.offset =
				c->tensors[b->offset].t.offset;
			continue;
		}
		c->tensors[b->tensor].t.offset = at;
		at = align_up(at + b->bytes);
	}
	return at;
}

static u64 op_macs(const struct cv *c, const struct aim_op *op)
{
	const u32 *operands = c->operands + op->operands;
	const struct aim_tensor *w, *y;

	if (op->code != AIM_OP_CONV2D && op->code != AIM_OP_DEPTHWISE &&
	    op->code != AIM_OP_FC)
		return 0;
	w = &c->tensors[operands[1]].t;
	y = &c->tensors[operands[op->nr_inputs]].t;
	if (op->code == AIM_OP_FC)
		return cv_count(y) * w->dims[1];
	return cv_count(y) * w->dims[1] * w->dims[2] *
	       (op->code == AIM_OP_CONV2D ? w->dims[3] : 1);
}

static void section(struct layout *l, enum aim_section_id id, u64 bytes)
{
	if (!bytes)
		return;
	l->h.sections[id].offset = align_up(l->end);
	l->h.sections[id].bytes = bytes;
	l->end = l->h.sections[id].offset + bytes;
}

static u64 meta_bytes(struct layout *l)
{
	u64 n = sizeof(META_SOURCE) + sizeof(META_TFLITE);

	if (l->about[0])
		n += sizeof(META_ABOUT) + strlen(l->about) + 1;
	return n;
}

static int lay_out(struct cv *c, struct layout *l, u64 data_bytes)
{
	u32 i;

	for (i = 0; i < c->nr_ops; i++) {
		l->nr_operands += c->ops[i].op.nr_inputs + c->ops[i].op.nr_outputs;
		l->macs += op_macs(c, &c->ops[i].op);
	}
	l->end = sizeof(l->h);
	section(l, AIM_SEC_TENSORS, l->nr_tensors * sizeof(struct aim_tensor));
	section(l, AIM_SEC_OPS, c->nr_ops * sizeof(struct aim_op));
	section(l, AIM_SEC_OPERANDS, l->nr_operands * sizeof(u32));
	section(l, AIM_SEC_REQUANT, c->nr_requants * sizeof(struct aim_requant));
	section(l, AIM_SEC_SCALES, c->nr_scales * sizeof(u32));
	section(l, AIM_SEC_DATA, data_bytes);
	section(l, AIM_SEC_STRINGS, l->strings_bytes);
	section(l, AIM_SEC_META, meta_bytes(l));
	if (l->end > AIM_MAX_FILE_BYTES)
		return cv_refuse(c, -E2BIG, "the model file would be larger than 1 GiB");
	memcpy(l->h.magic, AIM_MAGIC, AIM_MAGIC_LEN);
	l->h.version_major = AIM_VERSION_MAJOR;
	l->h.version_minor = AIM_VERSION_MINOR;
	l->h.header_bytes = sizeof(l->h);
	l->h.file_bytes = l->end;
	l->h.arena_bytes = c->arena_bytes;
	l->h.nr_inputs = c->nr_inputs;
	l->h.nr_outputs = c->nr_outputs;
	l->h.macs = l->macs;
	return 0;
}

/* Append a name; its place, 0 for an empty one. */
static int add_string(struct cv *c, struct layout *l, const char *s, u32 *at)
{
	u32 n = (u32)strlen(s) + 1, room;
	char *bigger;

	*at = 0;
	if (n == 1)
		return 0;
	if (n > l->strings_room - l->strings_bytes) {
		room = (l->strings_bytes + n) * 2;
		bigger = realloc(l->strings, room);
		if (!bigger)
			return cv_refuse(c, -ENOMEM, "out of memory");
		l->strings = bigger;
		l->strings_room = room;
	}
	memcpy(l->strings + l->strings_bytes, s, n);
	*at = l->strings_bytes;
	l->strings_bytes += n;
	return 0;
}

/* Names go into the records first; then the size of their section is known. */
static int add_names(struct cv *c, struct layout *l)
{
	char name[AIM_NAME_LEN], op_name[AIM_NAME_LEN - 12];
	u32 i;
	int err;

	l->strings = calloc(1, AIM_NAME_LEN);
	if (!l->strings)
		return cv_refuse(c, -ENOMEM, "out of memory");
	l->strings_room = AIM_NAME_LEN;
	l->strings_bytes = 1;
	snprintf(name, sizeof(name), "%s",
		 c->opt && c->opt->name ? c->opt->name : "");
	for (i = 0; name[i]; i++)
		if (name[i] < ' ' || name[i] > '~')
			name[i] = '?';
	err = add_string(c, l, name, &l->h.name);
	for (i = 0; !err && i < c->nr_tensors; i++) {
		struct cv_tensor *t = &c->tensors[i];

		if (l->number[i] == CV_NONE || t->source == CV_NONE)
			continue;
		tfl_text(&c->m->fb, &c->m->tensors[t->source].name, name,
			 sizeof(name));
		err = add_string(c, l, name, &t->t.name);
	}
	for (i = 0; !err && i < c->nr_ops; i++) {
		struct cv_op *op = &c->ops[i];

		if (op->source == CV_NONE)
			continue;
		tfl_op_text(c->m, &c->m->ops[op->source], op_name,
			    sizeof(op_name));
		snprintf(name, sizeof(name), "%u %s", op->source, op_name);
		err = add_string(c, l, name, &op->op.name);
	}
	return err;
}

static void fill_meta(const struct layout *l, u8 *at)
{
	memcpy(at, META_SOURCE, sizeof(META_SOURCE));
	at += sizeof(META_SOURCE);
	memcpy(at, META_TFLITE, sizeof(META_TFLITE));
	at += sizeof(META_TFLITE);
	if (!l->about[0])
		return;
	memcpy(at, META_ABOUT, sizeof(META_ABOUT));
	at += sizeof(META_ABOUT);
	memcpy(at, l->about, strlen(l->about) + 1);
}

static void fill_ops(struct cv *c, const struct layout *l, u8 *file)
{
	struct aim_op *ops = (void *)(file + l->h.sections[AIM_SEC_OPS].offset);
	u32 *operands = (void *)(file + l->h.sections[AIM_SEC_OPERANDS].offset);
	u32 i, k, n = 0;

	for (i = 0; i < c->nr_ops; i++) {
		const struct aim_op *op = &c->ops[i].op;

		ops[i] = *op;
		ops[i].operands = n;
		for (k = 0; k < op->nr_inputs + (u32)op->nr_outputs; k++) {
			u32 t = c->operands[op->operands + k];

			operands[n++] = t == CV_NONE ? AIM_NO_TENSOR : l->number[t];
		}
	}
}

static void fill(struct cv *c, const struct layout *l, u8 *file)
{
	const struct aim_section *s = l->h.sections;
	struct aim_tensor *tensors = (void *)(file + s[AIM_SEC_TENSORS].offset);
	u32 i;

	memcpy(file, &l->h, sizeof(l->h));
	for (i = 0; i < c->nr_tensors; i++)
		if (l->number[i] != CV_NONE)
			tensors[l->number[i]] = c->tensors[i].t;
	fill_ops(c, l, file);
	if (c->nr_requants)
		memcpy(file + s[AIM_SEC_REQUANT].offset, c->requants,
		       s[AIM_SEC_REQUANT].bytes);
	if (c->nr_scales)
		memcpy(file + s[AIM_SEC_SCALES].offset, c->scales,
		       s[AIM_SEC_SCALES].bytes);
	for (i = 0; i < l->nr_blobs; i++) {
		const struct blob *b = &l->blobs[i];

		if (b->offset == b->tensor)
			memcpy(file + s[AIM_SEC_DATA].offset +
			       c->tensors[b->tensor].t.offset, b->data, b->bytes);
	}
	memcpy(file + s[AIM_SEC_STRINGS].offset, l->strings, l->strings_bytes);
	fill_meta(l, file + s[AIM_SEC_META].offset);
}

static int write_file(struct cv *c, struct layout *l, void **out,
		      size_t *out_bytes)
{
	u64 data_bytes, room;
	u8 *file;
	int err;

	number_tensors(c, l);
	data_bytes = place_blobs(c, l);
	tfl_text(&c->m->fb, &c->m->description, l->about, sizeof(l->about));
	err = add_names(c, l);
	if (!err)
		err = lay_out(c, l, data_bytes);
	if (err)
		return err;
	room = align_up(l->end);
	file = aligned_alloc(AIM_ALIGN, room);
	if (!file)
		return cv_refuse(c, -ENOMEM, "out of memory");
	memset(file, 0, room);
	fill(c, l, file);
	*out = file;
	*out_bytes = (size_t)l->end;
	return 0;
}

int cv_write(struct cv *c, void **out, size_t *out_bytes)
{
	struct layout l;
	int err;

	memset(&l, 0, sizeof(l));
	l.number = calloc(c->nr_tensors + 1, sizeof(*l.number));
	l.blobs = calloc(c->nr_tensors + 1, sizeof(*l.blobs));
	if (l.number && l.blobs)
		err = write_file(c, &l, out, out_bytes);
	else
		err = cv_refuse(c, -ENOMEM, "out of memory");
	layout_free(&l);
	return err;
}
