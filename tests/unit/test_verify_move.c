// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rules of the operators that move values, and the limits on work. */
#include "aim_break.h"

#define CASES(X)							\
X(concat_axis, concat_s8, -EINVAL, "operator 0 (concat): axis is not a dimension (3)", \
  P.concat.axis = 3)							\
X(concat_axis_huge, concat_s8, -EINVAL, "axis is not", P.concat.axis = 0xffffffff) \
X(concat_sum, concat_s8, -EINVAL, "along the axis is 7, must be 6",	\
  T(1).dims[1] = 7; T(1).bytes = 56)					\
X(concat_other_dim, concat_s8, -EINVAL, "a dimension of an input is 5, must be 4", \
  T(3).dims[2] = 5; T(3).bytes = 20)					\
X(concat_rank, concat_s8, -EINVAL, "rank of an input is 4, must be 3",	\
  T(2).rank = 4)							\
X(concat_type, concat_s8, -EINVAL, "different element types",		\
  T(2).type = AIM_TYPE_U8)						\
X(concat_y_type, concat_s8, -EINVAL, "different element types",		\
  T(1).type = AIM_TYPE_U8)						\
X(concat_scale, concat_s8, -EINVAL, "quantised differently",		\
  T(3).scale_bits = AB_ONE)						\
X(concat_zero_point, concat_s8, -EINVAL, "quantised differently",	\
  T(1).zero_point = 0)							\
X(concat_input, concat_s8, -EINVAL, "lacks an input, number (2)",	\
  f->operands[2] = AIM_NO_TENSOR)					\
X(concat_s32, concat_f32, -EOPNOTSUPP, "does not support",		\
  T(0).type = T(1).type = AIM_TYPE_S32)					\
X(pad_rank, pad_s8, -EINVAL, "rank of the output is 5, must be 4", T(1).rank = 5) \
X(pad_dim, pad_s8, -EINVAL, "a dimension of the output is 6, must be 7",	\
  P.pad.after[1] = 3)							\
X(pad_before, pad_s8, -EINVAL, "a dimension of the output", P.pad.before[0] = 1) \
X(pad_wraps, pad_s8, -EINVAL, "a dimension of the output is 2, must be 4294967298", \
  P.pad.before[0] = 0x80000000; P.pad.after[0] = 0x80000000)		\
X(pad_past_rank, pad_s8, -EBADMSG, "unused or reserved", P.pad.before[4] = 1) \
X(pad_past_rank_after, pad_s8, -EBADMSG, "unused or reserved",		\
  P.pad.after[5] = 1)							\
X(pad_value_low, pad_s8, -EINVAL, "value is out of the type's range (-129)", \
  P.pad.value = -129)							\
X(pad_value_high, pad_s8, -EINVAL, "value is out of", P.pad.value = 128)	\
X(pad_value_u8, pad_u8, -EINVAL, "value is out of", P.pad.value = -1)	\
X(pad_value_u8_high, pad_u8, -EINVAL, "value is out of", P.pad.value = 256) \
X(pad_value_s16, pad_s16, -EINVAL, "value is out of", P.pad.value = 32768)	\
X(pad_type, pad_f32, -EINVAL, "different element types",			\
  T(1).type = AIM_TYPE_S32)						\
X(reshape_bytes, reshape_s8, -EINVAL, "bytes of the output is 28, must be 24", \
  T(1).dims[1] = 7; T(1).bytes = 28)					\
X(reshape_type, reshape_s8, -EINVAL, "different element types",		\
  T(1).type = AIM_TYPE_U8)						\
X(reshape_parameter, reshape_s8, -EBADMSG, "unused or reserved",		\
  P.raw[5] = 1)								\
X(transpose_rank, transpose_u8, -EINVAL, "rank of the output is 5",	\
  T(1).rank = 5)							\
X(transpose_dim, transpose_u8, -EINVAL, "a dimension of the output is 5, must be 3", \
  P.transpose.perm[1] = 1; P.transpose.perm[2] = 3)			\
X(transpose_twice, transpose_u8, -EINVAL, "not a permutation, entry (0)",	\
  P.transpose.perm[1] = 0)						\
X(transpose_far, transpose_u8, -EINVAL, "not a permutation, entry (4)",	\
  P.transpose.perm[3] = 4)						\
X(transpose_huge, transpose_u8, -EINVAL, "not a permutation",		\
  P.transpose.perm[0] = 0xffffffff)					\
X(transpose_past_rank, transpose_u8, -EBADMSG, "unused or reserved",	\
  P.transpose.perm[4] = 4)						\
X(slice_rank, slice, -EINVAL, "rank of the output", T(1).rank = 4)	\
X(slice_far, slice, -EINVAL, "reaches past the input in dimension (1)",	\
  P.slice.begin[1] = 3)							\
X(slice_begin_huge, slice, -EINVAL, "reaches past the input",		\
  P.slice.begin[0] = 0xffffffff)					\
X(slice_stride, slice, -EINVAL, "reaches past the input in dimension (1)", \
  P.slice.stride[1] = 4)						\
X(slice_stride_zero, slice, -EINVAL, "a stride is not in 1..2^24 (0)",	\
  P.slice.stride[0] = 0)						\
X(slice_stride_huge, slice, -EINVAL, "a stride is not in 1..2^24",	\
  P.slice.stride[2] = 0x80000000)					\
X(slice_past_rank, slice, -EBADMSG, "unused or reserved", P.slice.begin[3] = 1) \
X(slice_stride_past_rank, slice, -EBADMSG, "unused or reserved",		\
  P.slice.stride[3] = 1)

CASES(BREAK_FUNCTION)
static const struct breakage breakages[] = { CASES(BREAK_RECORD) };

static int verify_and_release(struct aim_builder *b, struct aim_reason *reason)
{
	struct aim_view view;
	struct aim_file f;
	int err;

	assert_int_equal(ab_finish(b, &f), 0);
	free(b);
	err = ab_verify(f.data, f.bytes, &view, reason);
	ab_release(&f);
	return err;
}

static struct aim_builder *new_builder(void)
{
	struct aim_builder *b = malloc(sizeof(*b));

	assert_non_null(b);
	ab_init(b);
	return b;
}

/* @n fully connected layers of 2^29 rows, 32 terms each: 2^34 macs a piece */
static int many_macs(u32 n, struct aim_reason *reason)
{
	struct aim_builder *b = new_builder();
	u32 w, i;

	ab_tensor(b, "x", AIM_TYPE_S8, AIM_PLACE_INPUT, AB_DIMS(1 << 15, 1 << 14, 2));
	ab_tensor(b, "y", AIM_TYPE_S8, AIM_PLACE_OUTPUT, AB_DIMS(1 << 12, 1 << 14, 16));
	w = ab_tensor(b, "w", AIM_TYPE_S8, AIM_PLACE_CONST, AB_DIMS(16, 32));
	ab_requant(b, 16, 1 << 30, 0);
	for (i = 0; i < n; i++) {
		u32 y = i ? ab_tensor(b, "t", AIM_TYPE_S8, AIM_PLACE_ARENA,
				      AB_DIMS(1 << 11, 1 << 14, 16)) : 1;

		b->tensors[y].dims[0] = 1 << 11;
		b->tensors[y].bytes = 1 << 29;
		b->tensors[y].offset = 0;
		b->h.arena_bytes = 1 << 29;
		/* 2^30 elements of x: 2^25 rows of 32; 2^25 * 16 = 2^29 out */
		ab_op(b, AIM_OP_FC, AB_IN(0, w, AB_NONE), y)->p.fc.clamp =
			(struct aim_clamp){ -128, 127 };
	}
	return verify_and_release(b, reason);
}

static void multiply_adds_are_bounded(void **state)
{
	struct aim_reason reason;

	/* each writes 2^29 bytes too, which counts as work */
	assert_int_equal(many_macs(248, &reason), 0);
	assert_int_equal(many_macs(249, &reason), -E2BIG);
	assert_non_null(strstr(reason.text, "operator 248 (fully-connected): the model takes too much work"));
}

/* A pool computes nothing that macs counts, and may take hours all the same. */
static void other_work_is_bounded(void **state)
{
	struct aim_builder *b = new_builder();
	struct aim_reason reason;
	struct aim_p_pool *p;

	ab_tensor(b, "x", AIM_TYPE_S8, AIM_PLACE_INPUT, AB_DIMS(1, 1 << 15, 1 << 15, 1));
	ab_tensor(b, "y", AIM_TYPE_S8, AIM_PLACE_OUTPUT, AB_DIMS(1, 32513, 32513, 1));
	p = &ab_op(b, AIM_OP_MAXPOOL, AB_IN(0), 1)->p.pool;
	p->kernel_h = p->kernel_w = 256;
	p->stride_h = p->stride_w = 1;
	p->clamp = (struct aim_clamp){ -128, 127 };
	assert_int_equal(verify_and_release(b, &reason), -E2BIG);
	assert_non_null(strstr(reason.text, "too much work"));
}

static int many_terms(u32 n, struct aim_reason *reason)
{
	struct aim_builder *b = new_builder();
	u32 w;

	ab_tensor(b, "x", AIM_TYPE_S8, AIM_PLACE_INPUT, AB_DIMS(n));
	ab_tensor(b, "y", AIM_TYPE_S8, AIM_PLACE_OUTPUT, AB_DIMS(1));
	w = ab_tensor(b, "w", AIM_TYPE_S8, AIM_PLACE_CONST, AB_DIMS(1, n));
	ab_requant(b, 1, 1 << 30, 0);
	ab_op(b, AIM_OP_FC, AB_IN(0, w, AB_NONE), 1);
	return verify_and_release(b, reason);
}

static void products_of_one_output_are_bounded(void **state)
{
	struct aim_reason reason;

	assert_int_equal(many_terms(AIM_MAX_ACC_TERMS, &reason), 0);
	assert_int_equal(many_terms(AIM_MAX_ACC_TERMS + 1, &reason), -E2BIG);
	assert_non_null(strstr(reason.text, "too many products in one output element (65537)"));
}

/* Naming one large table again and again must not cost more each time. */
static void constants_named_in_all_are_bounded(void **state)
{
	struct aim_builder *b = new_builder();
	struct aim_reason reason;
	u32 w, t, i;
	int err;

	ab_tensor(b, "x", AIM_TYPE_S8, AIM_PLACE_INPUT, AB_DIMS(65536));
	ab_tensor(b, "y", AIM_TYPE_S8, AIM_PLACE_OUTPUT, AB_DIMS(1));
	w = ab_tensor(b, "w", AIM_TYPE_S8, AIM_PLACE_CONST, AB_DIMS(1, 65536));
	/* this shift makes it look at every weight; they are all zero */
	ab_requant(b, 1, 1 << 30, 30);
	for (i = 0; i < 290; i++) {
		t = i ? ab_tensor(b, NULL, AIM_TYPE_S8, AIM_PLACE_ARENA,
				  AB_DIMS(1)) : 1;
		if (i)
			b->tensors[t].offset = 0;
		b->h.arena_bytes = 64;
		ab_op(b, AIM_OP_FC, AB_IN(0, w, AB_NONE), t);
	}
	err = verify_and_release(b, &reason);
	assert_int_equal(err, -E2BIG);
	assert_non_null(strstr(reason.text, "name the same constants too often"));
}

int main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(multiply_adds_are_bounded),
		cmocka_unit_test(other_work_is_bounded),
		cmocka_unit_test(products_of_one_output_are_bounded),
		cmocka_unit_test(constants_named_in_all_are_bounded),
	};
	struct CMUnitTest tests[] = { CASES(BREAK_TEST) };
	size_t i;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tests[i].initial_state = (void *)&breakages[i];
	return cmocka_run_group_tests(own, NULL, NULL) |
	       cmocka_run_group_tests(tests, NULL, NULL);
}
