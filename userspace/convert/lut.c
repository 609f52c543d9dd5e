// SPDX-License-Identifier: LGPL-2.1-or-later
/* Tables of element-wise 8-bit functions, see lut.h. */
#include <math.h>

#include "lut.h"
#include "quant.h"

static void put(const struct lut_quant *q, u8 table[256], s32 in, s64 out)
{
	table[(u8)in] = (u8)quant_clamp(out, q->out_lo, q->out_lo + 255);
}

bool lut_requantize(const struct lut_quant *q, u8 table[256])
{
	struct aim_requant rq;
	s32 i;

	if (!quant_split((double)q->in_scale / (double)q->out_scale, &rq))
		return false;
	for (i = q->in_lo; i < q->in_lo + 256; i++)
		put(q, table, i, (s64)quant_mul(i - q->in_zero, &rq) + q->out_zero);
	return true;
}

bool lut_relu(const struct lut_quant *q, float lo, float hi, u8 table[256])
{
	s32 top = q->out_lo + 255, min, max = top, i;
	float ratio = q->in_scale / q->out_scale;
	struct aim_requant rq;

	if (!quant_split((double)ratio, &rq))
		return false;
	min = quant_value(lo, q->out_scale, q->out_zero, q->out_lo, top);
	if (isfinite(hi))
		max = quant_value(hi, q->out_scale, q->out_zero, q->out_lo, top);
	for (i = q->in_lo; i < q->in_lo + 256; i++) {
		s64 v = (s64)quant_mul(i - q->in_zero, &rq) + q->out_zero;

		put(q, table, i, quant_clamp(v, min, max));
	}
	return true;
}

bool lut_leaky_relu(const struct lut_quant *q, float alpha, u8 table[256])
{
	float below = q->in_scale * alpha, above = q->in_scale / q->out_scale;
	struct aim_requant rq_below, rq_above;
	s32 i;

	below = below / q->out_scale;
	if (!quant_split((double)below, &rq_below) ||
	    !quant_split((double)above, &rq_above))
		return false;
	for (i = q->in_lo; i < q->in_lo + 256; i++) {
		s32 x = i - q->in_zero;

		put(q, table, i, (s64)quant_mul(x, x >= 0 ? &rq_above : &rq_below) +
		    q->out_zero);
	}
	return true;
}

bool lut_real(const struct lut_quant *q, float (*f)(float x), u8 table[256])
{
	const float inverse = 1 / q->out_scale;
	s32 i;

	for (i = q->in_lo; i < q->in_lo + 256; i++) {
		float x = q->in_scale * (float)(i - q->in_zero);
		float y = roundf(f(x) * inverse);

		y += (float)q->out_zero;
		if (isnan(y))
			return false;
		put(q, table, i, y < -65536 ? -65536 : y > 65536 ? 65536 : (s64)y);
	}
	return true;
}

bool lut_concat(const struct lut_quant *q, u8 table[256])
{
	const float inverse = 1.0f / q->out_scale;
	const float scale = q->in_scale * inverse;
	/* the reference sees uint8: undo the twin's shift where there is one */
	const s32 shift = q->in_lo;
	const float bias = (float)-(q->in_zero - shift) * scale;
	s32 i;

	for (i = q->in_lo; i < q->in_lo + 256; i++) {
		/* volatile: two roundings, also where the CPU could fuse them */
		volatile float scaled = (float)(i - shift) * scale;
		float y = roundf(scaled + bias);

		if (isnan(y))
			return false;
		put(q, table, i, (y < -65536 ? -65536 : y > 65536 ? 65536 : (s64)y) +
		    q->out_zero);
	}
	return true;
}

float lut_logistic(float x)
{
	return 1.0f / (1.0f + expf(-x));
}

/* In double, so that the table does not depend on the C library's release. */
float lut_tanh(float x)
{
	return (float)tanh((double)x);
}

float lut_elu(float x)
{
	return x < 0 ? (float)expm1((double)x) : x;
}

/* ---- hard-swish: the reference computes with 16-bit fixed point ---- */

static s16 clamp16(s64 x)
{
	return (s16)quant_clamp(x, INT16_MIN, INT16_MAX);
}

static s16 shift_left16(s16 x, s32 amount)
{
	return clamp16((s64)x * (1LL << (amount > 16 ? 16 : amount)));
}

static s16 rounding_high_mul16(s16 a, s16 b)
{
	s32 ab = (s32)a * b;
	s32 nudge = ab >= 0 ? 1 << 14 : 1 - (1 << 14);

	return clamp16((ab + nudge) / (1 << 15));
}

/* towards zero, which cancels the bias of the one that rounds */
static s16 high_mul16(s16 a, s16 b)
{
	return clamp16((s32)a * b / (1 << 15));
}

static bool split16(float real, s32 *exponent, s16 *multiplier)
{
	struct aim_requant rq;

	if (!quant_split((double)real, &rq))
		return false;
	*exponent = rq.shift;
	*multiplier = clamp16(((s64)rq.multiplier + (1 << 15)) >> 16);
	return true;
}

struct swish {
	s32 out_exponent, relu_exponent;
	s16 out_multiplier, relu_multiplier;
};

static s32 swish_value(const struct swish *p, s16 x)
{
	s16 hires = (s16)(x * 128);
	s16 preshift = rounding_high_mul16(hires, p->out_multiplier);
	s16 relu = hires;

	if (p->relu_exponent > 0)
		relu = shift_left16(relu, p->relu_exponent - 1);
	relu = rounding_high_mul16(relu, p->relu_multiplier);
	if (p->relu_exponent > 0)
		relu = shift_left16(relu, 1);
	if (p->relu_exponent < 0)
		relu = (s16)fixed_rounding_shift(relu, (u32)-p->relu_exponent);
	relu = (s16)((relu + (1 << 15)) >> 1);
	return fixed_rounding_shift(high_mul16(relu, preshift),
				    (u32)-p->out_exponent);
}

bool lut_hard_swish(const struct lut_quant *q, u8 table[256])
{
	const float hires_scale = (1.0f / 128.0f) * q->in_scale;
	const float relu_scale = 3.0f / 32768.0f;
	struct swish p;
	s32 i;

	if (!split16(hires_scale / q->out_scale, &p.out_exponent,
		     &p.out_multiplier) ||
	    !split16(hires_scale / relu_scale, &p.relu_exponent,
		     &p.relu_multiplier))
		return false;
	if (p.out_exponent > 0 || p.out_exponent < -15 || p.relu_exponent < -15)
		return false;
	for (i = q->in_lo; i < q->in_lo + 256; i++)
		put(q, table, i, (s64)swish_value(&p, (s16)(i - q->in_zero)) +
		    q->out_zero);
	return true;
}
