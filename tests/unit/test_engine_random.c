// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Random models: the engine on every vector unit against an interpreter that
 * shares no code with it (interp.c).
 *
 *	test_engine_random [FIRST [COUNT]]	seeds to try
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "gen_model.h"
#include "interp.h"
#include "model_run.h"
#include "unit.h"

static u64 first_seed = 1, nr_seeds = 1500;
static u32 nr_models, nr_runs;

struct job {
	const struct model *m;
	const u8 *in, *want;
	u64 seed;
};

/* The operator that writes output @i */
static u32 writer_of(const struct aim_view *v, u32 tensor)
{
	u32 i;

	for (i = 0; i < v->nr_ops; i++)
		if (v->operands[v->ops[i].operands + v->ops[i].nr_inputs] ==
		    tensor)
			return v->ops[i].code;
	return 0;
}

/* Outputs of several types lie one after the other: no alignment. */
static float f32_at(const u8 *p, size_t i)
{
	float f;

	memcpy(&f, p + i * sizeof(f), sizeof(f));
	return f;
}

static void compare_f32(const struct job *j, const struct eng_isa *isa,
			const u8 *got, const u8 *want, size_t n)
{
	float largest = 0;
	size_t i;

	for (i = 0; i < n; i++)
		largest = fmaxf(largest, fabsf(f32_at(want, i)));
	for (i = 0; i < n; i++)
		if (!(fabsf(f32_at(got, i) - f32_at(want, i)) <=
		      1e-5f + 1e-4f * largest))
			fail_msg("seed %llu, %s: element %zu is %g, not %g",
				 (unsigned long long)j->seed, eng_isa_name(isa),
				 i, f32_at(got, i), f32_at(want, i));
}

static void compare(const struct job *j, const struct eng_isa *isa,
		    const u8 *got)
{
	const struct aim_view *v = &j->m->view;
	const u8 *want = j->want;
	u32 i;
	size_t k;

	for (i = 0; i < v->header->nr_outputs; i++) {
		u32 id = v->io[v->header->nr_inputs + i];
		const struct aim_tensor *t = &v->tensors[id];
		int slack = writer_of(v, id) == AIM_OP_SOFTMAX;

		if (t->type == AIM_TYPE_F32) {
			compare_f32(j, isa, got, want, t->bytes / 4);
		} else {
			for (k = 0; k < t->bytes; k++)
				if (abs((s8)got[k] - (s8)want[k]) > slack)
					fail_msg("seed %llu, %s: output %u, byte %zu of %zu is %d, not %d",
						 (unsigned long long)j->seed,
						 eng_isa_name(isa), i, k,
						 (size_t)t->bytes, (s8)got[k],
						 (s8)want[k]);
		}
		got += t->bytes;
		want += t->bytes;
	}
}

static void on_isa(const struct eng_isa *isa, void *arg)
{
	static const u64 budgets[] = { 0, 1, 777 };
	const struct job *j = arg;
	struct eng_program *prog = model_compile(j->m, isa);
	u8 *got = malloc(j->m->out_bytes);

	assert_non_null(prog);
	assert_non_null(got);
	model_run(j->m, prog, j->in, got, budgets[j->seed % 3]);
	compare(j, isa, got);
	free(got);
	eng_free(prog);
	nr_runs++;
}

static void fill_inputs(const struct model *m, u64 seed, u8 *in)
{
	size_t i;
	u32 k;

	for (k = 0; k < m->view.header->nr_inputs; k++) {
		const struct aim_tensor *t = model_io(m, false, k);

		for (i = 0; i < t->bytes; i += t->type == AIM_TYPE_F32 ? 4 : 1) {
			float f;

			seed = seed * 6364136223846793005ULL + 1;
			f = (float)((s32)(seed >> 40) % 1000) / 500.0f;
			if (t->type == AIM_TYPE_F32)
				memcpy(in + i, &f, 4);
			else
				in[i] = (u8)(seed >> 40);
		}
		in += t->bytes;
	}
}

static void run_seed(u64 seed)
{
	char reason[512];
	struct aim_file f;
	struct model m;
	struct job j = { .m = &m, .seed = seed };
	u8 *in, *want;

	if (gen_model(seed, &f))
		return;		/* did not fit the builder */
	if (model_open((struct blob){ f.data, f.bytes }, &m, reason,
		       sizeof(reason)))
		fail_msg("seed %llu: refused: %s", (unsigned long long)seed,
			 reason);
	in = aligned_alloc(64, (m.in_bytes + 63) & ~(size_t)63);
	want = malloc(m.out_bytes);
	fill_inputs(&m, seed, in);
	assert_true(interp_run(&m.view, in, want));
	j.in = in;
	j.want = want;
	model_each_isa(on_isa, &j);
	free(in);
	free(want);
	model_close(&m);
	nr_models++;
}

static void random_models(void **state)
{
	u64 i;

	for (i = 0; i < nr_seeds; i++)
		run_seed(first_seed + i);
	printf("  %u models, %u runs\n", nr_models, nr_runs);
	assert_true(nr_models > nr_seeds / 2);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_models) };

	if (argc > 1) {
		first_seed = strtoull(argv[1], NULL, 0);
		nr_seeds = 1;
	}
	if (argc > 2)
		nr_seeds = strtoull(argv[2], NULL, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
