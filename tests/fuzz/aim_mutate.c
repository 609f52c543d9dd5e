// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdlib.h>
#include "aim_mutate.h"

static u32 state;

static u32 rnd(u32 below)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return below ? state % below : state;
}

static bool one_in(u32 n)
{
	return !rnd(n);
}

/* A value that rules turn on, or one near @old. */
static u32 interesting(u32 old)
{
	static const u32 values[] = {
		0, 1, 2, 3, 4, 7, 8, 63, 64, 65, 127, 128, 255, 256, 4095, 4096,
		65535, 65536, 0x1000000, 0x1000001, 0x40000000, 0x3fffffff,
		0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, 0xffffff80,
		0xffffff7f, 0x3f800000, 0x7f800000, 0xff800000, 0x7fc00000,
		0x00000001, 0x3b800000, 30, 31, 32, (u32)-31, (u32)-32, 20, 21,
	};

	switch (rnd(6)) {
	case 0:
		return old + 1;
	case 1:
		return old - 1;
	case 2:
		return old ^ 1U << rnd(32);
	case 3:
		return old * 2;
	case 4:
		return rnd(12);
	default:
		return values[rnd(sizeof(values) / sizeof(values[0]))];
	}
}

static u32 small(void)
{
	return one_in(16) ? 1 + rnd(64) : 1 + rnd(9);
}

/* Reads a file back into the builder; false if it is too strange for that. */
static bool load(struct aim_builder *b, u8 *data, size_t size)
{
	void *const to[AIM_SEC_NR] = {
		b->tensors, b->ops, b->operands, b->requants, b->scales,
		b->data, b->strings, b->meta,
	};
	static const size_t room[AIM_SEC_NR] = {
		sizeof(b->tensors), sizeof(b->ops), sizeof(b->operands),
		sizeof(b->requants), sizeof(b->scales), sizeof(b->data),
		sizeof(b->strings), sizeof(b->meta),
	};
	struct aim_file f;
	u32 i;

	if (ab_open(&f, data, size))
		return false;
	memset(b, 0, sizeof(*b));
	memcpy(&b->h, f.h, sizeof(b->h));
	for (i = 0; i < AIM_SEC_NR; i++) {
		const struct aim_section *s = &b->h.sections[i];

		if (s->bytes > room[i])
			return false;
		memcpy(to[i], data + s->offset, s->bytes);
	}
	b->nr_tensors = b->h.sections[0].bytes / sizeof(b->tensors[0]);
	b->nr_ops = b->h.sections[1].bytes / sizeof(b->ops[0]);
	b->nr_operands = b->h.sections[2].bytes / sizeof(u32);
	b->nr_requants = b->h.sections[3].bytes / sizeof(b->requants[0]);
	b->nr_scales = b->h.sections[4].bytes / sizeof(u32);
	b->data_bytes = b->h.sections[5].bytes;
	b->strings_bytes = b->h.sections[6].bytes ? b->h.sections[6].bytes : 1;
	b->meta_bytes = b->h.sections[7].bytes;
	memset(b->h.sections, 0, sizeof(b->h.sections));
	return b->nr_tensors && b->nr_ops;
}

static u32 type_size(u32 type)
{
	return type == AIM_TYPE_S16 ? 2 :
	       type == AIM_TYPE_S32 || type == AIM_TYPE_F32 ? 4 : 1;
}

static void set_bytes(struct aim_tensor *t)
{
	u64 bytes = type_size(t->type);
	u32 i;

	for (i = 0; i < AIM_MAX_RANK; i++)
		bytes *= t->dims[i];
	t->bytes = bytes;
}

/* A shape change ripples: give every tensor of the same extent the new one. */
static void change_dim(struct aim_builder *b)
{
	struct aim_tensor *t = &b->tensors[rnd(b->nr_tensors)];
	u32 k = rnd(t->rank ? t->rank : 1) % AIM_MAX_RANK;
	u32 old = t->dims[k], new = one_in(20) ? interesting(old) : small();
	u32 i;

	t->dims[k] = new;
	set_bytes(t);
	if (one_in(2))
		return;
	for (i = 0; i < b->nr_tensors; i++) {
		for (k = 0; k < AIM_MAX_RANK && k < b->tensors[i].rank; k++)
			if (b->tensors[i].dims[k] == old)
				b->tensors[i].dims[k] = new;
		set_bytes(&b->tensors[i]);
	}
}

static void change_tensor(struct aim_builder *b)
{
	struct aim_tensor *t = &b->tensors[rnd(b->nr_tensors)];

	switch (rnd(10)) {
	case 0:
		t->type = 1 + rnd(6);
		set_bytes(t);
		break;
	case 1:
		t->rank = rnd(8);
		break;
	case 2:
		t->place = 1 + rnd(5);
		break;
	case 3:
		t->offset = one_in(2) ? 64 * rnd(16) : rnd(4);
		break;
	case 4:
		t->zero_point = one_in(4) ? interesting(t->zero_point) :
					    (s32)rnd(256) - 128;
		break;
	case 5:
		t->scale_bits = interesting(t->scale_bits);
		break;
	case 6:
		t->scales_count = one_in(2) ? 0 : interesting(t->scales_count);
		break;
	case 7:
		t->bytes = interesting(t->bytes);
		break;
	case 8:
		((u32 *)t)[rnd(sizeof(*t) / 4)] ^= 1U << rnd(32);
		break;
	default:
		*t = b->tensors[rnd(b->nr_tensors)];
	}
}

static void change_op(struct aim_builder *b)
{
	struct aim_op *op = &b->ops[rnd(b->nr_ops)];

	switch (rnd(8)) {
	case 0:
		op->code = rnd(AIM_OP_LAST + 2);
		break;
	case 1:
		op->operands = one_in(4) ? interesting(op->operands) :
					   rnd(b->nr_operands + 1);
		break;
	case 2:
		op->nr_inputs = rnd(5);
		break;
	case 3:
		*op = b->ops[rnd(b->nr_ops)];
		break;
	default: {
		u32 *p = &op->p.raw[rnd(rnd(2) ? 20 : 12)];

		*p = one_in(2) ? rnd(5) : interesting(*p);
	}
	}
}

/* One more operator, of the kind of another model's, on tensors of this one. */
static void add_op(struct aim_builder *b)
{
	static struct aim_builder other;
	const struct aim_op *from;
	struct aim_op *op;
	struct aim_tensor t;
	u32 in[3] = { rnd(b->nr_tensors), rnd(b->nr_tensors),
		      one_in(2) ? AB_NONE : rnd(b->nr_tensors) };
	u32 out;

	if (b->nr_tensors == AB_TENSORS || b->nr_ops == AB_OPS ||
	    b->nr_operands > AB_OPERANDS - 8)
		return;
	ab_init(&other);
	ab_models[rnd(ab_nr_models)].build(&other);
	from = &other.ops[rnd(other.nr_ops)];
	t = b->tensors[one_in(2) ? in[0] : rnd(b->nr_tensors)];
	t.place = AIM_PLACE_ARENA;
	t.offset = 64 * rnd(b->h.arena_bytes / 64 + 4);
	b->tensors[b->nr_tensors] = t;
	out = b->nr_tensors++;
	op = ab_op(b, from->code, from->nr_inputs > 3 ? 3 : from->nr_inputs, in,
		   out);
	op->p = from->p;
	if (b->nr_ops > 1 && one_in(2)) {
		u32 at = rnd(b->nr_ops);
		struct aim_op last = *op;

		*op = b->ops[at];
		b->ops[at] = last;
	}
}

static void change_numbers(struct aim_builder *b)
{
	u32 i;

	switch (rnd(5)) {
	case 0:
		if (b->nr_operands)
			b->operands[rnd(b->nr_operands)] =
				one_in(8) ? interesting(0) : rnd(b->nr_tensors);
		break;
	case 1:
		if (!b->nr_requants)
			break;
		i = rnd(b->nr_requants);
		if (one_in(2))
			b->requants[i].shift = one_in(4) ?
				interesting(b->requants[i].shift) :
				(s32)rnd(62) - 31;
		else
			b->requants[i].multiplier = one_in(4) ?
				interesting(b->requants[i].multiplier) :
				0x40000000 | rnd(0x40000000);
		break;
	case 2:
		if (b->nr_scales)
			b->scales[rnd(b->nr_scales)] = interesting(AB_ONE);
		break;
	default:
		/* constants: the bounds of sums depend on them */
		if (b->data_bytes < 4)
			break;
		i = 4 * rnd(b->data_bytes / 4);
		state ^= b->data[i];
		*(u32 *)(b->data + i) = interesting(*(u32 *)(b->data + i));
	}
}

static void change_header(struct aim_builder *b)
{
	switch (rnd(4)) {
	case 0:
		b->h.arena_bytes = 64 * rnd(64);
		break;
	case 1:
		b->h.nr_inputs = rnd(4);
		break;
	case 2:
		b->h.nr_outputs = rnd(4);
		break;
	default:
		b->h.name = rnd(64);
	}
}

static void change(struct aim_builder *b)
{
	switch (rnd(12)) {
	case 0:
	case 1:
	case 2:
		change_dim(b);
		break;
	case 3:
	case 4:
		change_tensor(b);
		break;
	case 5:
	case 6:
	case 7:
		change_op(b);
		break;
	case 8:
		add_op(b);
		break;
	case 9:
		change_header(b);
		break;
	default:
		change_numbers(b);
	}
}

size_t aim_mutate(u8 *data, size_t size, size_t max_size, u32 seed)
{
	static struct aim_builder b;
	struct aim_file f;
	u32 n;

	state = seed * 2654435761U | 1;
	if (one_in(16))
		return LLVMFuzzerMutate(data, size, max_size);
	if (one_in(64) || !load(&b, data, size)) {
		ab_init(&b);
		ab_models[rnd(ab_nr_models)].build(&b);
	}
	for (n = 1 + rnd(4); n; n--)
		change(&b);
	if (!one_in(4))
		aim_repair(&b);
	/* and sometimes one thing more that nothing repairs */
	if (one_in(8))
		change(&b);
	if (ab_finish(&b, &f)) {
		ab_release(&f);
		return LLVMFuzzerMutate(data, size, max_size);
	}
	if (f.bytes > max_size) {
		ab_release(&f);
		return LLVMFuzzerMutate(data, size, max_size);
	}
	memcpy(data, f.data, f.bytes);
	size = f.bytes;
	ab_release(&f);
	/* now and then break the frame too */
	if (one_in(12)) {
		u32 at = 4 * rnd(size / 4 < 64 || one_in(2) ? size / 4 : 54);

		*(u32 *)(data + at) = interesting(*(u32 *)(data + at));
	}
	return size;
}
