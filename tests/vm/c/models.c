// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Model files made by hand, so that these tests need no converter. The layout
 * is docs/model-format.md; only table look-ups and relu are used.
 */
#include <aim/format.h>
#include "vmtest.h"

#define MAX_T	600
#define MAX_O	300

struct builder {
	struct aim_tensor t[MAX_T];
	struct aim_op op[MAX_O];
	uint32_t operand[MAX_O * 4];
	uint8_t table[2][256];
	unsigned int nr_t, nr_op, nr_operand, nr_tables, nr_in, nr_out;
	uint64_t arena, macs;
};

static struct builder b;

static unsigned int add_tensor(int type, unsigned int place, unsigned int n,
			       uint64_t offset)
{
	struct aim_tensor *t = &b.t[b.nr_t];
	unsigned int size = type == AIM_TYPE_F32 ? 4 : 1;

	*t = (struct aim_tensor){ .type = type, .rank = 2, .place = place,
				  .dims = { 1, n, 1, 1, 1, 1 },
				  .offset = offset, .bytes = (uint64_t)n * size };
	if (type != AIM_TYPE_F32)
		t->scale_bits = 0x3f800000;	/* 1.0 */
	return b.nr_t++;
}

static unsigned int add_input(int type, unsigned int n)
{
	return add_tensor(type, AIM_PLACE_INPUT, n, b.nr_in++);
}

static unsigned int add_output(int type, unsigned int n)
{
	return add_tensor(type, AIM_PLACE_OUTPUT, n, b.nr_out++);
}


static unsigned int add_table(uint8_t mask)
{
	unsigned int k = b.nr_tables++;
	unsigned int t = add_tensor(AIM_TYPE_S8, AIM_PLACE_CONST, 256, k * 256);

	b.t[t].rank = 1;
	b.t[t].dims[0] = 256;
	b.t[t].dims[1] = 1;
	b.t[t].scale_bits = 0;
	for (unsigned int i = 0; i < 256; i++)
		b.table[k][i] = i ^ mask;
	return t;
}

static struct aim_op *add_op(unsigned int code, const uint32_t *operands,
			     unsigned int in, unsigned int out)
{
	struct aim_op *op = &b.op[b.nr_op++];

	*op = (struct aim_op){ .code = code, .nr_inputs = in, .nr_outputs = out,
			       .operands = b.nr_operand };
	memcpy(b.operand + b.nr_operand, operands, (in + out) * sizeof(*operands));
	b.nr_operand += in + out;
	return op;
}

static void add_lut(unsigned int in, unsigned int table, unsigned int out)
{
	add_op(AIM_OP_LUT8, (uint32_t[]){ in, table, out }, 2, 1);
}

static void put(struct model_bytes *m, unsigned int id, const void *data, size_t n)
{
	struct aim_header *h = (struct aim_header *)m->data;

	if (!n)
		return;
	m->bytes = (m->bytes + AIM_ALIGN - 1) / AIM_ALIGN * AIM_ALIGN;
	if (m->bytes + n > sizeof(m->data))
		FAIL("the test's model is too large");
	h->sections[id] = (struct aim_section){ m->bytes, n };
	memcpy(m->data + m->bytes, data, n);
	m->bytes += n;
}

static void finish(struct model_bytes *m)
{
	struct aim_header *h = (struct aim_header *)m->data;

	memset(m->data, 0, sizeof(m->data));
	memcpy(h->magic, AIM_MAGIC, AIM_MAGIC_LEN);
	h->version_major = AIM_VERSION_MAJOR;
	h->version_minor = AIM_VERSION_MINOR;
	h->header_bytes = sizeof(*h);
	h->arena_bytes = b.arena;
	h->macs = b.macs;
	h->nr_inputs = b.nr_in;
	h->nr_outputs = b.nr_out;
	m->bytes = sizeof(*h);
	put(m, AIM_SEC_TENSORS, b.t, b.nr_t * sizeof(b.t[0]));
	put(m, AIM_SEC_OPS, b.op, b.nr_op * sizeof(b.op[0]));
	put(m, AIM_SEC_OPERANDS, b.operand, b.nr_operand * sizeof(b.operand[0]));
	put(m, AIM_SEC_DATA, b.table, b.nr_tables * 256);
	h->file_bytes = m->bytes;
	memset(&b, 0, sizeof(b));
}

void make_lut(struct model_bytes *m, unsigned int n)
{
	unsigned int in = add_input(AIM_TYPE_S8, n);
	unsigned int out = add_output(AIM_TYPE_S8, n);

	add_lut(in, add_table(LUT_XOR), out);
	finish(m);
}

void make_two(struct model_bytes *m, unsigned int n)
{
	unsigned int in = add_input(AIM_TYPE_S8, n);
	unsigned int a = add_output(AIM_TYPE_S8, n);
	unsigned int c = add_output(AIM_TYPE_S8, n);

	add_lut(in, add_table(LUT_XOR), a);
	add_lut(in, add_table(LUT_XOR2), c);
	finish(m);
}

void make_two_in(struct model_bytes *m, unsigned int n)
{
	unsigned int x = add_input(AIM_TYPE_S8, n);
	unsigned int y = add_input(AIM_TYPE_S8, n);
	unsigned int out = add_output(AIM_TYPE_S8, n);
	unsigned int skip = add_output(AIM_TYPE_S8, n);
	unsigned int table = add_table(LUT_XOR);

	add_lut(y, table, out);
	add_lut(x, table, skip);
	finish(m);
}

void make_relu(struct model_bytes *m, unsigned int n)
{
	unsigned int in = add_input(AIM_TYPE_F32, n);
	unsigned int out = add_output(AIM_TYPE_F32, n);
	struct aim_op *op = add_op(AIM_OP_UNARY, (uint32_t[]){ in, out }, 1, 1);

	op->p.unary.kind = AIM_UNARY_RELU;
	finish(m);
}

void make_work(struct model_bytes *m, unsigned int side, unsigned int window)
{
	unsigned int in = add_input(AIM_TYPE_S8, side * side);
	unsigned int out = add_output(AIM_TYPE_S8, side * side);
	struct aim_op *op = add_op(AIM_OP_MAXPOOL, (uint32_t[]){ in, out }, 1, 1);

	for (unsigned int t = in; t <= out; t++) {
		b.t[t].rank = 4;
		b.t[t].dims[1] = side;
		b.t[t].dims[2] = side;
	}
	op->p.pool = (struct aim_p_pool){
		.kernel_h = window, .kernel_w = window,
		.stride_h = 1, .stride_w = 1,
		.pad_top = (window - 1) / 2, .pad_bottom = window / 2,
		.pad_left = (window - 1) / 2, .pad_right = window / 2,
		.clamp = { -128, 127 },
	};
	finish(m);
}

/* A constant of zeroes, where the tables would be. */
static unsigned int add_zeroes(unsigned int rank, unsigned int n, uint64_t offset)
{
	unsigned int t = add_tensor(AIM_TYPE_F32, AIM_PLACE_CONST, n, offset);

	b.t[t].rank = rank;
	b.t[t].dims[0] = n / 8;
	b.t[t].dims[1] = 8;
	if (rank == 1) {
		b.t[t].dims[0] = n;
		b.t[t].dims[1] = 1;
	}
	return t;
}

void make_fc(struct model_bytes *m)
{
	unsigned int in = add_input(AIM_TYPE_F32, 8);
	unsigned int out = add_output(AIM_TYPE_F32, 8);
	unsigned int weights = add_zeroes(2, 64, 0);
	unsigned int bias = add_zeroes(1, 8, 256);
	struct aim_op *op = add_op(AIM_OP_FC, (uint32_t[]){ in, weights, bias, out }, 3, 1);

	op->p.fc.clamp.min = (int32_t)0xff800000;	/* infinities */
	op->p.fc.clamp.max = 0x7f800000;
	b.nr_tables = 2;
	b.macs = FC_MACS;
	finish(m);
}

void make_chain(struct model_bytes *m, unsigned int n, unsigned int ops)
{
	unsigned int in = add_input(AIM_TYPE_S8, n);
	unsigned int out = add_output(AIM_TYPE_S8, n);
	unsigned int table = add_table(LUT_XOR);
	/* Two buffers take turns; each use of one is a tensor of its own */
	uint64_t half = (n + 63) / 64 * 64;
	unsigned int from = in;

	if (ops > MAX_O)
		FAIL("chain of %u", ops);
	for (unsigned int i = 0; i + 1 < ops; i++) {
		unsigned int to = add_tensor(AIM_TYPE_S8, AIM_PLACE_ARENA, n,
					     i % 2 * half);

		add_lut(from, table, to);
		from = to;
	}
	b.arena = 2 * half;
	add_lut(from, table, out);
	finish(m);
}
