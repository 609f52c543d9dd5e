/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * Pairs with broadcasting, whatever the type of their elements: the walk over
 * runs, and operands that stand still.
 */
#ifndef _ENG_BINARY_H
#define _ENG_BINARY_H

#include "program.h"

/* The kernel of one element type, on @n elements. */
typedef void (*eng_binary_call)(const struct eng_p_binary *b, const void *a,
				const void *c, void *y, size_t n);

#define ENG_SPREAD	128	/* bytes of a repeated operand, on the stack */

/* @n copies of the element of @size bytes at @from */
static inline void eng_spread(void *to, const void *from, u32 size, u32 n)
{
	u8 *at = to;

	if (size == 1) {
		memset(to, *(const u8 *)from, n);
		return;
	}
	for (; n; n--, at += size)
		memcpy(at, from, size);
}

/*
 * One run of n elements along the innermost dimension. A side that stands
 * still is spread first, so that the kernel always sees equal shapes.
 */
static inline void eng_binary_run(const struct eng_p_binary *b, const u8 *a,
				  bool a_moves, const u8 *c, bool c_moves,
				  u8 *y, u32 n, u32 size, eng_binary_call call)
{
	u32 spread[2][ENG_SPREAD / sizeof(u32)];
	u32 most = ENG_SPREAD / size;
	u32 i, k;

	if (a_moves && c_moves) {
		call(b, a, c, y, n);
		return;
	}
	if (!a_moves)
		eng_spread(spread[0], a, size, n < most ? n : most);
	if (!c_moves)
		eng_spread(spread[1], c, size, n < most ? n : most);
	for (i = 0; i < n; i += k) {
		k = n - i < most ? n - i : most;
		call(b, a_moves ? a + (size_t)i * size : (u8 *)spread[0],
		     c_moves ? c + (size_t)i * size : (u8 *)spread[1],
		     y + (size_t)i * size, k);
	}
}

/* A task on elements of @size bytes; inlined, so that @call is a direct one. */
static inline void eng_run_binary(const struct eng_task *t,
				  const struct eng_run *r, u32 begin, u32 end,
				  u32 size, eng_binary_call call)
{
	const struct eng_p_binary *b = &t->p.binary;
	const struct eng_walk *w = &b->walk;
	const u8 *x = eng_at(r, &t->x);
	const u8 *z = eng_at(r, &t->z);
	u8 *y = eng_at(r, &t->y);
	struct eng_walker at;

	eng_walk_seek(w, &at, begin);
	while (begin < end) {
		u32 n = eng_walk_left(w, &at);

		n = n < end - begin ? n : end - begin;
		eng_binary_run(b, x + at.x * size, w->xs[w->rank - 1],
			       z + at.y * size, w->ys[w->rank - 1],
			       y + (size_t)begin * size, n, size, call);
		begin += n;
		if (begin < end)
			eng_walk_next(w, &at, n);
	}
}

#endif /* _ENG_BINARY_H */
