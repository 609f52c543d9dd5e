// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Writing a FlatBuffer front to back: a table first, then what its fields point
 * to, whose offsets are filled in when their targets' places are known.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tfl_builder.h"

struct out {
	u8 *data;
	size_t bytes, room;
};

/* A table's field on its way: a scalar, or an offset with size 0. */
struct slot {
	int id;
	int size;
	u64 value;
	size_t at;		/* where it came to lie */
};

static void put(struct out *o, const void *data, size_t bytes)
{
	if (o->bytes + bytes > o->room) {
		o->room = (o->bytes + bytes) * 2 + 256;
		o->data = realloc(o->data, o->room);
		assert(o->data);
	}
	if (data)
		memcpy(o->data + o->bytes, data, bytes);
	else
		memset(o->data + o->bytes, 0, bytes);
	o->bytes += bytes;
}

static void align(struct out *o, size_t to)
{
	put(o, NULL, (to - o->bytes % to) % to);
}

static void put32(struct out *o, u32 v)
{
	put(o, &v, 4);
}

static void set32(struct out *o, size_t at, u32 v)
{
	memcpy(o->data + at, &v, 4);
}

/* The field at @at points to the end of what is written so far. */
static void point(struct out *o, size_t at)
{
	set32(o, at, (u32)(o->bytes - at));
}

/* The vtable lies before its table; the widest fields come first. */
static size_t put_table(struct out *o, struct slot *slots, int n)
{
	u16 vtable[2 + 32] = { 0 };
	int i, size, last = -1;
	size_t table, at, vt;

	for (i = 0; i < n; i++)
		last = slots[i].id > last ? slots[i].id : last;
	assert(last < 32);
	align(o, 8);
	vt = o->bytes;
	put(o, NULL, 4 + 2 * (size_t)(last + 1));
	align(o, 8);
	table = o->bytes;
	put32(o, (u32)(table - vt));
	for (size = 8; size; size = size == 8 ? 4 : size == 4 ? 1 : 0) {
		for (i = 0; i < n; i++) {
			if ((slots[i].size ? slots[i].size : 4) != size)
				continue;
			align(o, (size_t)size);
			at = o->bytes;
			slots[i].at = at;
			put(o, &slots[i].value, (size_t)size);
			vtable[2 + slots[i].id] = (u16)(at - table);
		}
	}
	vtable[0] = (u16)(4 + 2 * (last + 1));
	vtable[1] = (u16)(o->bytes - table);
	memcpy(o->data + vt, vtable, vtable[0]);
	return table;
}

static void put_vector(struct out *o, size_t field, const void *data, size_t n,
		       size_t elem)
{
	/* elements are aligned, the count stands before them */
	while ((o->bytes + 4) % (elem < 4 ? 16 : elem))
		put(o, NULL, 1);
	align(o, 4);
	point(o, field);
	put32(o, (u32)n);
	put(o, data, n * elem);
}

static void put_string(struct out *o, size_t field, const char *s)
{
	align(o, 4);
	point(o, field);
	put32(o, (u32)strlen(s));
	put(o, s, strlen(s) + 1);
}

/* A vector of @n tables, still to be written; where its first offset lies. */
static size_t put_tables(struct out *o, size_t field, int n)
{
	align(o, 4);
	point(o, field);
	put32(o, (u32)n);
	put(o, NULL, 4 * (size_t)n);
	return o->bytes - 4 * (size_t)n;
}

static size_t slot_at(const struct slot *slots, int n, int id)
{
	int i;

	for (i = 0; i < n; i++)
		if (slots[i].id == id)
			return slots[i].at;
	assert(0);
	return 0;
}

static void put_quantisation(struct out *o, size_t field,
			     const struct tb_tensor *t)
{
	struct slot s[3] = { { .id = 2 }, { .id = 3 },
			     { .id = 6, .size = 4,
			       .value = (u32)t->quantized_dimension } };
	long long zeros[1024] = { 0 };
	size_t table;

	assert(t->nr_scales <= 1024);
	zeros[0] = t->zero;
	table = put_table(o, s, 3);
	set32(o, field, (u32)(table - field));
	put_vector(o, slot_at(s, 3, 2),
		   t->nr_scales == 1 ? &t->scale : t->scales,
		   (size_t)t->nr_scales, 4);
	put_vector(o, slot_at(s, 3, 3), zeros, (size_t)t->nr_scales, 8);
}

static void put_tensor(struct out *o, size_t field, const struct tb_tensor *t,
		       int buffer)
{
	struct slot s[8];
	size_t table;
	int n = 0;

	s[n++] = (struct slot){ .id = 0 };
	s[n++] = (struct slot){ .id = 1, .size = 1, .value = (u8)t->type };
	s[n++] = (struct slot){ .id = 2, .size = 4, .value = (u32)buffer };
	s[n++] = (struct slot){ .id = 3 };
	if (t->nr_scales)
		s[n++] = (struct slot){ .id = 4 };
	if (t->is_variable)
		s[n++] = (struct slot){ .id = 5, .size = 1, .value = 1 };
	if (t->sparse)
		s[n++] = (struct slot){ .id = 6 };
	table = put_table(o, s, n);
	set32(o, field, (u32)(table - field));
	put_vector(o, slot_at(s, n, 0), t->dims, (size_t)t->rank, 4);
	put_string(o, slot_at(s, n, 3), t->name ? t->name : "");
	if (t->nr_scales)
		put_quantisation(o, slot_at(s, n, 4), t);
	if (t->sparse) {
		size_t at = slot_at(s, n, 6);

		table = put_table(o, NULL, 0);
		set32(o, at, (u32)(table - at));
	}
}

static void put_operator(struct out *o, size_t field, const struct tb_op *op,
			 int index)
{
	struct slot s[8], f[TB_FIELDS];
	size_t table, at;
	int i, n = 0;

	s[n++] = (struct slot){ .id = 0, .size = 4, .value = (u32)index };
	s[n++] = (struct slot){ .id = 1 };
	s[n++] = (struct slot){ .id = 2 };
	if (op->options_type) {
		s[n++] = (struct slot){ .id = 3, .size = 1,
					.value = (u8)op->options_type };
		s[n++] = (struct slot){ .id = 4 };
	}
	table = put_table(o, s, n);
	set32(o, field, (u32)(table - field));
	put_vector(o, slot_at(s, n, 1), op->inputs, (size_t)op->nr_inputs, 4);
	put_vector(o, slot_at(s, n, 2), op->outputs, (size_t)op->nr_outputs, 4);
	if (!op->options_type)
		return;
	for (i = 0; i < op->nr_fields; i++)
		f[i] = (struct slot){ .id = op->fields[i].id,
				      .size = op->fields[i].size,
				      .value = (u32)op->fields[i].value };
	at = slot_at(s, n, 4);
	table = put_table(o, f, op->nr_fields);
	set32(o, at, (u32)(table - at));
	for (i = 0; i < op->nr_fields; i++)
		if (!op->fields[i].size)
			put_vector(o, f[i].at, op->fields[i].list,
				   (size_t)op->fields[i].n, 4);
}

static void put_graph(struct out *o, size_t field, const struct tfl_builder *b)
{
	struct slot s[4] = { { .id = 0 }, { .id = 1 }, { .id = 2 }, { .id = 3 } };
	size_t table, first;
	int i, buffer = 0;

	table = put_table(o, s, 4);
	set32(o, field, (u32)(table - field));
	put_vector(o, slot_at(s, 4, 1), b->inputs, (size_t)b->nr_inputs, 4);
	put_vector(o, slot_at(s, 4, 2), b->outputs, (size_t)b->nr_outputs, 4);
	first = put_tables(o, slot_at(s, 4, 0), b->nr_tensors);
	for (i = 0; i < b->nr_tensors; i++)
		put_tensor(o, first + 4 * (size_t)i, &b->tensors[i],
			   b->tensors[i].data ? ++buffer : 0);
	first = put_tables(o, slot_at(s, 4, 3), b->nr_ops);
	for (i = 0; i < b->nr_ops; i++)
		put_operator(o, first + 4 * (size_t)i, &b->ops[i], i);
}

static void put_codes(struct out *o, size_t field, const struct tfl_builder *b)
{
	size_t first = put_tables(o, field, b->nr_ops), table, at;
	int i;

	for (i = 0; i < b->nr_ops; i++) {
		int code = b->ops[i].code;
		struct slot s[4] = {
			{ .id = 0, .size = 1, .value = code > 127 ? 127 : (u8)code },
			{ .id = 2, .size = 4, .value = 1 },
			{ .id = 3, .size = 4, .value = (u32)code },
			{ .id = 1 },
		};
		int n = b->ops[i].custom ? 4 : 3;

		at = first + 4 * (size_t)i;
		table = put_table(o, s, n);
		set32(o, at, (u32)(table - at));
		if (n == 4)
			put_string(o, slot_at(s, n, 1), b->ops[i].custom);
	}
}

/* Buffer 0 is empty; data of large ones is appended once all is written. */
static void put_buffers(struct out *o, size_t field,
			const struct tfl_builder *b, size_t *large)
{
	int i, n = 1;
	size_t first, table, at;
	struct slot s[2];

	for (i = 0; i < b->nr_tensors; i++)
		n += !!b->tensors[i].data;
	first = put_tables(o, field, n);
	at = first;
	table = put_table(o, NULL, 0);
	set32(o, at, (u32)(table - at));
	for (i = 0; i < b->nr_tensors; i++) {
		const struct tb_tensor *t = &b->tensors[i];

		if (!t->data)
			continue;
		at += 4;
		if (t->large) {
			s[0] = (struct slot){ .id = 1, .size = 8 };
			s[1] = (struct slot){ .id = 2, .size = 8,
					      .value = (u64)t->bytes };
			table = put_table(o, s, 2);
			large[i] = slot_at(s, 2, 1);
		} else {
			s[0] = (struct slot){ .id = 0 };
			table = put_table(o, s, 1);
			put_vector(o, slot_at(s, 1, 0), t->data,
				   (size_t)t->bytes, 1);
		}
		set32(o, at, (u32)(table - at));
	}
}

void *tb_finish(const struct tfl_builder *b, size_t *bytes)
{
	struct slot s[5] = {
		{ .id = 0, .size = 4, .value = b->version ? (u32)b->version : 3 },
		{ .id = 1 }, { .id = 2 }, { .id = 3 }, { .id = 4 },
	};
	size_t large[TB_TENSORS] = { 0 }, table, first;
	struct out o = { 0 };
	int i, graphs = b->subgraphs ? b->subgraphs : 1;

	put32(&o, 0);
	put(&o, "TFL3", 4);
	table = put_table(&o, s, 5);
	set32(&o, 0, (u32)table);
	put_codes(&o, slot_at(s, 5, 1), b);
	first = put_tables(&o, slot_at(s, 5, 2), graphs);
	for (i = 0; i < graphs; i++)
		put_graph(&o, first + 4 * (size_t)i, b);
	put_string(&o, slot_at(s, 5, 3), "made by a test");
	put_buffers(&o, slot_at(s, 5, 4), b, large);
	for (i = 0; i < b->nr_tensors; i++) {
		if (!large[i])
			continue;
		align(&o, 16);
		memcpy(o.data + large[i], &(u64){ o.bytes }, 8);
		put(&o, b->tensors[i].data, (size_t)b->tensors[i].bytes);
	}
	align(&o, 16);
	*bytes = o.bytes;
	return o.data;
}

void tb_init(struct tfl_builder *b)
{
	memset(b, 0, sizeof(*b));
}

void tb_free(struct tfl_builder *b)
{
	int i;

	for (i = 0; i < b->nr_tensors; i++)
		free(b->copies[i]);
	b->nr_tensors = 0;
}

size_t tb_type_bytes(int type)
{
	switch (type) {
	case TB_I8:
	case TB_U8:
		return 1;
	case TB_I16:
	case TB_F16:
		return 2;
	case TB_I64:
		return 8;
	default:
		return 4;
	}
}

int tb_add(struct tfl_builder *b, const struct tb_tensor *t)
{
	int i = b->nr_tensors++;

	assert(i < TB_TENSORS);
	b->tensors[i] = *t;
	if (t->data) {
		b->copies[i] = malloc((size_t)t->bytes + 1);
		assert(b->copies[i]);
		memcpy(b->copies[i], t->data, (size_t)t->bytes);
		b->tensors[i].data = b->copies[i];
	}
	return i;
}

int tb_act(struct tfl_builder *b, const char *name, int type, float scale,
	   int zero, int rank, const int *dims)
{
	return tb_const(b, name, type, scale, zero, rank, dims, NULL);
}

int tb_const(struct tfl_builder *b, const char *name, int type, float scale,
	     int zero, int rank, const int *dims, const void *data)
{
	struct tb_tensor t = { .name = name, .type = type, .rank = rank,
			       .nr_scales = scale != 0, .scale = scale,
			       .zero = zero, .data = data,
			       .bytes = (int)tb_type_bytes(type) };
	int i;

	for (i = 0; i < rank; i++) {
		t.dims[i] = dims[i];
		t.bytes *= dims[i] > 0 ? dims[i] : 1;
	}
	return tb_add(b, &t);
}

int tb_ints(struct tfl_builder *b, const char *name, int n, const int *values)
{
	return tb_const(b, name, TB_I32, 0, 0, 1, &n, values);
}

struct tb_op *tb_operator(struct tfl_builder *b, int code, int nr_inputs,
			  const int *inputs, int nr_outputs,
			  const int *outputs)
{
	struct tb_op *op = &b->ops[b->nr_ops++];

	assert(b->nr_ops <= TB_OPS && nr_inputs <= TB_OPERANDS &&
	       nr_outputs <= TB_OPERANDS);
	op->code = code;
	op->nr_inputs = nr_inputs;
	memcpy(op->inputs, inputs, sizeof(int) * (size_t)nr_inputs);
	op->nr_outputs = nr_outputs;
	memcpy(op->outputs, outputs, sizeof(int) * (size_t)nr_outputs);
	return op;
}

static struct tb_field *new_field(struct tb_op *op, int type, int id)
{
	struct tb_field *f = &op->fields[op->nr_fields++];

	assert(op->nr_fields <= TB_FIELDS);
	op->options_type = type;
	f->id = id;
	return f;
}

void tb_option(struct tb_op *op, int type, int id, int size, int value)
{
	struct tb_field *f = new_field(op, type, id);

	f->size = size;
	f->value = value;
}

void tb_option_float(struct tb_op *op, int type, int id, float value)
{
	int bits;

	memcpy(&bits, &value, 4);
	tb_option(op, type, id, 4, bits);
}

void tb_option_list(struct tb_op *op, int type, int id, int n, const int *list)
{
	struct tb_field *f = new_field(op, type, id);

	f->list = list;
	f->n = n;
}
