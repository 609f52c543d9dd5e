// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * Tasks that move elements: transpose, slice, concat and pad are strided
 * copies, pad also fills.
 */
#include "program.h"

static void copy_u8(u8 *y, size_t ys, const u8 *x, size_t xs, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		y[i * ys] = x[i * xs];
}

static void copy_u16(u16 *y, size_t ys, const u16 *x, size_t xs, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		y[i * ys] = x[i * xs];
}

static void copy_u32(u32 *y, size_t ys, const u32 *x, size_t xs, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		y[i * ys] = x[i * xs];
}

static void copy_run(void *y, size_t ys, const void *x, size_t xs, u32 n,
		     u32 size)
{
	if (xs == 1 && ys == 1) {
		memcpy(y, x, (size_t)n * size);
		return;
	}
	switch (size) {
	case 1:
		copy_u8(y, ys, x, xs, n);
		break;
	case 2:
		copy_u16(y, ys, x, xs, n);
		break;
	case 4:
		copy_u32(y, ys, x, xs, n);
		break;
	}
}

/*
 * Planes to channels (NCHW to NHWC) with few channels: the unit is a pixel, all
 * channels of it are gathered. The walk has exactly two dimensions, pixels and
 * channels, after a batch of one.
 */
static void interleave(const struct eng_task *t, const u8 *x, u8 *y, u32 begin,
		       u32 end)
{
	size_t plane = t->p.copy.walk.xs[1];
	u32 lanes = t->p.copy.lanes;
	u32 i, c;

	y += (size_t)begin * lanes;
	for (i = begin; i < end; i++)
		for (c = 0; c < lanes; c++)
			*y++ = x[i + c * plane];
}

static void interleave3(const struct eng_task *t, const u8 *x, u8 *y, u32 begin,
			u32 end)
{
	const u8 *x1 = x + t->p.copy.walk.xs[1];
	const u8 *x2 = x1 + t->p.copy.walk.xs[1];
	u32 i;

	y += (size_t)begin * 3;
	for (i = begin; i < end; i++, y += 3) {
		y[0] = x[i];
		y[1] = x1[i];
		y[2] = x2[i];
	}
}

void eng_run_copy(const struct eng_task *t, const struct eng_run *r, u32 begin,
		  u32 end)
{
	const struct eng_p_copy *p = &t->p.copy;
	const struct eng_walk *w = &p->walk;
	const u8 *x = eng_at(r, &t->x);
	u8 *y = eng_at(r, &t->y);
	struct eng_walker at;

	if (p->lanes == 3) {
		interleave3(t, x, y, begin, end);
		return;
	}
	if (p->lanes > 1) {
		interleave(t, x, y, begin, end);
		return;
	}
	eng_walk_seek(w, &at, begin);
	while (begin < end) {
		u32 n = eng_walk_left(w, &at);

		n = n < end - begin ? n : end - begin;
		copy_run(y + at.y * p->size, w->ys[w->rank - 1],
			 x + at.x * p->size, w->xs[w->rank - 1], n, p->size);
		begin += n;
		if (begin < end)
			eng_walk_next(w, &at, n);
	}
}

void eng_run_fill(const struct eng_task *t, const struct eng_run *r, u32 begin,
		  u32 end)
{
	const struct eng_p_fill *p = &t->p.fill;
	void *y = eng_at(r, &t->y);
	u32 i;

	switch (p->size) {
	case 1:
		memset((u8 *)y + begin, (int)(p->value & 0xff), end - begin);
		break;
	case 2:
		for (i = begin; i < end; i++)
			((u16 *)y)[i] = (u16)p->value;
		break;
	case 4:
		for (i = begin; i < end; i++)
			((u32 *)y)[i] = p->value;
		break;
	}
}
