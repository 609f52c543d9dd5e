// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rules of tensor records. */
#include "aim_break.h"

static void lengthen_name(struct aim_file *f)
{
	/* the strings up to the section's last byte become one name */
	memset(f->strings + T(0).name, 'n', SEC(STRINGS).bytes - 1 - T(0).name);
}

static void lengthen_strings(struct aim_file *f)
{
	/* metadata is turned into strings, so that a long name has room */
	u64 end = f->h->file_bytes;

	SEC(STRINGS).bytes = end - SEC(STRINGS).offset;
	SEC(META).bytes = 0;
	SEC(META).offset = 0;
	lengthen_name(f);
	f->data[f->bytes - 1] = 0;
}

#define CASES(X)							\
X(type_zero, conv_s8, -EOPNOTSUPP, "tensor 0 \"x\": unknown element type (0)", \
  T(0).type = 0)							\
X(type_unknown, conv_s8, -EOPNOTSUPP, "tensor 3 \"bias\": unknown element",	\
  T(3).type = 6)							\
X(rank, conv_s8, -E2BIG, "tensor 0 \"x\": has too many dimensions (7)",	\
  T(0).rank = 7)							\
X(rank_255, conv_s8, -E2BIG, "too many dimensions", T(1).rank = 255)	\
X(dim_zero, conv_s8, -EINVAL, "dimension is zero (2)", T(0).dims[2] = 0)	\
X(dim_past_rank, conv_s8, -EBADMSG, "past its rank is 2, must be 1",	\
  T(0).dims[5] = 2)							\
X(dim_past_rank_zero, conv_s8, -EBADMSG, "past its rank", T(0).dims[4] = 0) \
X(rank_small, conv_s8, -EBADMSG, "past its rank", T(0).rank = 3)		\
X(dim_large, conv_s8, -E2BIG, "dimension is too large (16777217)",	\
  T(0).dims[1] = AIM_MAX_DIM + 1)					\
X(dim_huge, conv_s8, -E2BIG, "dimension is too large",			\
  T(0).dims[1] = 0xffffffff)						\
X(product_large, conv_s8, -E2BIG, "too large in bytes",			\
  T(0).dims[0] = 1 << 20; T(0).dims[1] = 1025)				\
X(product_wraps, conv_s8, -E2BIG, "too large in bytes",			\
  T(0).dims[0] = 1 << 24; T(0).dims[1] = 1 << 24;			\
  T(0).dims[2] = 1 << 16; T(0).bytes = 0)				\
X(bytes_more, conv_s8, -EINVAL, "tensor 0 \"x\": its size in bytes is 253, must be 252", \
  T(0).bytes++)								\
X(bytes_less, conv_s8, -EINVAL, "tensor 2 \"weights\": its size", T(2).bytes--) \
X(bytes_zero, conv_s8, -EINVAL, "its size", T(3).bytes = 0)		\
X(bytes_huge, conv_s8, -EINVAL, "is 9223372036854775807, must be 20",	\
  T(3).bytes = ~0ULL)							\
X(bytes_of_type, conv_s8, -EINVAL, "its size", T(3).type = AIM_TYPE_S16)	\
X(place_zero, conv_s8, -EINVAL, "unknown place (0)", T(0).place = 0)	\
X(place_unknown, conv_s8, -EINVAL, "unknown place (5)", T(2).place = 5)	\
X(reserved, conv_s8, -EBADMSG, "its reserved field", T(0).reserved0 = 1)	\
X(name_outside, conv_s8, -EBADMSG, "tensor 1: its name lies outside",	\
  T(1).name = SEC(STRINGS).bytes)					\
X(name_far, conv_s8, -EBADMSG, "its name lies outside",			\
  T(1).name = 0xffffffff)						\
X(name_long, conv_s8, -E2BIG, "name is longer than 63", lengthen_strings(f)) \
X(name_newline, conv_s8, -EINVAL, "\"?\": its name has a control",	\
  f->strings[T(0).name] = '\n')						\
X(name_escape, conv_s8, -EINVAL, "control character",			\
  f->strings[T(0).name] = 27)						\
X(name_delete, conv_s8, -EINVAL, "control character",			\
  f->strings[T(0).name] = 127)						\
X(const_unaligned, conv_s8, -EINVAL, "tensor 2 \"weights\": its offset is not a multiple", \
  T(2).offset += 4)							\
X(const_outside, conv_s8, -EINVAL, "tensor 3 \"bias\": reaches past the data", \
  T(3).offset = SEC(DATA).bytes)					\
X(const_far, conv_s8, -EINVAL, "reaches past the data",			\
  T(3).offset = ~63ULL)							\
X(const_in_part, conv_s8, -EINVAL, "reaches past the data",		\
  T(2).offset = SEC(DATA).bytes - 64)					\
X(arena_unaligned, chain, -EINVAL, "tensor 5 \"r\": its offset is not",	\
  T(5).offset = 8)							\
X(arena_outside, chain, -EINVAL, "tensor 7 \"a\": reaches past the arena from offset (192)", \
  T(7).offset = 192)							\
X(arena_far, chain, -EINVAL, "reaches past the arena",			\
  T(7).offset = ~63ULL)							\
X(arena_small, chain, -EINVAL, "tensor 7 \"a\": reaches past the arena",	\
  f->h->arena_bytes = 128)						\
X(input_number, conv_s8, -EINVAL, "its number as input or output is too large (1)", \
  T(0).offset = 1)							\
X(output_number, conv_s8, -EINVAL, "its number as input or output",	\
  T(1).offset = 0xffffffff)						\
X(output_number_wraps, conv_s8, -EINVAL, "its number as input or output",	\
  T(1).offset = 1ULL << 32)						\
X(input_twice, add_s8, -EINVAL, "tensor 2 \"b\": has the same input or output number as: tensor 0 \"a\"", \
  T(2).offset = 0)							\
X(scale_negative, conv_s8, -EINVAL, "tensor 0 \"x\": its scale is not",	\
  T(0).scale_bits = 0x80000000)						\
X(scale_infinite, conv_s8, -EINVAL, "its scale is not",			\
  T(0).scale_bits = AB_INFINITY)					\
X(scale_nan, conv_s8, -EINVAL, "its scale is not", T(0).scale_bits = AB_NAN) \
X(scale_of_f32, conv_f32, -EINVAL, "a float32 tensor has a scale",	\
  T(0).scale_bits = AB_ONE)						\
X(zero_point_s8_low, conv_s8, -EINVAL, "zero point is out of its type's range (-129)", \
  T(0).zero_point = -129)						\
X(zero_point_s8_high, conv_s8, -EINVAL, "zero point is out of",		\
  T(0).zero_point = 128)						\
X(zero_point_u8_low, lut8, -EINVAL, "zero point is out of", T(0).zero_point = -1) \
X(zero_point_u8_high, lut8, -EINVAL, "zero point is out of",		\
  T(0).zero_point = 256)						\
X(zero_point_s16_low, quantize, -EINVAL, "zero point is out of",		\
  T(1).zero_point = -32769)						\
X(zero_point_s16_high, quantize, -EINVAL, "zero point is out of",	\
  T(1).zero_point = 32768)						\
X(zero_point_s32, conv_s8, -EINVAL, "tensor 3 \"bias\": its zero point",	\
  T(3).zero_point = 1)							\
X(zero_point_f32, conv_f32, -EINVAL, "its zero point", T(0).zero_point = 1) \
X(scales_without_count, conv_s8, -EBADMSG, "scales_first is set",	\
  T(0).scales_first = 1)						\
X(scales_outside, conv_s8, -EINVAL, "per-channel scales lie outside",	\
  T(2).scales_first = 1)						\
X(scales_wrap, conv_s8, -EINVAL, "per-channel scales lie outside",	\
  T(2).scales_first = 0xfffffffe)					\
X(scales_of_input, conv_s8, -EINVAL, "only constants may have per-channel", \
  T(0).scales_count = 3)						\
X(scales_of_f32, conv_f32, -EINVAL, "a float32 tensor has a scale",	\
  T(2).scales_count = 1)

BREAK_MAIN(CASES)
