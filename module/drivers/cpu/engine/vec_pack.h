/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * Template: the packed form of one vector of output channels, requantisation
 * first, then weights. Included after a unit's primitives.
 */
#ifndef _ENG_VEC_PACK_H
#define _ENG_VEC_PACK_H

#define VEC_RQ_BYTES	(VEC_RQ_NR * VEC_BYTES)

static void vec_put32(u8 *block, enum vec_rq what, u32 lane, s32 v)
{
	memcpy(block + (what * LANES + lane) * 4, &v, sizeof(v));
}

/* @sum is that of the channel's weights */
static void vec_pack_bias(const struct eng_conv *c, u8 *block, u32 lane, u32 o,
			  u32 sum)
{
	u32 bias = c->bias ? (u32)((const s32 *)c->bias)[o] : 0;

	bias -= (OFFSET + (u32)c->in_zp) * sum;
	vec_put32(block, VEC_RQ_BIAS, lane, (s32)bias);
}

/* All of one lane but the bias */
static void vec_pack_requant(u8 *block, u32 lane, struct aim_requant r)
{
	u32 right = r.shift < 0 ? (u32)-r.shift : 0;
	s64 add = 1LL << 30;

	if (right)
		add += 1LL << (30 + right);
	vec_put32(block, VEC_RQ_MULT, lane, r.multiplier);
	vec_put32(block, VEC_RQ_MULT_ODD, lane & ~1U, 0);
	if (lane & 1)
		vec_put32(block, VEC_RQ_MULT_ODD, lane - 1, r.multiplier);
	memcpy(block + (lane & 1 ? VEC_RQ_ADD_ODD : VEC_RQ_ADD_EVEN) * LANES * 4 +
	       lane / 2 * 8, &add, sizeof(add));
	vec_put32(block, VEC_RQ_RIGHT, lane, (s32)right);
	vec_put32(block, VEC_RQ_LEFT, lane, r.shift > 0 ? r.shift : 0);
	vec_put32(block, VEC_RQ_SIGN, lane, right ? 31 : 32);
}

/* Weight @k of a lane */
static void vec_pack_weight(u8 *weights, u32 lane, u32 k, s8 w)
{
	u8 *step = weights + (size_t)(k / GROUP) * LANES * VEC_UNIT_BYTES;
	u32 at = vec_weight_at(lane, k % GROUP);

	if (GROUP == 4) {
		step[at] = (u8)w;
	} else {
		s16 wide = w;

		memcpy(step + at * 2, &wide, sizeof(wide));
	}
}

static struct vec_head *vec_pack_head(const struct eng_conv *c, void *packed)
{
	struct vec_head *head = packed;
	u32 o;

	head->left = 0;
	for (o = 0; o < c->out_c; o++)
		head->left |= c->requant[o].shift > 0;
	return head;
}

#endif /* _ENG_VEC_PACK_H */
