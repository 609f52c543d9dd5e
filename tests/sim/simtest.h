/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the property tests share: runs of scenarios made up on the spot. */
#ifndef TESTS_SIM_SIMTEST_H
#define TESTS_SIM_SIMTEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sim.h"

/* A scenario under construction. */
struct text {
	char *s;
	size_t n;
};

void text_add(struct text *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Runs it, frees it. A scenario that is refused fails the test. */
struct world *run_text(struct text *t);
/* One that is built in, with further lines. */
struct world *run_builtin(const char *name, const char *more);

/* @n, or a tenth of it (at least 2) if SIM_SHORT is set. */
unsigned int runs(unsigned int n);

struct qspec *spec_named(const struct world *w, const char *name);
u64 idle_with_work(const struct world *w);

/* Says which run it was: a failure can be repeated from that. */
#define expect(w, cond) do {						\
	if (!(cond)) {							\
		report_text(w, stderr);					\
		fail_msg("%s (seed %llu)", #cond,			\
			 (unsigned long long)(w)->seed);		\
	}								\
} while (0)

#endif /* TESTS_SIM_SIMTEST_H */
