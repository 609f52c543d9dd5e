/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * Primitives of arm64 vectors: NEON, with VEC_DOTPROD also SDOT. Same contents
 * as vec_256.h, where each is described.
 *
 * Without SDOT products are of 16 bits and a unit's two elements lie apart:
 * first the even one of all lanes, then the odd one, since that is how the
 * widening multiply-add takes its operands (vec_geom's split).
 */
#ifndef _ENG_VEC_128_H
#define _ENG_VEC_128_H

#include "vec_intrin.h"
#include "vec_plan.h"

#define LANES		4
#define VEC_BYTES	16
#define VECS		4
/* Heights of tiles of 1 to 4 vectors, for f32 the largest alone */
#define TILES_1		16, 8, 4
#define TILES_2		12, 8, 4
#define TILES_3		8, 4, 2
#define TILES_4		6, 4, 2
#define TILE_1		12
#define TILE_FULL	6
#define OFFSET		0
#if VEC_DOTPROD
#define GROUP		4
#else
#define GROUP		2
#endif

typedef int32x4_t vec;
typedef int8x16_t vec_bytes;
typedef float32x4_t vecf;

VEC_INLINE vec vec_load(const void *p)
{
	return vreinterpretq_s32_u8(vld1q_u8(p));
}

/* Stays in a register: else gcc reads it from memory again for each use */
VEC_INLINE vec vec_pin(vec v)
{
	__asm__("" : "+w"(v));
	return v;
}

VEC_INLINE void vec_store(void *p, vec v)
{
	vst1q_u8(p, vreinterpretq_u8_s32(v));
}

VEC_INLINE vec vec_zero(void)
{
	return vdupq_n_s32(0);
}

VEC_INLINE vec vec_add(vec a, vec b)
{
	return vaddq_s32(a, b);
}

VEC_INLINE vec vec_unit(const void *p)
{
	s32 v;

	memcpy(&v, p, sizeof(v));
	return vdupq_n_s32(v);
}

VEC_INLINE vec vec_dot(vec acc, vec a, vec w)
{
#if VEC_DOTPROD
	return vdotq_s32(acc, vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(w));
#else
	int16x8_t wide = vreinterpretq_s16_s32(w);
	int16x4_t pair = vget_low_s16(vreinterpretq_s16_s32(a));

	acc = vmlal_lane_s16(acc, vget_low_s16(wide), pair, 0);
	return vmlal_high_lane_s16(acc, wide, pair, 1);
#endif
}

VEC_INLINE vec vec_dot_lanes(vec acc, vec a, vec w)
{
#if VEC_DOTPROD
	return vec_dot(acc, a, w);
#else
	int16x8_t x = vreinterpretq_s16_s32(a), y = vreinterpretq_s16_s32(w);

	acc = vmlal_s16(acc, vget_low_s16(x), vget_low_s16(y));
	return vmlal_high_s16(acc, x, y);
#endif
}

static inline u32 vec_weight_at(u32 lane, u32 k)
{
#if VEC_DOTPROD
	return lane * GROUP + k;
#else
	return k * LANES + lane;
#endif
}

/* NEON has both roundings: SQRDMULH, and SRSHL with ties made to go away */
struct vec_requant {
	vec mult, right, left;	/* right: negative */
};

VEC_INLINE struct vec_requant vec_requant_load(const u8 *p)
{
	return (struct vec_requant){
		.mult = vec_load(p + VEC_RQ_MULT * VEC_BYTES),
		.right = vnegq_s32(vec_load(p + VEC_RQ_RIGHT * VEC_BYTES)),
		.left = vec_load(p + VEC_RQ_LEFT * VEC_BYTES),
	};
}

VEC_INLINE vec vec_shift_left(vec acc, const struct vec_requant *r)
{
	return vshlq_s32(acc, r->left);
}

VEC_INLINE vec vec_requant(vec acc, const struct vec_requant *r)
{
	vec t = vqrdmulhq_s32(acc, r->mult);
	vec away = vshrq_n_s32(vandq_s32(t, r->right), 31);

	return vrshlq_s32(vaddq_s32(t, away), r->right);
}

struct vec_output {
	int16x8_t zp;
	vec_bytes min, max;
};

VEC_INLINE struct vec_output vec_output_of(s32 zp, struct aim_clamp c)
{
	return (struct vec_output){
		.zp = vdupq_n_s16((s16)zp),
		.min = vdupq_n_s8((s8)c.min),
		.max = vdupq_n_s8((s8)c.max),
	};
}

VEC_INLINE vec_bytes vec_bytes_clamp(vec_bytes v, const struct vec_output *o)
{
	return vminq_s8(vmaxq_s8(v, o->min), o->max);
}

VEC_INLINE vec_bytes vec_narrow(vec a, vec b, vec c, vec d,
				const struct vec_output *o)
{
	int16x8_t ab = vqmovn_high_s32(vqmovn_s32(a), b);
	int16x8_t cd = vqmovn_high_s32(vqmovn_s32(c), d);

	ab = vqaddq_s16(ab, o->zp);
	cd = vqaddq_s16(cd, o->zp);
	return vec_bytes_clamp(vqmovn_high_s16(vqmovn_s16(ab), cd), o);
}

VEC_INLINE void vec_put_all(s8 *dst, vec_bytes v)
{
	vst1q_s8(dst, v);
}

VEC_INLINE void vec_put_half(s8 *dst, vec_bytes v, int half)
{
	vst1_s8(dst, half ? vget_high_s8(v) : vget_low_s8(v));
}

VEC_INLINE void vec_put(s8 *dst, vec_bytes v, int i)
{
	vec w = vreinterpretq_s32_s8(v);
	s32 q = i == 0 ? vgetq_lane_s32(w, 0) : i == 1 ? vgetq_lane_s32(w, 1) :
		i == 2 ? vgetq_lane_s32(w, 2) : vgetq_lane_s32(w, 3);

	memcpy(dst, &q, sizeof(q));
}

/* The first @n bytes of a quarter */
VEC_INLINE void vec_put_n(s8 *dst, vec_bytes v, int i, u32 n)
{
	vec w = vreinterpretq_s32_s8(v);

	vec_put_bytes(dst, (u32)(i == 0 ? vgetq_lane_s32(w, 0) :
				 i == 1 ? vgetq_lane_s32(w, 1) :
				 i == 2 ? vgetq_lane_s32(w, 2) :
					  vgetq_lane_s32(w, 3)), n);
}

VEC_INLINE vec vec_widen_load(const s8 *p)
{
	int8x8_t v;
	s32 w;

	memcpy(&w, p, sizeof(w));
	v = vreinterpret_s8_s32(vdup_n_s32(w));
	return vmovl_s16(vget_low_s16(vmovl_s8(v)));
}

VEC_INLINE vec vec_all(s32 v)
{
	return vdupq_n_s32(v);
}

VEC_INLINE vec vec_sub(vec a, vec b)
{
	return vsubq_s32(a, b);
}

VEC_INLINE vec vec_mul(vec a, vec b)
{
	return vmulq_s32(a, b);
}

VEC_INLINE vec vec_shift_all(vec v, s32 left)
{
	return vshlq_s32(v, vdupq_n_s32(left));
}

VEC_INLINE struct vec_requant vec_requant_all(struct aim_requant r)
{
	return (struct vec_requant){
		.mult = vec_all(r.multiplier),
		.right = vec_all(r.shift < 0 ? r.shift : 0),
		.left = vec_zero(),
	};
}

VEC_INLINE vec vec_average(vec sum, s32 n)
{
	uint32x4_t up = vcgtq_s32(sum, vec_zero());
	vec half = vbslq_s32(up, vec_all(n / 2), vec_all(-(n / 2)));
	float32x4_t f = vcvtq_f32_s32(vaddq_s32(sum, half));

	return vcvtq_s32_f32(vdivq_f32(f, vdupq_n_f32((float)n)));
}

VEC_INLINE vec_bytes vec_bytes_all(s8 v)
{
	return vdupq_n_s8(v);
}

VEC_INLINE vec_bytes vec_bytes_load(const s8 *p)
{
	return vld1q_s8(p);
}

VEC_INLINE vec_bytes vec_bytes_max(vec_bytes a, vec_bytes b)
{
	return vmaxq_s8(a, b);
}

VEC_INLINE void vec_widen16(u8 *dst, const s8 *src)
{
	int8x16_t v = vld1q_s8(src);

#if VEC_DOTPROD
	vst1q_s8((s8 *)dst, v);
#else
	vst1q_u8(dst, vreinterpretq_u8_s16(vmovl_s8(vget_low_s8(v))));
	vst1q_u8(dst + 16, vreinterpretq_u8_s16(vmovl_high_s8(v)));
#endif
}

VEC_INLINE void vec_widen(u8 *dst, const s8 *src, size_t n, const s8 *end)
{
	s8 tail[16];

	while ((size_t)(end - src) >= 16) {
		vec_widen16(dst, src);
		if (n <= 16)
			return;
		src += 16;
		dst += 16 * (VEC_UNIT_BYTES / GROUP);
		n -= 16;
	}
	memcpy(tail, src, n);
	vec_widen16(dst, tail);
}

VEC_INLINE void vec_interleave(u8 *dst, const s8 *const r[GROUP], size_t at)
{
#if VEC_DOTPROD
	int8x16x4_t rows = { {
		vld1q_s8(r[0] + at), vld1q_s8(r[1] + at),
		vld1q_s8(r[2] + at), vld1q_s8(r[3] + at),
	} };

	vst4q_s8((s8 *)dst, rows);
#else
	int8x16_t a = vld1q_s8(r[0] + at), b = vld1q_s8(r[1] + at);
	int16x8_t lo = vmovl_s8(vget_low_s8(a)), lo1 = vmovl_s8(vget_low_s8(b));
	int16x8_t hi = vmovl_high_s8(a), hi1 = vmovl_high_s8(b);
	int64x2_t l0 = vreinterpretq_s64_s16(lo), l1 = vreinterpretq_s64_s16(lo1);
	int64x2_t h0 = vreinterpretq_s64_s16(hi), h1 = vreinterpretq_s64_s16(hi1);

	vec_store(dst, vreinterpretq_s32_s64(vzip1q_s64(l0, l1)));
	vec_store(dst + 16, vreinterpretq_s32_s64(vzip2q_s64(l0, l1)));
	vec_store(dst + 32, vreinterpretq_s32_s64(vzip1q_s64(h0, h1)));
	vec_store(dst + 48, vreinterpretq_s32_s64(vzip2q_s64(h0, h1)));
#endif
}

VEC_INLINE vecf vecf_load(const float *p)
{
	return vld1q_f32(p);
}

VEC_INLINE void vecf_store(float *p, vecf v)
{
	vst1q_f32(p, v);
}

VEC_INLINE vecf vecf_zero(void)
{
	return vdupq_n_f32(0.0f);
}

VEC_INLINE vecf vecf_all(const float *p)
{
	return vdupq_n_f32(*p);
}

VEC_INLINE vecf vecf_fma(vecf acc, vecf a, vecf b)
{
	return vfmaq_f32(acc, a, b);
}

VEC_INLINE vecf vecf_add(vecf a, vecf b)
{
	return vaddq_f32(a, b);
}

VEC_INLINE vecf vecf_from(vec v)
{
	return vcvtq_f32_s32(v);
}

VEC_INLINE vec vecf_round(vecf x)
{
	return vcvtnq_s32_f32(x);
}

VEC_INLINE vecf vecf_ties(vecf worst, vecf x)
{
	return vmaxq_f32(worst, vabdq_f32(x, vrndnq_f32(x)));
}

VEC_INLINE bool vecf_above(vecf x, float limit)
{
	return vmaxvq_f32(x) > limit;
}

VEC_INLINE vecf vecf_clamp(vecf x, vecf min, vecf max)
{
	x = vbslq_f32(vcltq_f32(x, min), min, x);
	return vbslq_f32(vcgtq_f32(x, max), max, x);
}

#endif /* _ENG_VEC_128_H */
