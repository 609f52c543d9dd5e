// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rules of the header, the sections, the strings and the tables. */
#include "aim_break.h"

#define CASES(X)							\
X(magic, conv_s8, -ENOEXEC, "not an .aim", f->data[3] ^= 0x20)		\
X(magic_last_byte, conv_s8, -ENOEXEC, "not an .aim", f->data[7] = 0)	\
X(major, conv_s8, -ENOEXEC, "major version", f->h->version_major++)	\
X(major_zero, conv_s8, -ENOEXEC, "major version is 0, must be 1",	\
  f->h->version_major = 0)						\
X(minor, conv_s8, -ENOEXEC, "minor version is newer", f->h->version_minor++) \
X(header_bytes, conv_s8, -EBADMSG, "header's size is 224, must be 216",	\
  f->h->header_bytes = 224)						\
X(file_bytes_small, conv_s8, -EBADMSG, "file_bytes", f->h->file_bytes--)	\
X(file_bytes_large, conv_s8, -EBADMSG, "file_bytes", f->h->file_bytes++)	\
X(file_bytes_huge, conv_s8, -EBADMSG, "file_bytes",			\
  f->h->file_bytes = ~0ULL)						\
X(flags, conv_s8, -EBADMSG, "flags", f->h->flags = 0x80000000)		\
X(reserved_first, conv_s8, -EBADMSG, "reserved", f->h->reserved[0] = 1)	\
X(reserved_last, conv_s8, -EBADMSG, "reserved",				\
  f->h->reserved[3] = 1ULL << 63)					\
X(arena_unaligned, chain, -EBADMSG, "multiple of 64", f->h->arena_bytes++)	\
X(arena_large, chain, -E2BIG, "arena_bytes is too large",		\
  f->h->arena_bytes = AIM_MAX_ARENA_BYTES + 64)				\
X(arena_huge, chain, -E2BIG, "arena_bytes", f->h->arena_bytes = ~63ULL)	\
X(no_inputs, conv_s8, -EINVAL, "needs an input", f->h->nr_inputs = 0)	\
X(no_outputs, conv_s8, -EINVAL, "and an output", f->h->nr_outputs = 0)	\
X(many_ios, conv_s8, -E2BIG, "too many inputs and outputs (257)",	\
  f->h->nr_inputs = 256)						\
X(ios_wrap, conv_s8, -E2BIG, "too many inputs",				\
  f->h->nr_inputs = 0xffffffff; f->h->nr_outputs = 2)			\
X(input_missing, conv_s8, -EINVAL, "no tensor is input number (1)",	\
  f->h->nr_inputs = 2)							\
X(output_missing, conv_s8, -EINVAL, "no tensor is output number (1)",	\
  f->h->nr_outputs = 2)							\
X(name_outside, conv_s8, -EBADMSG, "name lies outside", f->h->name = 1 << 20) \
X(name_at_end, conv_s8, -EBADMSG, "name lies outside",			\
  f->h->name = SEC(STRINGS).bytes)					\
X(macs_less, conv_s8, -EINVAL, "macs of the header", f->h->macs--)	\
X(macs_more, conv_s8, -EINVAL, "macs of the header is 3601, must be 3600", \
  f->h->macs++)								\
X(section_unaligned, conv_s8, -EBADMSG, "section operators: its offset",	\
  SEC(OPS).offset += 32)						\
X(section_in_header, conv_s8, -EBADMSG, "section tensors: overlaps",	\
  SEC(TENSORS).offset = 192)						\
X(section_at_zero, conv_s8, -EBADMSG, "section scales: overlaps",	\
  SEC(SCALES).offset = 0)						\
X(sections_overlap, conv_s8, -EBADMSG, "overlaps",			\
  SEC(OPS).offset -= 64)						\
X(sections_equal, conv_s8, -EBADMSG, "overlaps",				\
  SEC(SCALES).offset = SEC(REQUANT).offset)				\
X(section_past_end, conv_s8, -EBADMSG, "section metadata: reaches past",	\
  SEC(META).offset += 64)						\
X(section_long, conv_s8, -EBADMSG, "section metadata: reaches past",	\
  SEC(META).bytes++)							\
X(section_far, conv_s8, -EBADMSG, "section data: reaches past",		\
  SEC(DATA).offset = ~63ULL)						\
X(section_wraps, conv_s8, -EBADMSG, "section data: reaches past",	\
  SEC(DATA).bytes = -SEC(DATA).offset)					\
X(section_empty_offset, conv_f32, -EBADMSG, "is empty, but its offset",	\
  SEC(REQUANT).offset = 256)						\
X(tensors_part, conv_s8, -EBADMSG, "section tensors: is not a whole",	\
  SEC(TENSORS).bytes--)							\
X(ops_part, conv_s8, -EBADMSG, "section operators: is not a whole",	\
  SEC(OPS).bytes -= 32)							\
X(operands_part, conv_s8, -EBADMSG, "section operands: is not a whole",	\
  SEC(OPERANDS).bytes -= 2)						\
X(requant_part, conv_s8, -EBADMSG, "section requant: is not a whole",	\
  SEC(REQUANT).bytes -= 4)						\
X(scales_part, conv_s8, -EBADMSG, "section scales: is not a whole",	\
  SEC(SCALES).bytes -= 1)						\
X(gap, conv_s8, -EBADMSG, "section operators: a gap",			\
  SEC(TENSORS).bytes -= 64)						\
X(gap_dropped_section, conv_s8, -EBADMSG, "a gap",			\
  SEC(OPERANDS).bytes = 0; SEC(OPERANDS).offset = 0)			\
X(padding, conv_s8, -EBADMSG, "section tensors: padding before",		\
  f->data[255] = 1)							\
X(padding_between, conv_s8, -EBADMSG, "section requant: padding before",	\
  f->data[SEC(REQUANT).offset - 1] = 1)					\
X(padding_at_end, conv_s8, -EBADMSG, "padding at the end",		\
  memset(f->meta + 14, 0, 6); f->data[f->bytes - 1] = 1;		\
  SEC(META).bytes = 14)							\
X(bytes_at_end, fc_f32, -EBADMSG, "bytes that belong to no section",	\
  SEC(META).bytes = 0; SEC(META).offset = 0;				\
  SEC(STRINGS).bytes = 0; SEC(STRINGS).offset = 0;			\
  f->h->name = 0)							\
X(no_tensors, conv_s8, -EINVAL, "needs tensors",				\
  memset(&T(0), 0, SEC(TENSORS).bytes); SEC(TENSORS).offset = SEC(OPS).offset; \
  SEC(OPS).offset = 0; SEC(OPS).bytes = 0;				\
  SEC(TENSORS).offset = 256; SEC(TENSORS).bytes = 4 * 64 + 128)		\
X(strings_start, conv_s8, -EBADMSG, "section strings: does not begin",	\
  f->strings[0] = 'x')							\
X(strings_end, conv_s8, -EBADMSG, "section strings: does not begin and end", \
  f->strings[SEC(STRINGS).bytes - 1] = 'x')				\
X(meta_end, conv_s8, -EBADMSG, "section metadata: does not end",		\
  f->meta[SEC(META).bytes - 1] = 'x')					\
X(meta_half, conv_s8, -EBADMSG, "section metadata: does not end",	\
  f->meta[6] = 'x')							\
X(meta_odd, conv_s8, -EBADMSG, "section metadata",			\
  f->meta[9] = 0)							\
X(meta_no_key, conv_s8, -EBADMSG, "section metadata: has an empty key",	\
  f->meta[0] = 0)							\
X(multiplier_small, conv_s8, -EINVAL, "a multiplier is neither",		\
  f->rq[4].multiplier = 0x3fffffff)					\
X(multiplier_one, conv_s8, -EINVAL, "section requant: a multiplier",	\
  f->rq[0].multiplier = 1)						\
X(multiplier_negative, conv_s8, -EINVAL, "a multiplier is neither",	\
  f->rq[0].multiplier = -0x40000000)					\
X(multiplier_min, conv_s8, -EINVAL, "a multiplier is neither",		\
  f->rq[0].multiplier = INT32_MIN)					\
X(shift_large, conv_s8, -EINVAL, "a shift is not in -31..30 (31)",	\
  f->rq[4].shift = 31)							\
X(shift_small, conv_s8, -EINVAL, "a shift is not in -31..30 (-32)",	\
  f->rq[0].shift = -32)							\
X(shift_min, conv_s8, -EINVAL, "a shift is not in", f->rq[0].shift = INT32_MIN) \
X(scale_zero, conv_s8, -EINVAL, "section scales: a scale", f->scales[0] = 0) \
X(scale_negative, conv_s8, -EINVAL, "section scales: a scale",		\
  f->scales[4] = 0xbf800000)						\
X(scale_infinite, conv_s8, -EINVAL, "section scales: a scale",		\
  f->scales[0] = AB_INFINITY)						\
X(scale_nan, conv_s8, -EINVAL, "section scales: a scale",		\
  f->scales[0] = AB_NAN)

BREAK_MAIN(CASES)
