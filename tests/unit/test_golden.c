// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Real networks against the outputs of the reference kernels: byte for byte
 * for integers, within a tolerance for floats, on every vector unit this CPU
 * has. Models and data: ../shared/models; where that is missing, tests/data.
 *
 *	test_golden			everything
 *	test_golden MODEL [ISA]		one model; names the first wrong layer
 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "model_run.h"
#include "unit.h"

/* A float counts as equal where |got - want| <= atol + rtol * |want|. */
struct tolerance {
	const char *model;
	float atol, rtol;
};

/*
 * The autoencoder sums hundreds of large products of both signs, so the order
 * of additions shows: its README lists 4e-3 for TFLite's own faster kernels.
 */
static const struct tolerance tolerances[] = {
	{ "ad_fc_ae_f32", 4e-3f, 5e-4f },
	{ NULL, 1e-5f, 1e-4f },
};

/* Recurrent or hybrid: beyond this version, see issue 2. */
static const char *const out_of_scope[] = {
	"mnist_lstm_f32", "mnist_lstm_int8", "keyword_svdf_int8",
	"kws_dscnn_hybrid",
};

struct golden {
	char dir[2048];
	const char *name;
	const struct tolerance *tol;
	struct model m;
	u32 wrong;		/* sets that differ, over all units */
	u32 sets;
};

static u32 total_wrong, total_sets, total_models;

static const char *model_name(const char *dir)
{
	const char *slash = strrchr(dir, '/');

	return slash ? slash + 1 : dir;
}

static const struct tolerance *tolerance_of(const char *name)
{
	const struct tolerance *t = tolerances;

	while (t->model && strcmp(t->model, name))
		t++;
	return t;
}

/* Where @got first differs from @want, or -1 */
static long differs(const struct golden *g, const struct aim_tensor *t,
		    const u8 *got, const u8 *want)
{
	const float *f = (const float *)got, *w = (const float *)want;
	size_t i;

	if (t->type != AIM_TYPE_F32) {
		for (i = 0; i < t->bytes; i++)
			if (got[i] != want[i])
				return (long)i;
		return -1;
	}
	for (i = 0; i < t->bytes / sizeof(float); i++)
		if (!(fabsf(f[i] - w[i]) <=
		      g->tol->atol + g->tol->rtol * fabsf(w[i])))
			return (long)i;
	return -1;
}

/* All outputs of a sample; prints what is wrong first. */
static bool sample_equal(const struct golden *g, const struct model *m,
			 const u8 *got, const u8 *want, const char *what)
{
	size_t at = 0;
	u32 i;

	for (i = 0; i < m->view.header->nr_outputs; i++) {
		const struct aim_tensor *t = model_io(m, true, i);
		long bad = differs(g, t, got + at, want + at);

		if (bad >= 0) {
			printf("    %s: output %u '%s', element %ld of %zu: ",
			       what, i, aim_str(&m->view, t->name), bad,
			       (size_t)t->bytes);
			if (t->type == AIM_TYPE_F32)
				printf("%g, not %g\n",
				       ((const float *)(got + at))[bad],
				       ((const float *)(want + at))[bad]);
			else
				printf("%d, not %d\n", (s8)got[at + (size_t)bad],
				       (s8)want[at + (size_t)bad]);
			return false;
		}
		at += t->bytes;
	}
	return true;
}

/*
 * Samples of the scalar unit on the largest models take a while under the
 * sanitizers, all units do under emulation; the budget is in multiply-adds for
 * each set.
 */
static size_t samples_to_run(const struct model *m, const struct eng_isa *isa,
			     size_t samples)
{
	const char *limit = getenv("GOLDEN_MACS");
	u64 most = limit ? strtoull(limit, NULL, 0) :
		strcmp(eng_isa_name(isa), "scalar") ? ~0ULL : 1200000000ULL;
	u64 macs = m->view.header->macs ? m->view.header->macs : 1;

	if (getenv("GOLDEN_ALL") || most / macs >= samples)
		return samples;
	return most / macs ? most / macs : 1;
}

static void run_set(struct golden *g, const struct eng_isa *isa,
		    const char *inputs, const char *outputs)
{
	struct blob in = blob_read_in(g->dir, inputs);
	struct blob want = blob_read_in(g->dir, outputs);
	struct eng_program *prog;
	size_t i, samples, wrong = 0;
	u8 *got;

	if (!in.data || !want.data)
		goto out;
	samples = in.bytes / g->m.in_bytes;
	if (in.bytes % g->m.in_bytes || want.bytes != samples * g->m.out_bytes)
		fail_msg("%s: sizes of %s and %s do not fit the model", g->name,
			 inputs, outputs);
	samples = samples_to_run(&g->m, isa, samples);
	prog = model_compile(&g->m, isa);
	assert_non_null(prog);
	got = malloc(g->m.out_bytes);
	assert_non_null(got);
	for (i = 0; i < samples; i++) {
		model_run(&g->m, prog, in.data + i * g->m.in_bytes, got, 0);
		if (!sample_equal(g, &g->m, got,
				  want.data + i * g->m.out_bytes, inputs))
			wrong++;
	}
	free(got);
	eng_free(prog);
	g->sets++;
	g->wrong += wrong != 0;
	printf("  %-12s %-18s %3zu of %3zu samples equal\n", eng_isa_name(isa),
	       inputs, samples - wrong, samples);
out:
	free(in.data);
	free(want.data);
}

/* Records of layers_sample0.bin, with their data in front of each other. */
struct record {
	s32 op, tensor, type, bytes;
};

static u8 *join_layers(const struct golden *g, const struct model *m,
		       struct blob dump)
{
	u8 *want = malloc(m->out_bytes);
	size_t at = 0, to = 0;
	struct record r;
	u32 i = 0;

	assert_non_null(want);
	while (at + sizeof(r) <= dump.bytes) {
		memcpy(&r, dump.data + at, sizeof(r));
		at += sizeof(r);
		if (i >= m->view.header->nr_outputs ||
		    (size_t)r.bytes != model_io(m, true, i)->bytes ||
		    (size_t)r.bytes > dump.bytes - at)
			fail_msg("%s: layer %u is no output of the model kept whole",
				 g->name, i);
		memcpy(want + to, dump.data + at, (size_t)r.bytes);
		to += (size_t)r.bytes;
		at += (size_t)r.bytes;
		i++;
	}
	assert_int_equal(to, m->out_bytes);
	return want;
}

static void run_layers(struct golden *g, const struct eng_isa *isa)
{
	struct blob dump = blob_read_in(g->dir, "layers_sample0.bin");
	struct blob in = blob_read_in(g->dir, "inputs.bin");
	char path[4096], reason[512];
	struct eng_program *prog;
	struct model m;
	u8 *want, *got;

	if (!dump.data || !in.data)
		goto out;
	snprintf(path, sizeof(path), "%s/model.tflite", g->dir);
	if (model_convert(path, true, &m, reason, sizeof(reason)))
		fail_msg("%s, kept whole: %s", g->name, reason);
	want = join_layers(g, &m, dump);
	got = malloc(m.out_bytes);
	prog = model_compile(&m, isa);
	assert_non_null(prog);
	model_run(&m, prog, in.data, got, 0);
	g->sets++;
	if (sample_equal(g, &m, got, want, "layers"))
		printf("  %-12s %u layers equal\n", eng_isa_name(isa),
		       m.view.header->nr_outputs);
	else
		g->wrong++;
	eng_free(prog);
	free(want);
	free(got);
	model_close(&m);
out:
	free(dump.data);
	free(in.data);
}

/* However a sample is cut into steps, its result is the same. */
static void run_chopped(struct golden *g, const struct eng_isa *isa)
{
	static const u64 budgets[] = { 1, 1000, 123457, ~0ULL };
	struct eng_program *prog = model_compile(&g->m, isa);
	struct blob in = blob_read_in(g->dir, "inputs.bin");
	u8 *want = malloc(g->m.out_bytes), *got = malloc(g->m.out_bytes);
	size_t i;

	assert_non_null(prog);
	if (!in.data)
		in = blob_read_in(g->dir, "inputs_noise.bin");
	if (in.data && g->m.view.header->macs < 20000000) {
		model_run(&g->m, prog, in.data, want, 0);
		for (i = 0; i < sizeof(budgets) / sizeof(budgets[0]); i++) {
			model_run(&g->m, prog, in.data, got, budgets[i]);
			assert_memory_equal(got, want, g->m.out_bytes);
		}
	}
	free(in.data);
	free(want);
	free(got);
	eng_free(prog);
}

static void on_isa(const struct eng_isa *isa, void *arg)
{
	struct golden *g = arg;

	run_set(g, isa, "inputs.bin", "outputs.bin");
	run_set(g, isa, "inputs_noise.bin", "outputs_noise.bin");
	run_layers(g, isa);
	run_chopped(g, isa);
}

static void run_dir(const char *dir)
{
	struct golden g = {
		.name = model_name(dir),
		.tol = tolerance_of(model_name(dir)),
	};
	char path[4096], reason[512];
	size_t i;
	int err;

	for (i = 0; i < sizeof(out_of_scope) / sizeof(out_of_scope[0]); i++)
		if (!strcmp(g.name, out_of_scope[i]))
			return;
	snprintf(g.dir, sizeof(g.dir), "%s", dir);
	snprintf(path, sizeof(path), "%s/model.tflite", dir);
	err = model_convert(path, false, &g.m, reason, sizeof(reason));
	if (err == -ENOENT)
		return;
	printf("%s: %u operators\n", g.name, err ? 0 : g.m.view.nr_ops);
	total_models++;
	if (err) {
		printf("    does not convert: %s\n", reason);
		total_wrong++;
		return;
	}
	model_each_isa(on_isa, &g);
	model_close(&g.m);
	total_wrong += g.wrong;
	total_sets += g.sets;
	fflush(stdout);
}

/* Every folder below @root, in order of name. */
static bool run_tree(const char *root, const char *only)
{
	struct dirent **names;
	char path[2048];
	int i, n = scandir(root, &names, NULL, alphasort);

	if (n < 0)
		return false;
	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", root, names[i]->d_name);
		if (names[i]->d_name[0] != '.' &&
		    (!only || !strcmp(only, names[i]->d_name)))
			run_dir(path);
		free(names[i]);
	}
	free(names);
	return true;
}

static const char *only_model;

static void golden(void **state)
{
	const char *shared = getenv("AIOFFLOAD_SHARED");
	const char *top = getenv("AIOFFLOAD_TOP");
	char path[1024];

	snprintf(path, sizeof(path), "%s/models", shared ? shared : "../shared");
	if (!run_tree(path, only_model)) {
		printf("%s is not there: only what the project keeps itself\n",
		       path);
		snprintf(path, sizeof(path), "%s/tests/data/models", top ? top : "../..");
		if (!run_tree(path, only_model)) {
			printf("nor is %s: nothing to compare with\n", path);
			skip();
		}
	}
	printf("%u models, %u sets, %u wrong\n", total_models, total_sets,
	       total_wrong);
	assert_true(total_models > 0);
	assert_int_equal(total_wrong, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(golden) };

	if (argc > 1)
		only_model = argv[1];
	if (argc > 2)
		setenv("UNIT_ISA", argv[2], 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
