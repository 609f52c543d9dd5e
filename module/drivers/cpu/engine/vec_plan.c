// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * Which shapes the vector units take and how much memory they need. Plain code
 * without vector instructions: runs outside FPU sections.
 */
#include "vec_plan.h"

/*
 * No sum of 32 bits in the units' requantisation may wrap: neither the
 * accumulator shifted left nor, shifted right by e, its product and the
 * 2^(e - 1) that rounds it. Weights and bias are known and an activation differs
 * from its zero point by at most 255, so this is checked here; what does not
 * pass is left to the scalar kernels.
 */
#define ACC_MAX	0x7fffffffULL

static bool channel_bounded(const struct eng_conv *c, u32 o, const s8 *w,
			    size_t stride, size_t n)
{
	struct aim_requant r = c->requant[o];
	s64 bias = c->bias ? ((const s32 *)c->bias)[o] : 0;
	u64 sum = 0, product;
	size_t i;

	for (i = 0; i < n; i++)
		sum += (u64)(w[i * stride] < 0 ? -w[i * stride] : w[i * stride]);
	sum = sum * 255 + (u64)(bias < 0 ? -bias : bias);
	if (sum > ACC_MAX)
		return false;
	if (r.shift > 0)
		return sum << r.shift <= ACC_MAX;
	product = (sum * (u32)r.multiplier >> 31) + 1;
	return r.shift == 0 || product + (1ULL << (-r.shift - 1)) <= ACC_MAX;
}

static bool conv_bounded(const struct eng_conv *c, bool depthwise)
{
	size_t window = (size_t)c->kernel_h * c->kernel_w;
	const s8 *w = c->weights;
	u32 o;

	for (o = 0; o < c->out_c; o++) {
		bool ok = depthwise ?
			channel_bounded(c, o, w + o, c->out_c, window) :
			channel_bounded(c, o, w + o * window * c->in_c, 1,
					window * c->in_c);

		if (!ok)
			return false;
	}
	return true;
}

static size_t gemm_bytes(const struct eng_conv *c, const struct vec_geom *g)
{
	struct vec_gemm m;

	vec_gemm_of(c, g->lanes, g->group, VEC_RQ_NR, &m);
	return sizeof(struct vec_head) + m.shared + m.vecs * m.block;
}

static size_t gemm_scratch(const struct eng_conv *c, const struct vec_geom *g)
{
	struct vec_gemm m;

	vec_gemm_of(c, g->lanes, g->group, VEC_RQ_NR, &m);
	return m.scratch;
}

static size_t conv_bytes(const struct eng_conv *c, const struct vec_geom *g)
{
	return conv_bounded(c, false) ? gemm_bytes(c, g) : 0;
}

static size_t dw_bytes(const struct eng_conv *c, const struct vec_geom *g)
{
	struct vec_dw d;

	if (!conv_bounded(c, true))
		return 0;
	if (vec_dw_is_conv(c))
		return gemm_bytes(c, g);
	vec_dw_of(c, g, &d);
	if (d.planes * d.plane > VEC_DW_MAX)
		return 0;
	return sizeof(struct vec_head) + d.vecs * d.block;
}

static size_t dw_scratch(const struct eng_conv *c, const struct vec_geom *g)
{
	struct vec_dw d;

	if (vec_dw_is_conv(c))
		return gemm_scratch(c, g);
	vec_dw_of(c, g, &d);
	return d.planes * d.plane + VEC_SLACK + VEC_DW_OUTPUTS * sizeof(u32) +
	       d.zeros + g->group * d.expand;
}

static size_t conv_f32_bytes(const struct eng_conv *c, u32 lanes)
{
	struct vec_gemm m;

	vec_gemm_of(c, lanes, 1, 1, &m);
	return m.vecs * m.block;
}

static size_t conv_f32_scratch(const struct eng_conv *c, u32 lanes)
{
	struct vec_gemm m;

	vec_gemm_of(c, lanes, 1, 1, &m);
	return m.scratch;
}

static size_t dw_f32_bytes(const struct eng_conv *c, u32 lanes)
{
	if (vec_dw_is_conv(c))
		return conv_f32_bytes(c, lanes);
	if (c->depth_multiplier > 1)
		return 0;
	return vec_up(c->out_c, lanes) * sizeof(float) *
	       ((size_t)c->kernel_h * c->kernel_w + 1);
}

static size_t dw_f32_scratch(const struct eng_conv *c, u32 lanes)
{
	return vec_dw_is_conv(c) ? conv_f32_scratch(c, lanes) : 0;
}

size_t vec_none(const struct eng_conv *c)
{
	return 0;
}

/* Rows of output share what is copied of the input. */
u32 vec_conv_granule(const struct eng_conv *c)
{
	if (c->out_w > 1024 || vec_gemm_direct(c))
		return VEC_PANEL_STEP;
	return (u32)vec_up(VEC_PANEL_STEP, c->out_w);
}

u32 vec_dw_granule(const struct eng_conv *c)
{
	return vec_dw_is_conv(c) ? vec_conv_granule(c) : c->out_w;
}

bool vec_by_pixel(const struct eng_conv *c)
{
	return false;
}

bool vec_by_channel(const struct eng_conv *c)
{
	return true;
}

/* clang-format off */
#define VEC_DEFINE(unit, l, g, off, v, s)				\
const struct vec_geom vec_geom_##unit = {				\
	.lanes = (l), .group = (g), .offset = (off), .vecs = (v),	\
	.split = (s),							\
};									\
size_t vec_conv_bytes_##unit(const struct eng_conv *c)			\
{									\
	return conv_bytes(c, &vec_geom_##unit);				\
}									\
size_t vec_conv_scratch_##unit(const struct eng_conv *c)		\
{									\
	return gemm_scratch(c, &vec_geom_##unit);			\
}									\
size_t vec_dw_bytes_##unit(const struct eng_conv *c)			\
{									\
	return dw_bytes(c, &vec_geom_##unit);				\
}									\
size_t vec_dw_scratch_##unit(const struct eng_conv *c)			\
{									\
	return dw_scratch(c, &vec_geom_##unit);				\
}									\
size_t vec_conv_f32_bytes_##unit(const struct eng_conv *c)		\
{									\
	return conv_f32_bytes(c, l);					\
}									\
size_t vec_conv_f32_scratch_##unit(const struct eng_conv *c)		\
{									\
	return conv_f32_scratch(c, l);					\
}									\
size_t vec_dw_f32_bytes_##unit(const struct eng_conv *c)		\
{									\
	return dw_f32_bytes(c, l);					\
}									\
size_t vec_dw_f32_scratch_##unit(const struct eng_conv *c)		\
{									\
	return dw_f32_scratch(c, l);					\
}									\
u32 vec_fc_granule_##unit(const struct eng_conv *c)			\
{									\
	return (l) * (v);						\
}

VEC_UNITS(VEC_DEFINE)
/* clang-format on */

bool vec_usable_avx2(const struct eng_cpu *cpu)
{
	return cpu->avx2;
}

bool vec_usable_avxvnni(const struct eng_cpu *cpu)
{
	return cpu->avx2 && cpu->avx_vnni;
}

bool vec_usable_avx512(const struct eng_cpu *cpu)
{
	return cpu->avx2 && cpu->avx512;
}

bool vec_usable_avx512vnni(const struct eng_cpu *cpu)
{
	return cpu->avx2 && cpu->avx512 && cpu->avx512_vnni;
}

bool vec_usable_neon(const struct eng_cpu *cpu)
{
	return cpu->neon;
}

bool vec_usable_neondot(const struct eng_cpu *cpu)
{
	return cpu->neon && cpu->neon_dotprod;
}
