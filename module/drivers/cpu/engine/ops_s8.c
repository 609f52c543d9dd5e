// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * Tasks on integers: convolutions of every kind, pairs with broadcasting,
 * look-up, pooling, mean.
 */
#include "binary.h"
#include "requant.h"
#include "scalar.h"

void eng_run_conv(const struct eng_task *t, const struct eng_run *r, u32 begin,
		  u32 end)
{
	t->p.conv.kernel->run(&t->p.conv.c, t->packed, eng_at(r, &t->x),
			      eng_at(r, &t->y), eng_at(r, &t->scratch), begin,
			      end);
}

void eng_run_depthwise_s8_part(const struct eng_task *t,
			       const struct eng_run *r, u32 begin, u32 end)
{
	eng_scalar_depthwise_s8_part(&t->p.conv.c, eng_at(r, &t->x),
				     eng_at(r, &t->y), begin, end);
}

static void call_s8(const struct eng_p_binary *b, const void *a, const void *c,
		    void *y, size_t n)
{
	b->s8_fn(&b->p, a, c, y, n);
}

void eng_run_binary_s8(const struct eng_task *t, const struct eng_run *r,
		       u32 begin, u32 end)
{
	eng_run_binary(t, r, begin, end, sizeof(s8), call_s8);
}

void eng_run_lut8(const struct eng_task *t, const struct eng_run *r, u32 begin,
		  u32 end)
{
	t->p.lut.fn(eng_at(r, &t->z), (const u8 *)eng_at(r, &t->x) + begin,
		    (u8 *)eng_at(r, &t->y) + begin, end - begin);
}

void eng_run_pool_s8(const struct eng_task *t, const struct eng_run *r,
		     u32 begin, u32 end)
{
	t->p.pool.s8_fn(&t->p.pool.p, eng_at(r, &t->x), eng_at(r, &t->y), begin,
			end);
}

/* One output element at a time, for pixels too expensive for one tile. */
void eng_run_avgpool_s8_part(const struct eng_task *t, const struct eng_run *r,
			     u32 begin, u32 end)
{
	eng_scalar_avgpool_s8_part(&t->p.pool.p, eng_at(r, &t->x),
				   eng_at(r, &t->y), begin, end);
}

void eng_run_maxpool_s8_part(const struct eng_task *t, const struct eng_run *r,
			     u32 begin, u32 end)
{
	eng_scalar_maxpool_s8_part(&t->p.pool.p, eng_at(r, &t->x),
				   eng_at(r, &t->y), begin, end);
}

/* sums[...] += x over elements [begin, end) of the input */
static void mean_add(const struct eng_walk *w, const s8 *x, u32 *sums,
		     u32 begin, u32 end)
{
	bool along = w->ys[w->rank - 1] == 0;	/* innermost is summed */
	size_t xs = w->xs[w->rank - 1];
	struct eng_walker at;
	u32 i, n;

	eng_walk_seek(w, &at, begin);
	for (; begin < end; begin += n) {
		u32 *to = sums + at.y;
		const s8 *from = x + at.x;

		n = eng_walk_left(w, &at);
		n = n < end - begin ? n : end - begin;
		if (along) {
			u32 sum = 0;

			for (i = 0; i < n; i++)
				sum += (u32)(s32)from[i * xs];
			*to += sum;
		} else {
			for (i = 0; i < n; i++)
				to[i] += (u32)(s32)from[i];
		}
		if (n < end - begin)
			eng_walk_next(w, &at, n);
	}
}

static void mean_write(const struct eng_p_mean *p, const u32 *sums, s8 *y,
		       u32 begin, u32 end)
{
	u32 offset = (u32)p->in_zp * p->terms;
	u32 i;

	for (i = begin; i < end; i++)
		y[i] = eng_output_s8((s32)(sums[i] - offset), p->requant,
				     p->out_zp, p->clamp);
}

void eng_run_mean_s8(const struct eng_task *t, const struct eng_run *r,
		     u32 begin, u32 end)
{
	const struct eng_p_mean *p = &t->p.mean;
	u32 *sums = eng_at(r, &t->scratch);
	u32 first = p->nr_out, second = p->nr_out + p->nr_in;
	u32 stop;

	if (begin < first) {
		stop = end < first ? end : first;
		memset(sums + begin, 0, (size_t)(stop - begin) * sizeof(*sums));
		begin = stop;
	}
	if (begin < end && begin < second) {
		stop = end < second ? end : second;
		mean_add(&p->walk, eng_at(r, &t->x), sums, begin - first,
			 stop - first);
		begin = stop;
	}
	if (begin < end)
		mean_write(p, sums, eng_at(r, &t->y), begin - second,
			   end - second);
}
