// SPDX-License-Identifier: LGPL-2.1-or-later
/* The verifier as a whole: what it accepts, and that nothing makes it stumble. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "aim_builder.h"

static void every_model_is_accepted(void **state)
{
	bool seen[AIM_OP_LAST + 1] = { false };
	u32 i, k;

	for (i = 0; i < ab_nr_models; i++) {
		struct aim_reason reason;
		struct aim_view view;
		struct aim_file f;
		int err;

		assert_int_equal(ab_model_file(ab_models[i].name, &f), 0);
		err = ab_verify(f.data, f.bytes, &view, &reason);
		if (err)
			print_error("%s: %s\n", ab_models[i].name, reason.text);
		assert_int_equal(err, 0);
		assert_string_equal(reason.text, "");
		assert_int_equal(view.bytes, f.bytes);
		assert_int_equal(view.io[0], 0);
		for (k = 0; k < view.nr_ops; k++)
			seen[f.ops[k].code] = true;
		ab_release(&f);
	}
	for (i = 1; i <= AIM_OP_LAST; i++)
		assert_true(seen[i]);
}

static void the_view_leads_to_every_part(void **state)
{
	struct aim_reason reason;
	struct aim_view view;
	struct aim_file f;
	void *scratch;

	assert_int_equal(ab_model_file("conv_s8", &f), 0);
	scratch = malloc(aim_verify_scratch(f.data, f.bytes));
	assert_int_equal(aim_verify(f.data, f.bytes, scratch, &view, &reason), 0);
	free(scratch);
	assert_ptr_equal(view.data, f.data);
	assert_ptr_equal(view.header, f.h);
	assert_ptr_equal(view.tensors, f.t);
	assert_ptr_equal(view.ops, f.ops);
	assert_ptr_equal(view.operands, f.operands);
	assert_ptr_equal(view.requants, f.rq);
	assert_ptr_equal(view.scales, f.scales);
	assert_ptr_equal(view.consts, f.consts);
	assert_ptr_equal(view.meta, f.meta);
	assert_int_equal(view.nr_tensors, 4);
	assert_int_equal(view.nr_requants, 5);
	assert_int_equal(view.nr_scales, 5);
	assert_int_equal(view.io[0], 0);
	assert_int_equal(view.io[1], 1);
	assert_string_equal(aim_str(&view, view.header->name), "conv");
	assert_string_equal(aim_str(&view, 0), "");
	assert_ptr_equal(aim_operand(&view, view.ops, 1), &view.tensors[2]);
	assert_ptr_equal(aim_out(&view, view.ops, 0), &view.tensors[1]);
	ab_release(&f);
}

static void every_shorter_file_is_refused(void **state)
{
	static const char *const models[] = { "conv_s8", "chain" };
	struct aim_reason reason;
	struct aim_view view;
	struct aim_file f;
	size_t n, i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(ab_model_file(models[i], &f), 0);
		for (n = 0; n < f.bytes; n++) {
			int err = ab_verify(f.data, n, &view, &reason);

			assert_int_equal(err, n < 8 ? -ENOEXEC : -EBADMSG);
			assert_string_not_equal(reason.text, "");
		}
		ab_release(&f);
	}
}

/* The same with a header that was adjusted to hide the cut. */
static void every_shorter_file_that_says_so_is_refused(void **state)
{
	struct aim_reason reason;
	struct aim_view view;
	struct aim_file f;
	size_t n;

	assert_int_equal(ab_model_file("conv_s8", &f), 0);
	for (n = sizeof(*f.h); n < f.bytes; n++) {
		f.h->file_bytes = n;
		assert_int_equal(ab_verify(f.data, n, &view, &reason), -EBADMSG);
	}
	ab_release(&f);
}

static void no_flipped_bit_makes_it_stumble(void **state)
{
	u32 i, accepted = 0, refused = 0;

	for (i = 0; i < ab_nr_models; i++) {
		struct aim_reason reason;
		struct aim_view view;
		struct aim_file f;
		size_t bit;

		assert_int_equal(ab_model_file(ab_models[i].name, &f), 0);
		for (bit = 0; bit < 8 * f.bytes; bit++) {
			f.data[bit / 8] ^= 1 << bit % 8;
			if (ab_verify(f.data, f.bytes, &view, &reason)) {
				assert_true(reason.text[0]);
				refused++;
			} else {
				assert_false(reason.text[0]);
				accepted++;
			}
			f.data[bit / 8] ^= 1 << bit % 8;
		}
		ab_release(&f);
	}
	/* names, constants and quantisation may change; structure may not */
	assert_true(accepted > 0 && refused > accepted / 8);
}

static void scratch_is_bounded_whatever_the_file_says(void **state)
{
	struct aim_header h;

	memset(&h, 0xff, sizeof(h));
	assert_true(aim_verify_scratch(&h, sizeof(h)) <=
		    32 * AIM_MAX_TENSORS + 65536);
	assert_true(aim_verify_scratch(&h, 3) > 0);
	assert_true(aim_verify_scratch(NULL, 0) > 0);
}

static void a_misaligned_buffer_is_refused(void **state)
{
	struct aim_reason reason;
	struct aim_view view;
	struct aim_file f;
	u8 *moved = NULL;

	assert_int_equal(ab_model_file("fc_s8", &f), 0);
	assert_int_equal(posix_memalign((void **)&moved, 64, f.bytes + 8), 0);
	memcpy(moved + 8, f.data, f.bytes);
	assert_int_equal(aim_verify(moved + 8, f.bytes, NULL, &view, &reason),
			 -EINVAL);
	assert_non_null(strstr(reason.text, "aligned"));
	free(moved);
	ab_release(&f);
}

/* Names of operators and tensors are in the sentence, made harmless. */
static void hostile_names_are_shown_harmlessly(void **state)
{
	struct aim_reason reason;
	struct aim_view view;
	struct aim_file f;
	char *name;
	size_t i;

	assert_int_equal(ab_model_file("conv_s8", &f), 0);
	name = f.strings + f.t[2].name;
	memcpy(name, "\"\xc2\x9b\xff%s%n", 8);
	f.t[2].bytes++;
	assert_int_equal(ab_verify(f.data, f.bytes, &view, &reason), -EINVAL);
	assert_non_null(strstr(reason.text, "tensor 2 \"????%s%n"));
	for (i = 0; reason.text[i]; i++)
		assert_in_range(reason.text[i], ' ', '~');
	ab_release(&f);
}

static void the_longest_sentence_fits(void **state)
{
	char name[AIM_NAME_LEN];
	struct aim_builder *b = malloc(sizeof(*b));
	struct aim_reason reason;
	struct aim_view view;
	struct aim_file f;

	assert_non_null(b);
	memset(name, 'n', sizeof(name));
	name[AIM_NAME_LEN - 1] = '\0';
	ab_init(b);
	ab_models[ab_nr_models - 1].build(b);
	b->tensors[6].name = ab_string(b, name);
	b->tensors[5].name = ab_string(b, name);
	b->tensors[6].offset = 0;
	b->ops[3].name = ab_string(b, name);
	assert_int_equal(ab_finish(b, &f), 0);
	free(b);
	assert_int_equal(ab_verify(f.data, f.bytes, &view, &reason), -EINVAL);
	assert_true(strlen(reason.text) > 150);
	assert_true(strlen(reason.text) < AIM_REASON_LEN);
	ab_release(&f);
}

static void names_of_operators_and_types_are_never_null(void **state)
{
	u32 i;

	assert_string_equal(aim_op_name(0), "unknown");
	assert_string_equal(aim_op_name(AIM_OP_LAST + 1), "unknown");
	assert_string_equal(aim_op_name(0xffffffff), "unknown");
	assert_string_equal(aim_op_name(AIM_OP_CONV2D), "conv2d");
	for (i = 1; i <= AIM_OP_LAST; i++)
		assert_string_not_equal(aim_op_name(i), "unknown");
	assert_string_equal(aim_type_name(0), "unknown");
	assert_string_equal(aim_type_name(6), "unknown");
	assert_string_equal(aim_type_name(AIM_TYPE_S8), "int8");
	for (i = 1; i <= AIM_TYPE_F32; i++)
		assert_string_not_equal(aim_type_name(i), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_model_is_accepted),
		cmocka_unit_test(the_view_leads_to_every_part),
		cmocka_unit_test(every_shorter_file_is_refused),
		cmocka_unit_test(every_shorter_file_that_says_so_is_refused),
		cmocka_unit_test(no_flipped_bit_makes_it_stumble),
		cmocka_unit_test(scratch_is_bounded_whatever_the_file_says),
		cmocka_unit_test(a_misaligned_buffer_is_refused),
		cmocka_unit_test(hostile_names_are_shown_harmlessly),
		cmocka_unit_test(the_longest_sentence_fits),
		cmocka_unit_test(names_of_operators_and_types_are_never_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
