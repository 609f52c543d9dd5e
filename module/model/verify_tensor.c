// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/* Tensor records: type, shape, size, place, quantisation, numbering. */
#include "verify_internal.h"

#define F32_INFINITY	0x7f800000U	/* exponent all ones */

bool aim_bits_finite(u32 bits)
{
	return (bits & F32_INFINITY) != F32_INFINITY;
}

bool aim_bits_scale(u32 bits)
{
	return bits > 0 && bits < F32_INFINITY;
}

int aim_check_name(struct aim_ctx *c, u32 name)
{
	const struct aim_view *v = c->v;
	u32 i;

	if (!name)
		return 0;
	if (name >= v->strings_bytes)
		return aim_refuse_got(c, -EBADMSG,
				      "its name lies outside the strings", name);
	/* the section ends with NUL, so this ends within it */
	for (i = 0; v->strings[name + i]; i++) {
		u8 ch = v->strings[name + i];

		if (i == AIM_NAME_LEN - 1)
			return aim_refuse(c, -E2BIG,
					  "its name is longer than 63 bytes");
		if (ch < ' ' || ch == 0x7f)
			return aim_refuse(c, -EINVAL,
					  "its name has a control character");
	}
	return 0;
}

static int check_shape(struct aim_ctx *c, const struct aim_tensor *t)
{
	u32 size = aim_type_size(t->type);
	u64 bytes = size;
	u32 i;

	if (!size)
		return aim_refuse_got(c, -EOPNOTSUPP, "unknown element type",
				      t->type);
	if (t->rank > AIM_MAX_RANK)
		return aim_refuse_got(c, -E2BIG, "has too many dimensions",
				      t->rank);
	for (i = 0; i < AIM_MAX_RANK; i++) {
		if (i >= t->rank && t->dims[i] != 1)
			return aim_refuse_pair(c, -EBADMSG,
					       "a dimension past its rank",
					       t->dims[i], 1);
		if (!t->dims[i])
			return aim_refuse_got(c, -EINVAL, "dimension is zero", i);
		if (t->dims[i] > AIM_MAX_DIM)
			return aim_refuse_got(c, -E2BIG, "a dimension is too large",
					      t->dims[i]);
		/* at most 2^30 * 2^24 */
		bytes *= t->dims[i];
		if (bytes > AIM_MAX_TENSOR_BYTES)
			return aim_refuse_got(c, -E2BIG, "is too large in bytes",
					      bytes);
	}
	if (t->bytes != bytes)
		return aim_refuse_pair(c, -EINVAL, "its size in bytes",
				       aim_clip(t->bytes), bytes);
	return 0;
}

static int check_io(struct aim_ctx *c, const struct aim_tensor *t, u32 first,
		    u32 nr)
{
	u32 *slot;

	if (t->offset >= nr)
		return aim_refuse_got(c, -EINVAL,
				      "its number as input or output is too large",
				      aim_clip(t->offset));
	slot = &c->v->io[first + t->offset];
	if (*slot != AIM_NO_TENSOR)
		return aim_refuse_tensor(c, -EINVAL,
					 "has the same input or output number as",
					 *slot);
	*slot = c->index;
	return 0;
}

static int check_range(struct aim_ctx *c, const struct aim_tensor *t, u64 room,
		       const char *outside)
{
	if (t->offset % AIM_ALIGN)
		return aim_refuse_got(c, -EINVAL,
				      "its offset is not a multiple of 64",
				      aim_clip(t->offset));
	if (t->offset > room || t->bytes > room - t->offset)
		return aim_refuse_got(c, -EINVAL, outside, aim_clip(t->offset));
	return 0;
}

static int check_place(struct aim_ctx *c, const struct aim_tensor *t)
{
	const struct aim_header *h = c->v->header;

	switch (t->place) {
	case AIM_PLACE_CONST:
		return check_range(c, t, h->sections[AIM_SEC_DATA].bytes,
				   "reaches past the data section from offset");
	case AIM_PLACE_ARENA:
		return check_range(c, t, h->arena_bytes,
				   "reaches past the arena from offset");
	case AIM_PLACE_INPUT:
		return check_io(c, t, 0, h->nr_inputs);
	case AIM_PLACE_OUTPUT:
		return check_io(c, t, h->nr_inputs, h->nr_outputs);
	default:
		return aim_refuse_got(c, -EINVAL, "unknown place", t->place);
	}
}

static bool zero_point_fits(u32 type, s32 zp)
{
	switch (type) {
	case AIM_TYPE_S8:
		return zp >= -128 && zp <= 127;
	case AIM_TYPE_U8:
		return zp >= 0 && zp <= 255;
	case AIM_TYPE_S16:
		return zp >= -32768 && zp <= 32767;
	default:
		return zp == 0;
	}
}

static int check_quantisation(struct aim_ctx *c, const struct aim_tensor *t)
{
	if (!zero_point_fits(t->type, t->zero_point))
		return aim_refuse_got(c, -EINVAL,
				      "its zero point is out of its type's range",
				      t->zero_point);
	if (t->scale_bits && !aim_bits_scale(t->scale_bits))
		return aim_refuse(c, -EINVAL,
				  "its scale is not finite and above zero");
	if (t->type == AIM_TYPE_F32 && (t->scale_bits || t->scales_count))
		return aim_refuse(c, -EINVAL, "a float32 tensor has a scale");
	if (!t->scales_count)
		return t->scales_first ?
			aim_refuse(c, -EBADMSG,
				   "scales_first is set without scales_count") : 0;
	if (t->place != AIM_PLACE_CONST)
		return aim_refuse(c, -EINVAL,
				  "only constants may have per-channel scales");
	if ((u64)t->scales_first + t->scales_count > c->v->nr_scales)
		return aim_refuse_got(c, -EINVAL,
				      "its per-channel scales lie outside the section",
				      t->scales_first);
	return 0;
}

static int check_tensor(struct aim_ctx *c, const struct aim_tensor *t)
{
	int err = aim_check_name(c, t->name);

	if (err)
		return err;
	if (t->reserved0)
		return aim_refuse(c, -EBADMSG, "its reserved field is not zero");
	err = check_shape(c, t);
	if (!err)
		err = check_place(c, t);
	if (!err)
		err = check_quantisation(c, t);
	return err;
}

int aim_check_tensors(struct aim_ctx *c)
{
	struct aim_view *v = c->v;
	u32 nr_io = v->header->nr_inputs + v->header->nr_outputs;
	u32 i;
	int err;

	for (i = 0; i < nr_io; i++)
		v->io[i] = AIM_NO_TENSOR;
	c->subject = AIM_SUBJ_TENSOR;
	for (i = 0; i < v->nr_tensors; i++) {
		c->index = i;
		err = check_tensor(c, &v->tensors[i]);
		if (err)
			return err;
	}
	aim_relax();
	c->subject = AIM_SUBJ_FILE;
	for (i = 0; i < nr_io; i++)
		if (v->io[i] == AIM_NO_TENSOR)
			return i < v->header->nr_inputs ?
				aim_refuse_got(c, -EINVAL, "no tensor is input number", i) :
				aim_refuse_got(c, -EINVAL, "no tensor is output number",
					       i - v->header->nr_inputs);
	return 0;
}
