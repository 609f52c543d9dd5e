/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One test for each rule of docs/model-format.md: take a valid model, break
 * that rule alone, and expect its errno and a sentence that names the matter.
 *
 *	X(test's name, model, errno, words of the sentence, statements on f)
 *
 * The statements see the file as struct aim_file *f, and T(n), OP(n), P for
 * the usual records.
 */
#ifndef AIM_BREAK_H
#define AIM_BREAK_H

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "aim_builder.h"

struct breakage {
	const char *model;
	int err;
	const char *words;
	void (*apply)(struct aim_file *f);
};

#define T(n)	(f->t[n])
#define OP(n)	(f->ops[n])
#define P	(f->ops[0].p)
#define SEC(n)	(f->h->sections[AIM_SEC_ ## n])

#define BREAK_FUNCTION(name, model, err, words, ...) \
	static void name(struct aim_file *f) { __VA_ARGS__; }
#define BREAK_RECORD(name, model, err, words, ...) \
	{ #model, err, words, name },
#define BREAK_TEST(name, model, err, words, ...) \
	{ #name, run_breakage, NULL, NULL, NULL },

static void run_breakage(void **state)
{
	const struct breakage *b = *state;
	struct aim_reason reason;
	struct aim_view view;
	struct aim_file f;
	int err;

	assert_int_equal(ab_model_file(b->model, &f), 0);
	err = ab_verify(f.data, f.bytes, &view, &reason);
	if (err)
		print_error("%s: %s\n", b->model, reason.text);
	assert_int_equal(err, 0);
	b->apply(&f);
	err = ab_verify(f.data, f.bytes, &view, &reason);
	if (err != b->err || !strstr(reason.text, b->words))
		print_error("got %d, \"%s\", expected %d, \"%s\"\n", err,
			    reason.text, b->err, b->words);
	assert_int_equal(err, b->err);
	assert_non_null(strstr(reason.text, b->words));
	assert_null(view.data);
	ab_release(&f);
}

#define BREAK_MAIN(CASES)						\
CASES(BREAK_FUNCTION)							\
static const struct breakage breakages[] = { CASES(BREAK_RECORD) };	\
int main(void)								\
{									\
	struct CMUnitTest tests[] = { CASES(BREAK_TEST) };		\
	size_t i;							\
									\
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)		\
		tests[i].initial_state = (void *)&breakages[i];	\
	return cmocka_run_group_tests(tests, NULL, NULL);		\
}

#endif /* AIM_BREAK_H */
