// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The flow of data and the arena plan. Tensors of "chain": 3 q, 4 l on it,
 * 5 r on that, 6 s, 7 a; operators quantize, lut8, reshape, transpose, add,
 * reshape.
 */
#include "aim_break.h"

static void swap_ops(struct aim_file *f, u32 a, u32 b)
{
	struct aim_op t = OP(a);

	OP(a) = OP(b);
	OP(b) = t;
}

#define CASES(X)							\
X(read_before_written, chain, -EINVAL,					\
  "operator 1 (reshape): reads a tensor that nothing wrote before: tensor 4 \"l\"", \
  swap_ops(f, 1, 2))							\
X(reads_itself, chain, -EINVAL, "operator 4 (add): reads a tensor that nothing wrote before: tensor 7", \
  f->operands[OP(4).operands] = 7)					\
X(output_read_first, chain, -EINVAL, "nothing wrote before: tensor 1",	\
  f->operands[OP(4).operands] = 1)					\
X(written_twice, chain, -EINVAL, "operator 3 (transpose): writes a tensor that was written before: tensor 5", \
  f->operands[OP(3).operands + 1] = 5)					\
X(output_twice, chain, -EINVAL, "operator 5 (reshape): writes a tensor that was written before: tensor 1", \
  T(7).place = AIM_PLACE_CONST; f->operands[OP(4).operands + 2] = 1)	\
X(writes_input, chain, -EINVAL, "writes to a constant or model input: tensor 0", \
  f->operands[OP(4).operands + 2] = 0)					\
X(writes_const, chain, -EINVAL, "writes to a constant or model input: tensor 2", \
  f->operands[OP(1).operands + 2] = 2)					\
X(overlap, chain, -EINVAL,						\
  "operator 3 (transpose): overlap in the arena while both are in use: tensor 5 \"r\" and tensor 6 \"s\"", \
  T(6).offset = 0)							\
X(overlap_outlives, chain, -EINVAL,					\
  "operator 4 (add): overlap in the arena while both are in use: tensor 6", \
  T(7).offset = 64)							\
X(add_in_place, chain, -EINVAL, "operator 4 (add): overlap", T(7).offset = 0) \
X(transpose_in_place, chain, -EINVAL, "operator 3 (transpose): overlap",	\
  T(6).offset = 0; f->operands[OP(4).operands] = 6)			\
X(in_place_but_alive, chain, -EINVAL, "operator 1 (lut8): overlap",	\
  f->operands[OP(2).operands] = 3)					\
X(no_input_operand, chain, -EINVAL, "operator 0 (quantize): lacks an input, number (0)", \
  f->operands[0] = AIM_NO_TENSOR)					\
X(no_second_operand, chain, -EINVAL, "operator 4 (add): lacks an input, number (1)", \
  f->operands[OP(4).operands + 1] = AIM_NO_TENSOR)			\
X(no_output_operand, chain, -EINVAL, "operator 0 (quantize): its output is no tensor", \
  f->operands[1] = AIM_NO_TENSOR)					\
X(operand_outside, chain, -EINVAL, "operator 0 (quantize): an operand is no tensor (8)", \
  f->operands[0] = 8)							\
X(output_outside, chain, -EINVAL, "its output is no tensor (8)",		\
  f->operands[1] = 8)							\
X(operands_outside, chain, -EINVAL, "operator 5 (reshape): its operands lie outside", \
  OP(5).operands++)							\
X(operands_wrap, chain, -EINVAL, "its operands lie outside",		\
  OP(5).operands = 0xffffffff)						\
X(inputs_missing, chain, -EINVAL, "operator 4 (add): wrong number of inputs (1)", \
  OP(4).nr_inputs = 1)							\
X(inputs_many, chain, -EINVAL, "operator 5 (reshape): wrong number of inputs (2)", \
  OP(5).nr_inputs = 2)							\
X(inputs_none, chain, -EINVAL, "wrong number of inputs (0)", OP(0).nr_inputs = 0) \
X(outputs_none, chain, -EINVAL, "number of outputs is 0, must be 1",	\
  OP(0).nr_outputs = 0)							\
X(outputs_two, chain, -EINVAL, "number of outputs is 2", OP(0).nr_outputs = 2) \
X(operands_many, chain, -E2BIG, "has too many operands (129)",		\
  OP(0).nr_inputs = 128)						\
X(operands_many_wrap, chain, -E2BIG, "has too many operands (65536)",	\
  OP(0).nr_inputs = 65535)						\
X(code_zero, chain, -EOPNOTSUPP, "operator 2 (unknown): unknown operator code (0)", \
  OP(2).code = 0)							\
X(code_unknown, chain, -EOPNOTSUPP, "unknown operator code (20)",	\
  OP(2).code = AIM_OP_LAST + 1)						\
X(code_huge, chain, -EOPNOTSUPP, "unknown operator code (65535)",	\
  OP(2).code = 65535)							\
X(op_flags, chain, -EBADMSG, "operator 2 (reshape): its flags", OP(2).flags = 1) \
X(op_name, chain, -EBADMSG, "operator 2 (reshape): its name lies outside", \
  OP(2).name = 1 << 30)							\
X(unused_parameter, chain, -EBADMSG, "operator 2 (reshape): an unused or reserved", \
  OP(2).p.raw[0] = 1)							\
X(unused_parameter_last, chain, -EBADMSG, "operator 4 (add): an unused or reserved", \
  OP(4).p.raw[19] = 1)

CASES(BREAK_FUNCTION)
static const struct breakage breakages[] = { CASES(BREAK_RECORD) };

static struct aim_builder *begin(u32 bytes)
{
	struct aim_builder *b = malloc(sizeof(*b));

	assert_non_null(b);
	ab_init(b);
	ab_tensor(b, "x", AIM_TYPE_S8, AIM_PLACE_INPUT, AB_DIMS(bytes));
	ab_tensor(b, "y", AIM_TYPE_S8, AIM_PLACE_OUTPUT, AB_DIMS(bytes));
	return b;
}

static u32 arena(struct aim_builder *b, u32 bytes)
{
	return ab_tensor(b, "t", AIM_TYPE_S8, AIM_PLACE_ARENA, AB_DIMS(bytes));
}

static void copy(struct aim_builder *b, u32 from, u32 to)
{
	ab_op(b, AIM_OP_RESHAPE, AB_IN(from), to);
}

static void expect(struct aim_builder *b, int want, const char *words)
{
	struct aim_reason reason;
	struct aim_view view;
	struct aim_file f;
	int err;

	assert_int_equal(ab_finish(b, &f), 0);
	free(b);
	err = ab_verify(f.data, f.bytes, &view, &reason);
	ab_release(&f);
	if (err != want || !strstr(reason.text, words))
		print_error("got %d, \"%s\"\n", err, reason.text);
	assert_int_equal(err, want);
	assert_non_null(strstr(reason.text, words));
}

static void a_tensor_that_nothing_writes_is_refused(void **state)
{
	struct aim_builder *b = begin(8);

	arena(b, 8);
	copy(b, 0, 1);
	expect(b, -EINVAL, "tensor 2 \"t\": no operator writes it");
}

static void an_output_that_nothing_writes_is_refused(void **state)
{
	struct aim_builder *b = begin(8);

	copy(b, 0, arena(b, 8));
	expect(b, -EINVAL, "tensor 1 \"y\": no operator writes it");
}

/* In place is fine where the input dies, on exactly its bytes. */
static void in_place_only_on_what_dies(void **state)
{
	struct aim_builder *b = begin(8);
	u32 t = arena(b, 8), u = arena(b, 8);

	b->tensors[u].offset = 0;
	copy(b, 0, t);
	copy(b, t, u);
	copy(b, u, 1);
	expect(b, 0, "");

	b = begin(8);
	t = arena(b, 8);
	u = arena(b, 8);
	b->tensors[u].offset = 0;
	copy(b, 0, t);
	copy(b, t, u);
	copy(b, t, 1);
	expect(b, -EINVAL, "operator 1 (reshape): overlap in the arena");
}

static void in_place_only_on_the_same_bytes(void **state)
{
	struct aim_builder *b = begin(128);
	u32 t = arena(b, 128), u = arena(b, 128);

	b->tensors[u].offset = 64;
	copy(b, 0, t);
	copy(b, t, u);
	copy(b, u, 1);
	expect(b, -EINVAL, "tensor 2 \"t\" and tensor 3 \"t\"");
}

/* A lut8 may lie on its input, but not on another tensor that dies with it. */
static void in_place_only_on_the_input(void **state)
{
	struct aim_builder *b = begin(8);
	u32 t = arena(b, 8), u = arena(b, 8), v = arena(b, 16);

	copy(b, 0, t);
	copy(b, 0, u);
	b->tensors[v].offset = 0;
	b->tensors[v].dims[0] = 8;
	b->tensors[v].bytes = 8;
	copy(b, u, v);
	ab_op(b, AIM_OP_MUL, AB_IN(t, v), 1)->p.binary.clamp =
		(struct aim_clamp){ -1, 1 };
	expect(b, -EINVAL, "operator 2 (reshape): overlap in the arena");
}

/* A place is free again after the last reader, not before. */
static void places_are_reused_after_the_last_reader(void **state)
{
	struct aim_builder *b = begin(8);
	u32 t = arena(b, 8), u = arena(b, 8), v = arena(b, 8);

	b->tensors[v].offset = 0;
	copy(b, 0, t);
	copy(b, t, u);
	copy(b, u, v);
	copy(b, v, 1);
	expect(b, 0, "");

	b = begin(8);
	t = arena(b, 8);
	u = arena(b, 8);
	v = arena(b, 8);
	b->tensors[v].offset = 0;
	copy(b, 0, t);
	copy(b, t, u);
	copy(b, u, v);
	copy(b, t, 1);
	expect(b, -EINVAL, "operator 2 (reshape): overlap in the arena");
}

/* An unread tensor is alive only while it is written. */
static void unread_tensors_do_not_pile_up(void **state)
{
	struct aim_builder *b = begin(8);
	u32 i;

	for (i = 0; i < 280; i++) {
		u32 t = arena(b, 8);

		b->tensors[t].offset = 0;
		copy(b, 0, t);
	}
	b->h.arena_bytes = 64;
	copy(b, 0, 1);
	expect(b, 0, "");
}

/* ... but not on something alive. */
static void unread_tensors_have_their_place(void **state)
{
	struct aim_builder *b = begin(8);
	u32 t = arena(b, 8), u = arena(b, 8);

	b->tensors[u].offset = 0;
	copy(b, 0, t);
	copy(b, 0, u);
	copy(b, t, 1);
	expect(b, -EINVAL, "operator 1 (reshape): overlap in the arena");
}

static struct aim_builder *many_alive(u32 n)
{
	struct aim_builder *b = begin(1);
	u32 parts[AIM_MAX_LIVE + 1], i, k;

	for (i = 0; i < n; i++) {
		parts[i] = arena(b, 1);
		copy(b, 0, parts[i]);
	}
	for (i = 0; i < n; i += k) {
		k = n - i < 127 ? n - i : 127;
		ab_op(b, AIM_OP_CONCAT, k, parts + i, arena(b, k));
	}
	copy(b, 0, 1);
	return b;
}

static void at_most_256_tensors_are_alive(void **state)
{
	/* one more while the first concatenation writes */
	expect(many_alive(AIM_MAX_LIVE - 1), 0, "");
	expect(many_alive(AIM_MAX_LIVE), -E2BIG,
	       "operator 256 (concat): too many arena tensors are in use at one time (257)");
	expect(many_alive(AIM_MAX_LIVE + 1), -E2BIG, "operator 256 (reshape)");
}

static void outputs_may_be_read_once_they_are_written(void **state)
{
	struct aim_builder *b = begin(8);
	u32 z = ab_tensor(b, "z", AIM_TYPE_S8, AIM_PLACE_OUTPUT, AB_DIMS(8));

	copy(b, 0, 1);
	copy(b, 1, z);
	expect(b, 0, "");
}

int main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(a_tensor_that_nothing_writes_is_refused),
		cmocka_unit_test(an_output_that_nothing_writes_is_refused),
		cmocka_unit_test(in_place_only_on_what_dies),
		cmocka_unit_test(in_place_only_on_the_same_bytes),
		cmocka_unit_test(in_place_only_on_the_input),
		cmocka_unit_test(places_are_reused_after_the_last_reader),
		cmocka_unit_test(unread_tensors_do_not_pile_up),
		cmocka_unit_test(unread_tensors_have_their_place),
		cmocka_unit_test(at_most_256_tensors_are_alive),
		cmocka_unit_test(outputs_may_be_read_once_they_are_written),
	};
	struct CMUnitTest tests[] = { CASES(BREAK_TEST) };
	size_t i;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tests[i].initial_state = (void *)&breakages[i];
	return cmocka_run_group_tests(own, NULL, NULL) |
	       cmocka_run_group_tests(tests, NULL, NULL);
}
