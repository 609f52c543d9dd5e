/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * The scalar kernels: complete, plain C, the reference that vector units are
 * tested against. Integer ones need no FPU; those of scalar_f32.c do.
 */
#ifndef _ENG_SCALAR_H
#define _ENG_SCALAR_H

#include "kernels.h"

extern const struct eng_conv_kernel eng_scalar_conv_s8;
extern const struct eng_conv_kernel eng_scalar_depthwise_s8;
extern const struct eng_conv_kernel eng_scalar_fc_s8;
extern const struct eng_conv_kernel eng_scalar_conv_f32;
extern const struct eng_conv_kernel eng_scalar_depthwise_f32;
extern const struct eng_conv_kernel eng_scalar_fc_f32;

/* One output value at a time, for layers of which one pixel is too long. */
void eng_scalar_depthwise_s8_part(const struct eng_conv *c, const void *x,
				  void *y, u32 begin, u32 end);
void eng_scalar_depthwise_f32_part(const struct eng_conv *c, const void *x,
				   void *y, u32 begin, u32 end);

void eng_scalar_add_s8(const struct eng_binary *p, const s8 *a, const s8 *b,
		       s8 *y, size_t n);
void eng_scalar_sub_s8(const struct eng_binary *p, const s8 *a, const s8 *b,
		       s8 *y, size_t n);
void eng_scalar_mul_s8(const struct eng_binary *p, const s8 *a, const s8 *b,
		       s8 *y, size_t n);
void eng_scalar_add_f32(const struct eng_binary *p, const float *a,
			const float *b, float *y, size_t n);
void eng_scalar_lut8(const u8 *table, const u8 *x, u8 *y, size_t n);
void eng_scalar_avgpool_s8(const struct eng_pool *p, const s8 *x, s8 *y,
			   u32 begin, u32 end);
void eng_scalar_maxpool_s8(const struct eng_pool *p, const s8 *x, s8 *y,
			   u32 begin, u32 end);
/* Output elements instead of pixels. */
void eng_scalar_avgpool_s8_part(const struct eng_pool *p, const s8 *x, s8 *y,
				u32 begin, u32 end);
void eng_scalar_maxpool_s8_part(const struct eng_pool *p, const s8 *x, s8 *y,
				u32 begin, u32 end);

/*
 * Taps [*first, *last) of a window that lie inside a dimension of @size, for a
 * window that starts at @start (may be negative) with taps @step apart.
 */
static inline void eng_taps(s64 start, u32 step, u32 taps, u32 size, u32 *first,
			    u32 *last)
{
	u32 lo = 0, hi = taps;

	if (start < 0)
		lo = (u32)((u64)(-start + step - 1) / step);
	if (start >= (s64)size)
		hi = 0;
	else if (start + (s64)(taps - 1) * step >= (s64)size)
		hi = (u32)((u64)((s64)size - start + step - 1) / step);
	*first = lo < hi ? lo : hi;
	*last = hi;
}

/* Where an output pixel's window lies. */
struct eng_window {
	u32 b, y0, y1, x0, x1;	/* batch; valid taps [y0, y1) x [x0, x1) */
	s64 top, left;		/* input position of tap (0, 0) */
};

static inline void eng_window_of(const struct eng_conv *c, u32 pixel,
				 struct eng_window *w)
{
	u32 row = pixel / c->out_w;

	w->b = row / c->out_h;
	w->top = (s64)(row % c->out_h) * c->stride_h - c->pad_top;
	w->left = (s64)(pixel % c->out_w) * c->stride_w - c->pad_left;
	eng_taps(w->top, c->dilation_h, c->kernel_h, c->in_h, &w->y0, &w->y1);
	eng_taps(w->left, c->dilation_w, c->kernel_w, c->in_w, &w->x0, &w->x1);
}

/* The input's element that a tap meets, channel 0. */
static inline size_t eng_input_at(const struct eng_conv *c,
				  const struct eng_window *w, u32 ky, u32 kx)
{
	size_t row = (size_t)w->b * c->in_h +
		     (size_t)(w->top + (s64)ky * c->dilation_h);

	return (row * c->in_w + (size_t)(w->left + (s64)kx * c->dilation_w)) *
	       c->in_c;
}

/* scalar.c: of kernels that pack nothing */
size_t eng_none_bytes(const struct eng_conv *c);
void eng_none_pack(const struct eng_conv *c, void *packed);
u32 eng_granule_one(const struct eng_conv *c);
u32 eng_granule_four(const struct eng_conv *c);
bool eng_by_pixel(const struct eng_conv *c);
bool eng_by_channel(const struct eng_conv *c);

#endif /* _ENG_SCALAR_H */
