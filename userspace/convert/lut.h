/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables of element-wise 8-bit functions: the arithmetic of TFLite's reference
 * kernels, done once for all 256 inputs. Value and zero point may both be
 * shifted by 128 (a signed twin of uint8) without changing a result.
 */
#ifndef AIM_CONVERT_LUT_H
#define AIM_CONVERT_LUT_H

#include <aim/format.h>

/* The 8-bit types' ranges, scales and zero points on both sides. */
struct lut_quant {
	float in_scale, out_scale;
	s32 in_zero, out_zero;
	s32 in_lo;		/* -128 or 0; the range is 256 wide */
	s32 out_lo;
};

/* Each returns false where the scales are out of the reference's range. */
bool lut_requantize(const struct lut_quant *q, u8 table[256]);
/* clamped to [lo, hi] as real numbers; hi may be infinite */
bool lut_relu(const struct lut_quant *q, float lo, float hi, u8 table[256]);
bool lut_leaky_relu(const struct lut_quant *q, float alpha, u8 table[256]);
bool lut_hard_swish(const struct lut_quant *q, u8 table[256]);
/* f rounded to the output's scale; f is evaluated in float */
bool lut_real(const struct lut_quant *q, float (*f)(float x), u8 table[256]);
/* uint8 CONCATENATION's own way to bring an input to the output's scale */
bool lut_concat(const struct lut_quant *q, u8 table[256]);

float lut_logistic(float x);
float lut_tanh(float x);
float lut_elu(float x);

#endif /* AIM_CONVERT_LUT_H */
