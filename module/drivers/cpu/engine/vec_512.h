/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * Primitives of 512-bit x86 vectors: AVX-512 F, BW, DQ and VL, with VEC_VNNI
 * also VNNI. Same contents as vec_256.h, where each is described.
 */
#ifndef _ENG_VEC_512_H
#define _ENG_VEC_512_H

#include "vec_intrin.h"
#include "vec_plan.h"

#define LANES		16
#define VEC_BYTES	64
#define VECS		4
/* Heights of tiles of 1 to 4 vectors, for f32 the largest alone */
#define TILES_1		16, 8, 4
#define TILES_2		12, 8, 4
#define TILES_3		8, 4, 2
#define TILES_4		6, 4, 2
#define TILE_1		12
#define TILE_FULL	6
#if VEC_VNNI
#define GROUP		4
#define VEC_STREAM		/* has vec_stream_run() */
#define OFFSET		128
#else
#define GROUP		2
#define OFFSET		0
#endif

typedef __m512i vec;
typedef __m512i vec_bytes;
typedef __m512 vecf;

VEC_INLINE vec vec_load(const void *p)
{
	return _mm512_loadu_si512(p);
}

/* Stays in a register: else gcc reads it from memory again for each use */
VEC_INLINE vec vec_pin(vec v)
{
	__asm__("" : "+v"(v));
	return v;
}

VEC_INLINE void vec_store(void *p, vec v)
{
	_mm512_storeu_si512(p, v);
}

VEC_INLINE vec vec_zero(void)
{
	return _mm512_setzero_si512();
}

VEC_INLINE vec vec_add(vec a, vec b)
{
	return _mm512_add_epi32(a, b);
}

VEC_INLINE vec vec_unit(const void *p)
{
	s32 v;

	memcpy(&v, p, sizeof(v));
	return _mm512_set1_epi32(v);
}

/*
 * In assembly because gcc otherwise copies every accumulator around the
 * instruction and reads the weights from memory each time.
 */
VEC_INLINE vec vec_dot(vec acc, vec a, vec w)
{
#if VEC_VNNI
	__asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(a), "v"(w));
	return acc;
#else
	return _mm512_add_epi32(acc, _mm512_madd_epi16(a, w));
#endif
}

VEC_INLINE vec vec_dot_lanes(vec acc, vec a, vec w)
{
	return vec_dot(acc, a, w);
}

static inline u32 vec_weight_at(u32 lane, u32 k)
{
	return lane * GROUP + k;
}

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
	return _mm512_sllv_epi32(acc, r->left);
}

VEC_INLINE vec vec_requant(vec acc, const struct vec_requant *r)
{
	vec odd = _mm512_srli_epi64(acc, 32);
	vec even = _mm512_mul_epi32(acc, r->mult);

	odd = _mm512_mul_epi32(odd, r->mult_odd);
	even = _mm512_srli_epi64(_mm512_add_epi64(even, r->add_even), 31);
	odd = _mm512_slli_epi64(_mm512_add_epi64(odd, r->add_odd), 1);
	even = _mm512_mask_mov_epi32(even, 0xaaaa, odd);
	even = _mm512_sub_epi32(even, _mm512_srlv_epi32(acc, r->sign));
	return _mm512_srav_epi32(even, r->right);
}

struct vec_output {
	vec zp;
	vec_bytes min, max;
};

VEC_INLINE struct vec_output vec_output_of(s32 zp, struct aim_clamp c)
{
	return (struct vec_output){
		.zp = _mm512_set1_epi16((short)zp),
		.min = _mm512_set1_epi8((char)c.min),
		.max = _mm512_set1_epi8((char)c.max),
	};
}

VEC_INLINE vec_bytes vec_bytes_clamp(vec_bytes v, const struct vec_output *o)
{
	return _mm512_min_epi8(_mm512_max_epi8(v, o->min), o->max);
}

VEC_INLINE vec_bytes vec_narrow(vec a, vec b, vec c, vec d,
				const struct vec_output *o)
{
	const vec order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10,
					    14, 3, 7, 11, 15);
	vec ab = _mm512_adds_epi16(_mm512_packs_epi32(a, b), o->zp);
	vec cd = _mm512_adds_epi16(_mm512_packs_epi32(c, d), o->zp);

	return _mm512_permutexvar_epi32(order,
			vec_bytes_clamp(_mm512_packs_epi16(ab, cd), o));
}

VEC_INLINE void vec_put_all(s8 *dst, vec_bytes v)
{
	_mm512_storeu_si512(dst, v);
}

VEC_INLINE void vec_put_half(s8 *dst, vec_bytes v, int half)
{
	_mm256_storeu_si256((__m256i *)dst,
			    half ? _mm512_extracti64x4_epi64(v, 1) :
				   _mm512_castsi512_si256(v));
}

VEC_INLINE void vec_put(s8 *dst, vec_bytes v, int i)
{
	__m128i q = i == 0 ? _mm512_castsi512_si128(v) :
		    i == 1 ? _mm512_extracti32x4_epi32(v, 1) :
		    i == 2 ? _mm512_extracti32x4_epi32(v, 2) :
			     _mm512_extracti32x4_epi32(v, 3);

	_mm_storeu_si128((__m128i *)dst, q);
}

/* The first @n bytes of a quarter */
VEC_INLINE void vec_put_n(s8 *dst, vec_bytes v, int i, u32 n)
{
	__m128i q = i == 0 ? _mm512_castsi512_si128(v) :
		    i == 1 ? _mm512_extracti32x4_epi32(v, 1) :
		    i == 2 ? _mm512_extracti32x4_epi32(v, 2) :
			     _mm512_extracti32x4_epi32(v, 3);

	_mm_mask_storeu_epi8(dst, (__mmask16)((1U << n) - 1), q);
}

VEC_INLINE vec vec_widen_load(const s8 *p)
{
	return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p));
}

VEC_INLINE vec vec_all(s32 v)
{
	return _mm512_set1_epi32(v);
}

VEC_INLINE vec vec_sub(vec a, vec b)
{
	return _mm512_sub_epi32(a, b);
}

VEC_INLINE vec vec_mul(vec a, vec b)
{
	return _mm512_mullo_epi32(a, b);
}

VEC_INLINE vec vec_shift_all(vec v, s32 left)
{
	return _mm512_sll_epi32(v, _mm_cvtsi32_si128(left));
}

VEC_INLINE struct vec_requant vec_requant_all(struct aim_requant r)
{
	s32 right = r.shift < 0 ? -r.shift : 0;
	s64 add = (1LL << 30) + (right ? 1LL << (30 + right) : 0);

	return (struct vec_requant){
		.mult = vec_all(r.multiplier),
		.mult_odd = vec_all(r.multiplier),
		.add_even = _mm512_set1_epi64(add),
		.add_odd = _mm512_set1_epi64(add),
		.right = vec_all(right),
		.left = vec_zero(),
		.sign = vec_all(right ? 31 : 32),
	};
}

VEC_INLINE vec vec_average(vec sum, s32 n)
{
	__mmask16 up = _mm512_cmpgt_epi32_mask(sum, vec_zero());
	vec half = _mm512_mask_mov_epi32(vec_all(-(n / 2)), up, vec_all(n / 2));

	sum = _mm512_add_epi32(sum, half);
	return _mm512_cvttps_epi32(_mm512_div_ps(_mm512_cvtepi32_ps(sum),
						 _mm512_set1_ps((float)n)));
}

VEC_INLINE vec_bytes vec_bytes_all(s8 v)
{
	return _mm512_set1_epi8(v);
}

VEC_INLINE vec_bytes vec_bytes_load(const s8 *p)
{
	return _mm512_loadu_si512(p);
}

VEC_INLINE vec_bytes vec_bytes_max(vec_bytes a, vec_bytes b)
{
	return _mm512_max_epi8(a, b);
}

/* Masked loads never fault on what they don't read: no tail copies */
VEC_INLINE void vec_widen(u8 *dst, const s8 *src, size_t n, const s8 *end)
{
	const size_t each = 64 / (VEC_UNIT_BYTES / GROUP);

	for (;;) {
#if VEC_VNNI
		__mmask64 m = n >= each ? ~0ULL : (1ULL << n) - 1;
		vec v = _mm512_maskz_loadu_epi8(m, src);

		vec_store(dst, _mm512_xor_si512(v, vec_bytes_all(-128)));
#else
		__mmask32 m = n >= each ? ~0U : (1U << n) - 1;
		__m256i part = _mm256_maskz_loadu_epi8(m, src);

		vec_store(dst, _mm512_cvtepi8_epi16(part));
#endif
		if (n <= each)
			return;
		n -= each;
		src += each;
		dst += 64;
	}
}

VEC_INLINE __m128i vec_row16(const s8 *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

VEC_INLINE void vec_interleave(u8 *dst, const s8 *const r[GROUP], size_t at)
{
#if VEC_VNNI
	__m128i a = vec_row16(r[0] + at), b = vec_row16(r[1] + at);
	__m128i c = vec_row16(r[2] + at), d = vec_row16(r[3] + at);
	__m128i ab = _mm_unpacklo_epi8(a, b), cd = _mm_unpacklo_epi8(c, d);
	__m256i lo, hi;
	vec v;

	lo = _mm256_set_m128i(_mm_unpackhi_epi16(ab, cd),
			      _mm_unpacklo_epi16(ab, cd));
	ab = _mm_unpackhi_epi8(a, b);
	cd = _mm_unpackhi_epi8(c, d);
	hi = _mm256_set_m128i(_mm_unpackhi_epi16(ab, cd),
			      _mm_unpacklo_epi16(ab, cd));
	v = _mm512_inserti64x4(_mm512_castsi256_si512(lo), hi, 1);
	vec_store(dst, _mm512_xor_si512(v, vec_bytes_all(-128)));
#else
	__m256i a = _mm256_cvtepi8_epi16(vec_row16(r[0] + at));
	__m256i b = _mm256_cvtepi8_epi16(vec_row16(r[1] + at));
	__m256i lo = _mm256_unpacklo_epi16(a, b);
	__m256i hi = _mm256_unpackhi_epi16(a, b);

	_mm256_storeu_si256((__m256i *)dst,
			    _mm256_permute2x128_si256(lo, hi, 0x20));
	_mm256_storeu_si256((__m256i *)(dst + 32),
			    _mm256_permute2x128_si256(lo, hi, 0x31));
#endif
}

#if VEC_VNNI
#define VEC_INTERLEAVE_WIDE	64

/* Dwords so that unpacking within lanes leaves columns in order */
VEC_INLINE vec vec_row64(const s8 *p)
{
	const vec order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10,
					    14, 3, 7, 11, 15);

	return _mm512_permutexvar_epi32(order, vec_load(p));
}

VEC_INLINE void vec_interleave_wide(u8 *dst, const s8 *const r[GROUP],
				    size_t at)
{
	const vec flip = vec_bytes_all(-128);
	vec a = vec_row64(r[0] + at), b = vec_row64(r[1] + at);
	vec c = vec_row64(r[2] + at), d = vec_row64(r[3] + at);
	vec ab = _mm512_xor_si512(_mm512_unpacklo_epi8(a, b), flip);
	vec cd = _mm512_xor_si512(_mm512_unpacklo_epi8(c, d), flip);

	vec_store(dst, _mm512_unpacklo_epi16(ab, cd));
	vec_store(dst + 64, _mm512_unpackhi_epi16(ab, cd));
	ab = _mm512_xor_si512(_mm512_unpackhi_epi8(a, b), flip);
	cd = _mm512_xor_si512(_mm512_unpackhi_epi8(c, d), flip);
	vec_store(dst + 128, _mm512_unpacklo_epi16(ab, cd));
	vec_store(dst + 192, _mm512_unpackhi_epi16(ab, cd));
}
#endif

VEC_INLINE vecf vecf_load(const float *p)
{
	return _mm512_loadu_ps(p);
}

VEC_INLINE void vecf_store(float *p, vecf v)
{
	_mm512_storeu_ps(p, v);
}

VEC_INLINE vecf vecf_zero(void)
{
	return _mm512_setzero_ps();
}

VEC_INLINE vecf vecf_all(const float *p)
{
	return _mm512_set1_ps(*p);
}

VEC_INLINE vecf vecf_fma(vecf acc, vecf a, vecf b)
{
	return _mm512_fmadd_ps(a, b, acc);
}

VEC_INLINE vecf vecf_add(vecf a, vecf b)
{
	return _mm512_add_ps(a, b);
}

VEC_INLINE vecf vecf_from(vec v)
{
	return _mm512_cvtepi32_ps(v);
}

VEC_INLINE vec vecf_round(vecf x)
{
	return _mm512_cvtps_epi32(x);
}

VEC_INLINE vecf vecf_ties(vecf worst, vecf x)
{
	return _mm512_max_ps(worst, _mm512_abs_ps(_mm512_reduce_ps(x, 0)));
}

VEC_INLINE bool vecf_above(vecf x, float limit)
{
	return _mm512_cmp_ps_mask(x, _mm512_set1_ps(limit), _CMP_GT_OQ);
}

VEC_INLINE vecf vecf_clamp(vecf x, vecf min, vecf max)
{
	return _mm512_min_ps(max, _mm512_max_ps(min, x));
}

#endif /* _ENG_VEC_512_H */
