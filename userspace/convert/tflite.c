// SPDX-License-Identifier: LGPL-2.1-or-later
/* Reading a .tflite file into plain arrays. Field numbers are the schema's. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "aim_convert.h"
#include "tflite.h"

void tfl_say(const struct tfl_reason *why, const char *fmt, ...)
{
	va_list args;

	if (!why->len)
		return;
	va_start(args, fmt);
	vsnprintf(why->text, why->len, fmt, args);
	va_end(args);
}

void tfl_text(const struct fb *fb, const struct fb_vec *v, char *out,
	      size_t out_len)
{
	size_t i;

	if (!out_len)
		return;
	for (i = 0; i < v->n && i < out_len - 1; i++) {
		u8 c = fb_vec_u8(fb, v, (u32)i);

		if (!c)
			break;
		out[i] = c < ' ' || c > '~' || c == '\'' ? '?' : (char)c;
	}
	out[i] = '\0';
}

bool aim_is_tflite(const void *data, size_t bytes)
{
	return bytes >= 8 && !memcmp((const u8 *)data + 4, "TFL3", 4);
}

/*
 * A buffer's bytes: in the buffer itself, or, in files written for more than
 * 2 GiB, behind the FlatBuffer at an offset from the start of the file.
 */
static void read_buffer(struct tfl_model *m, const struct fb_vec *buffers,
			u32 index, struct tfl_tensor *t)
{
	struct fb *fb = &m->fb;
	struct fb_table b;
	struct fb_vec v;
	u64 offset, size;

	if (index >= buffers->n) {
		/* 0 means "none" even where the table of buffers is absent */
		if (index && !fb->bad)
			fb->bad = "a tensor's buffer number";
		return;
	}
	fb_elem(fb, buffers, index, "a buffer", &b);
	if (fb_vector(&b, 0, 1, &v) && v.n) {
		t->data = fb->data + v.pos;
		t->data_bytes = v.n;
		return;
	}
	offset = fb_u64(&b, 1, 0);
	size = fb_u64(&b, 2, 0);
	if (offset <= 1 || !size)
		return;
	if (offset > fb->len || size > fb->len - offset) {
		if (!fb->bad)
			fb->bad = "a buffer's offset";
		return;
	}
	t->data = fb->data + offset;
	t->data_bytes = (u32)size;
}

static const char *special_kind(const struct fb_table *q, u8 type, bool variable,
				bool sparse, u32 external)
{
	if (variable)
		return "keeps state between runs (a variable tensor)";
	if (sparse)
		return "is sparse";
	if (external)
		return "has its data in another file";
	if (fb_u8(q, 4, 0))
		return "has a custom form of quantisation";
	if (type == TFL_STRING)
		return "holds strings";
	return NULL;
}

static void read_tensor(struct tfl_model *m, const struct fb_table *src,
			const struct fb_vec *buffers, struct tfl_tensor *t)
{
	struct fb *fb = &m->fb;
	struct fb_table q;
	struct fb_vec shape;
	u32 i;

	fb_vector(src, 0, 4, &shape);
	t->rank = shape.n;
	for (i = 0; i < shape.n && i < TFL_MAX_RANK; i++)
		t->dims[i] = fb_vec_s32(fb, &shape, i);
	t->type = fb_u8(src, 1, TFL_FLOAT32);
	fb_vector(src, 3, 1, &t->name);
	fb_sub(src, 4, "a tensor's quantisation", &q);
	fb_vector(&q, 2, 4, &t->scales);
	fb_vector(&q, 3, 8, &t->zero_points);
	t->quantized_dimension = fb_s32(&q, 6, 0);
	t->special = special_kind(&q, t->type, fb_u8(src, 5, 0), fb_has(src, 6),
				  fb_u32(src, 10, 0));
	read_buffer(m, buffers, fb_u32(src, 2, 0), t);
}

static int read_tensors(struct tfl_model *m, const struct fb_table *sub,
			const struct fb_vec *buffers,
			const struct tfl_reason *why)
{
	struct fb_table t;
	struct fb_vec v;
	u32 i;

	fb_vector(sub, 0, 4, &v);
	if (v.n > TFL_MAX_TENSORS) {
		tfl_say(why, "the model has %u tensors, more than %u", v.n,
			TFL_MAX_TENSORS);
		return -E2BIG;
	}
	m->tensors = calloc(v.n + 1, sizeof(*m->tensors));
	if (!m->tensors)
		return -ENOMEM;
	m->nr_tensors = v.n;
	for (i = 0; i < v.n; i++) {
		fb_elem(&m->fb, &v, i, "a tensor", &t);
		read_tensor(m, &t, buffers, &m->tensors[i]);
	}
	return 0;
}

/*
 * The number of an operator was a byte once; a wider field was added when 127
 * was reached, and writers fill the old one with the smaller of both.
 */
static void read_code(struct tfl_model *m, const struct fb_vec *codes,
		      u32 index, struct tfl_op *op)
{
	struct fb_table t;
	s32 wide, narrow;

	if (index >= codes->n) {
		if (!m->fb.bad)
			m->fb.bad = "an operator's code number";
		return;
	}
	fb_elem(&m->fb, codes, index, "an operator code", &t);
	narrow = (s8)fb_u8(&t, 0, 0);
	wide = fb_s32(&t, 3, 0);
	op->code = narrow > wide ? narrow : wide;
	fb_vector(&t, 1, 1, &op->custom);
}

static void check_indices(struct tfl_model *m, const struct fb_vec *v,
			  bool optional, const char *what)
{
	u32 i;

	for (i = 0; i < v->n; i++) {
		s32 t = fb_vec_s32(&m->fb, v, i);

		if (t == -1 && optional)
			continue;
		if ((t < 0 || (u32)t >= m->nr_tensors) && !m->fb.bad)
			m->fb.bad = what;
	}
}

static int read_op(struct tfl_model *m, const struct fb_table *t,
		   const struct fb_vec *codes, u32 index,
		   const struct tfl_reason *why)
{
	struct tfl_op *op = &m->ops[index];

	read_code(m, codes, fb_u32(t, 0, 0), op);
	fb_vector(t, 1, 4, &op->inputs);
	fb_vector(t, 2, 4, &op->outputs);
	/* Vectors may be shared by operators: keep the work bounded. */
	if ((u64)op->inputs.n + op->outputs.n > AIM_MAX_OP_OPERANDS) {
		tfl_say(why, "operator %u has more than %u inputs and outputs",
			index, AIM_MAX_OP_OPERANDS);
		return -E2BIG;
	}
	check_indices(m, &op->inputs, true, "an operator's input");
	check_indices(m, &op->outputs, false, "an operator's output");
	op->options_type = fb_u8(t, 3, TFL_OPT_NONE);
	if (op->options_type)
		fb_sub(t, 4, "an operator's options", &op->options);
	return 0;
}

static int read_ops(struct tfl_model *m, const struct fb_table *sub,
		    const struct fb_vec *codes, const struct tfl_reason *why)
{
	struct fb_table t;
	struct fb_vec v;
	int err;
	u32 i;

	fb_vector(sub, 3, 4, &v);
	if (v.n > TFL_MAX_OPS) {
		tfl_say(why, "the model has %u operators, more than %u", v.n,
			TFL_MAX_OPS);
		return -E2BIG;
	}
	m->ops = calloc(v.n + 1, sizeof(*m->ops));
	if (!m->ops)
		return -ENOMEM;
	m->nr_ops = v.n;
	for (i = 0; i < v.n; i++) {
		fb_elem(&m->fb, &v, i, "an operator", &t);
		err = read_op(m, &t, codes, i, why);
		if (err)
			return err;
	}
	return 0;
}

static int read_model(struct tfl_model *m, const struct tfl_reason *why)
{
	struct fb_table root, sub;
	struct fb_vec codes, subgraphs, buffers;
	int err;

	fb_root(&m->fb, "the root table", &root);
	m->version = fb_u32(&root, 0, 0);
	if (!m->fb.bad && m->version != 3) {
		tfl_say(why, "TFLite schema version %u: only 3 is known",
			m->version);
		return -ENOEXEC;
	}
	fb_vector(&root, 1, 4, &codes);
	fb_vector(&root, 2, 4, &subgraphs);
	fb_vector(&root, 3, 1, &m->description);
	fb_vector(&root, 4, 4, &buffers);
	m->subgraphs = subgraphs.n;
	if (!m->fb.bad && !subgraphs.n) {
		tfl_say(why, "the file holds no graph");
		return -EBADMSG;
	}
	fb_elem(&m->fb, &subgraphs, 0, "the graph", &sub);
	err = read_tensors(m, &sub, &buffers, why);
	if (!err)
		err = read_ops(m, &sub, &codes, why);
	if (err)
		return err;
	fb_vector(&sub, 1, 4, &m->inputs);
	fb_vector(&sub, 2, 4, &m->outputs);
	check_indices(m, &m->inputs, false, "the graph's inputs");
	check_indices(m, &m->outputs, false, "the graph's outputs");
	return 0;
}

int tfl_read(const void *data, size_t bytes, struct tfl_model *m,
	     const struct tfl_reason *why)
{
	int err;

	memset(m, 0, sizeof(*m));
	if (!aim_is_tflite(data, bytes)) {
		tfl_say(why, "not a TensorFlow Lite file (no TFL3 identifier)");
		return -ENOEXEC;
	}
	if (bytes > FB_MAX_BYTES) {
		tfl_say(why, "the file is larger than 1 GiB");
		return -E2BIG;
	}
	m->fb.data = data;
	m->fb.len = (u32)bytes;
	err = read_model(m, why);
	if (m->fb.bad && (!err || err == -EBADMSG)) {
		tfl_say(why, "the file is damaged: %s lies outside its bounds",
			m->fb.bad);
		err = -EBADMSG;
	}
	if (err == -ENOMEM)
		tfl_say(why, "out of memory");
	if (err)
		tfl_free(m);
	return err;
}

void tfl_free(struct tfl_model *m)
{
	free(m->tensors);
	free(m->ops);
	m->tensors = NULL;
	m->ops = NULL;
}
