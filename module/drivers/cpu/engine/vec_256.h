/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * Primitives of 256-bit x86 vectors: AVX2, with VEC_VNNI also AVX-VNNI. What
 * the templates vec_*.h need of a unit is exactly what this file defines.
 *
 * Without VNNI products are of 16 bits (vpmaddwd, which can't overflow here):
 * vpmaddubsw would saturate.
 */
#ifndef _ENG_VEC_256_H
#define _ENG_VEC_256_H

#include "vec_intrin.h"
#include "vec_plan.h"

#define LANES		8
#define VEC_BYTES	32
#define VECS		2	/* vectors in a full block of channels */
/*
 * Heights of tiles of 1 and 2 vectors, for f32 the largest alone: accumulators
 * fill the register file
 */
#define TILES_1		12, 8, 4
#define TILES_2		6, 4, 2
#define TILE_1		8
#define TILE_FULL	6
#if VEC_VNNI
#define GROUP		4
#define VEC_STREAM		/* has vec_stream_run() */
#define OFFSET		128
#else
#define GROUP		2
#define OFFSET		0
#endif

typedef __m256i vec;
typedef __m256i vec_bytes;	/* 4 * LANES of them */
typedef __m256 vecf;

VEC_INLINE vec vec_load(const void *p)
{
	return _mm256_loadu_si256(p);
}

/* Stays in a register: else gcc reads it from memory again for each use */
VEC_INLINE vec vec_pin(vec v)
{
	__asm__("" : "+x"(v));
	return v;
}

VEC_INLINE void vec_store(void *p, vec v)
{
	_mm256_storeu_si256(p, v);
}

VEC_INLINE vec vec_zero(void)
{
	return _mm256_setzero_si256();
}

VEC_INLINE vec vec_add(vec a, vec b)
{
	return _mm256_add_epi32(a, b);
}

/* The unit of activations at @p in every lane */
VEC_INLINE vec vec_unit(const void *p)
{
	s32 v;

	memcpy(&v, p, sizeof(v));
	return _mm256_set1_epi32(v);
}

/* acc + products of each lane; @a from vec_unit() */
VEC_INLINE vec vec_dot(vec acc, vec a, vec w)
{
#if VEC_VNNI
	/* gcc otherwise copies every accumulator around the instruction */
	__asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(acc) : "x"(a), "x"(w));
	return acc;
#else
	return _mm256_add_epi32(acc, _mm256_madd_epi16(a, w));
#endif
}

/* The same with a unit of its own in each lane, as vec_interleave() made it */
VEC_INLINE vec vec_dot_lanes(vec acc, vec a, vec w)
{
	return vec_dot(acc, a, w);
}

/* Where weight number k of a unit lies within a vector of weights */
static inline u32 vec_weight_at(u32 lane, u32 k)
{
	return lane * GROUP + k;
}

/* Requantisation, see vec_plan.h */
struct vec_requant {
	vec mult, mult_odd, add_even, add_odd, right, left, sign;
};

VEC_INLINE struct vec_requant vec_requant_load(const u8 *p)
{
	return (struct vec_requant){
		.mult = vec_load(p + VEC_RQ_MULT * VEC_BYTES),
		.mult_odd = vec_load(p + VEC_RQ_MULT_ODD * VEC_BYTES),
		.add_even = vec_load(p + VEC_RQ_ADD_EVEN * VEC_BYTES),
		.add_odd = vec_load(p + VEC_RQ_ADD_ODD * VEC_BYTES),
		.right = vec_load(p + VEC_RQ_RIGHT * VEC_BYTES),
		.left = vec_load(p + VEC_RQ_LEFT * VEC_BYTES),
		.sign = vec_load(p + VEC_RQ_SIGN * VEC_BYTES),
	};
}

VEC_INLINE vec vec_shift_left(vec acc, const struct vec_requant *r)
{
	return _mm256_sllv_epi32(acc, r->left);
}

VEC_INLINE vec vec_requant(vec acc, const struct vec_requant *r)
{
	vec odd = _mm256_srli_epi64(acc, 32);
	vec even = _mm256_mul_epi32(acc, r->mult);

	odd = _mm256_mul_epi32(odd, r->mult_odd);
	even = _mm256_srli_epi64(_mm256_add_epi64(even, r->add_even), 31);
	odd = _mm256_slli_epi64(_mm256_add_epi64(odd, r->add_odd), 1);
	even = _mm256_blend_epi32(even, odd, 0xaa);
	even = _mm256_sub_epi32(even, _mm256_srlv_epi32(acc, r->sign));
	return _mm256_srav_epi32(even, r->right);
}

struct vec_output {
	vec zp;			/* s16 */
	vec_bytes min, max;
};

VEC_INLINE struct vec_output vec_output_of(s32 zp, struct aim_clamp c)
{
	return (struct vec_output){
		.zp = _mm256_set1_epi16((short)zp),
		.min = _mm256_set1_epi8((char)c.min),
		.max = _mm256_set1_epi8((char)c.max),
	};
}

/* Add the zero point, saturate, clamp; bytes in the order a, b, c, d */
VEC_INLINE vec_bytes vec_narrow(vec a, vec b, vec c, vec d,
				const struct vec_output *o)
{
	vec ab = _mm256_adds_epi16(_mm256_packs_epi32(a, b), o->zp);
	vec cd = _mm256_adds_epi16(_mm256_packs_epi32(c, d), o->zp);
	vec v = _mm256_packs_epi16(ab, cd);

	v = _mm256_min_epi8(_mm256_max_epi8(v, o->min), o->max);
	return _mm256_permutevar8x32_epi32(v,
		_mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

VEC_INLINE void vec_put_all(s8 *dst, vec_bytes v)
{
	_mm256_storeu_si256((__m256i *)dst, v);
}

/* Two quarters: 0 and 1 or 2 and 3 */
VEC_INLINE void vec_put_half(s8 *dst, vec_bytes v, int half)
{
	_mm_storeu_si128((__m128i *)dst, half ? _mm256_extracti128_si256(v, 1) :
						_mm256_castsi256_si128(v));
}

/* LANES bytes: quarter @i of what vec_narrow() gave */
VEC_INLINE void vec_put(s8 *dst, vec_bytes v, int i)
{
	__m128i h = i < 2 ? _mm256_castsi256_si128(v) :
			    _mm256_extracti128_si256(v, 1);

	if (i & 1)
		h = _mm_unpackhi_epi64(h, h);
	_mm_storel_epi64((__m128i *)dst, h);
}

/* The first @n bytes of a quarter */
VEC_INLINE void vec_put_n(s8 *dst, vec_bytes v, int i, u32 n)
{
	__m128i h = i < 2 ? _mm256_castsi256_si128(v) :
			    _mm256_extracti128_si256(v, 1);
	u64 q = i & 1 ? (u64)_mm_extract_epi64(h, 1) :
			(u64)_mm_cvtsi128_si64(h);

	vec_put_bytes(dst, q, n);
}

/* Element-wise arithmetic: LANES bytes, widened */
VEC_INLINE vec vec_widen_load(const s8 *p)
{
	return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p));
}

VEC_INLINE vec vec_all(s32 v)
{
	return _mm256_set1_epi32(v);
}

VEC_INLINE vec vec_sub(vec a, vec b)
{
	return _mm256_sub_epi32(a, b);
}

VEC_INLINE vec vec_mul(vec a, vec b)
{
	return _mm256_mullo_epi32(a, b);
}

VEC_INLINE vec vec_shift_all(vec v, s32 left)
{
	return _mm256_sll_epi32(v, _mm_cvtsi32_si128(left));
}

/* The same for all lanes; shift <= 0 */
VEC_INLINE struct vec_requant vec_requant_all(struct aim_requant r)
{
	s32 right = r.shift < 0 ? -r.shift : 0;
	s64 add = (1LL << 30) + (right ? 1LL << (30 + right) : 0);

	return (struct vec_requant){
		.mult = vec_all(r.multiplier),
		.mult_odd = vec_all(r.multiplier),
		.add_even = _mm256_set1_epi64x(add),
		.add_odd = _mm256_set1_epi64x(add),
		.right = vec_all(right),
		.left = vec_zero(),
		.sign = vec_all(right ? 31 : 32),
	};
}

/* sum / n rounded to nearest, ties away from zero; |sum| <= 2^23, n > 0 */
VEC_INLINE vec vec_average(vec sum, s32 n)
{
	__m256i half = _mm256_set1_epi32(n / 2);
	__m256i up = _mm256_cmpgt_epi32(sum, _mm256_setzero_si256());

	/* half where sum > 0, else -half */
	half = _mm256_sub_epi32(_mm256_xor_si256(half, ~up), ~up);
	sum = _mm256_add_epi32(sum, half);
	return _mm256_cvttps_epi32(_mm256_div_ps(_mm256_cvtepi32_ps(sum),
						 _mm256_set1_ps((float)n)));
}

VEC_INLINE vec_bytes vec_bytes_all(s8 v)
{
	return _mm256_set1_epi8(v);
}

VEC_INLINE vec_bytes vec_bytes_load(const s8 *p)
{
	return _mm256_loadu_si256((const __m256i *)p);
}

VEC_INLINE vec_bytes vec_bytes_max(vec_bytes a, vec_bytes b)
{
	return _mm256_max_epi8(a, b);
}

VEC_INLINE vec_bytes vec_bytes_clamp(vec_bytes v, const struct vec_output *o)
{
	return _mm256_min_epi8(_mm256_max_epi8(v, o->min), o->max);
}

/*
 * Activations into units: @n bytes of @src, which has at least 32 readable
 * bytes, or a copy of the last ones does; may write VEC_SLACK bytes too much.
 */
VEC_INLINE void vec_widen32(u8 *dst, const s8 *src)
{
#if VEC_VNNI
	vec v = vec_load(src);

	vec_store(dst, _mm256_xor_si256(v, _mm256_set1_epi8((char)0x80)));
#else
	const __m128i *s = (const __m128i *)src;

	vec_store(dst, _mm256_cvtepi8_epi16(_mm_loadu_si128(s)));
	vec_store(dst + 32, _mm256_cvtepi8_epi16(_mm_loadu_si128(s + 1)));
#endif
}

VEC_INLINE void vec_widen(u8 *dst, const s8 *src, size_t n, const s8 *end)
{
	s8 tail[32];

	while ((size_t)(end - src) >= 32) {
		vec_widen32(dst, src);
		if (n <= 32)
			return;
		src += 32;
		dst += 32 * (VEC_UNIT_BYTES / GROUP);
		n -= 32;
	}
	memcpy(tail, src, n);
	vec_widen32(dst, tail);
}

/* 16 columns of GROUP rows, @at from the rows' beginnings, into 16 units */
VEC_INLINE void vec_interleave(u8 *dst, const s8 *const r[GROUP], size_t at)
{
#if VEC_VNNI
	const __m128i flip = _mm_set1_epi8((char)0x80);
	__m128i a = _mm_xor_si128(_mm_loadu_si128((const void *)(r[0] + at)), flip);
	__m128i b = _mm_xor_si128(_mm_loadu_si128((const void *)(r[1] + at)), flip);
	__m128i c = _mm_xor_si128(_mm_loadu_si128((const void *)(r[2] + at)), flip);
	__m128i d = _mm_xor_si128(_mm_loadu_si128((const void *)(r[3] + at)), flip);
	__m128i ab = _mm_unpacklo_epi8(a, b), cd = _mm_unpacklo_epi8(c, d);
	__m128i *o = (__m128i *)dst;

	_mm_storeu_si128(o, _mm_unpacklo_epi16(ab, cd));
	_mm_storeu_si128(o + 1, _mm_unpackhi_epi16(ab, cd));
	ab = _mm_unpackhi_epi8(a, b);
	cd = _mm_unpackhi_epi8(c, d);
	_mm_storeu_si128(o + 2, _mm_unpacklo_epi16(ab, cd));
	_mm_storeu_si128(o + 3, _mm_unpackhi_epi16(ab, cd));
#else
	vec a = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)(r[0] + at)));
	vec b = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)(r[1] + at)));
	vec lo = _mm256_unpacklo_epi16(a, b), hi = _mm256_unpackhi_epi16(a, b);

	vec_store(dst, _mm256_permute2x128_si256(lo, hi, 0x20));
	vec_store(dst + 32, _mm256_permute2x128_si256(lo, hi, 0x31));
#endif
}

/* f32 */
VEC_INLINE vecf vecf_load(const float *p)
{
	return _mm256_loadu_ps(p);
}

VEC_INLINE void vecf_store(float *p, vecf v)
{
	_mm256_storeu_ps(p, v);
}

VEC_INLINE vecf vecf_zero(void)
{
	return _mm256_setzero_ps();
}

VEC_INLINE vecf vecf_all(const float *p)
{
	return _mm256_broadcast_ss(p);
}

VEC_INLINE vecf vecf_fma(vecf acc, vecf a, vecf b)
{
	return _mm256_fmadd_ps(a, b, acc);
}

VEC_INLINE vecf vecf_add(vecf a, vecf b)
{
	return _mm256_add_ps(a, b);
}

VEC_INLINE vecf vecf_from(vec v)
{
	return _mm256_cvtepi32_ps(v);
}

/* To nearest, |x| < 2^31 */
VEC_INLINE vec vecf_round(vecf x)
{
	return _mm256_cvtps_epi32(x);
}

/* The larger of @worst and the distance of @x from the nearest integer */
VEC_INLINE vecf vecf_ties(vecf worst, vecf x)
{
	vecf d = _mm256_sub_ps(x, _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT |
						     _MM_FROUND_NO_EXC));

	return _mm256_max_ps(worst, _mm256_andnot_ps(_mm256_set1_ps(-0.0f), d));
}

/* Whether any lane is */
VEC_INLINE bool vecf_above(vecf x, float limit)
{
	return _mm256_movemask_ps(_mm256_cmp_ps(x, _mm256_set1_ps(limit),
						_CMP_GT_OQ));
}

/* As x < min ? min : x > max ? max : x, a NaN passes */
VEC_INLINE vecf vecf_clamp(vecf x, vecf min, vecf max)
{
	return _mm256_min_ps(max, _mm256_max_ps(min, x));
}

#endif /* _ENG_VEC_256_H */
