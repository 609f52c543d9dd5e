// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Converter and engine together against the reference kernels, on hundreds of
 * small random networks: see tests/data/convert/README. Integers byte for byte,
 * floats within a tolerance, on every vector unit this CPU has.
 *
 *	test_convert_nets		all
 *	test_convert_nets SEED		one, and where it differs
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <aim_convert.h>
#include "model_run.h"
#include "unit.h"

struct net {
	u32 model_bytes, in_bytes, out_bytes, seed;
	const u8 *model, *in, *out;
};

static struct blob nets;
static long only = -1;

static bool next_net(size_t *at, struct net *n)
{
	size_t all;

	if (nets.bytes - *at < 16)
		return false;
	memcpy(n, nets.data + *at, 16);
	all = 16 + (size_t)n->model_bytes + n->in_bytes + n->out_bytes;
	if (nets.bytes - *at < all)
		fail_msg("nets.bin ends within a network");
	n->model = nets.data + *at + 16;
	n->in = n->model + n->model_bytes;
	n->out = n->in + n->in_bytes;
	*at += all;
	return true;
}

static int load_nets(void **state)
{
	char path[4096];
	const char *top = getenv("AIOFFLOAD_TOP");

	snprintf(path, sizeof(path), "%s/tests/data/convert/nets.bin",
		 top ? top : ".");
	nets = blob_read(path);
	if (!nets.data)
		fprintf(stderr, "can't read %s\n", path);
	return nets.data ? 0 : -1;
}

static int free_nets(void **state)
{
	free(nets.data);
	return 0;
}

static void convert_net(const struct net *n, bool keep_all, struct model *m)
{
	struct aim_convert_options opt = { .keep_all = keep_all, .name = "net" };
	char reason[AIM_CONVERT_REASON_LEN];
	struct blob file;
	void *out;

	if (aim_convert_tflite(n->model, n->model_bytes, &opt, &out, &file.bytes,
			       reason, sizeof(reason)))
		fail_msg("net %u: %s", n->seed, reason);
	file.data = out;
	if (model_open(file, m, reason, sizeof(reason)))
		fail_msg("net %u: %s", n->seed, reason);
}

static bool float_close(const u8 *got, const u8 *want)
{
	float g, w;

	memcpy(&g, got, 4);
	memcpy(&w, want, 4);
	return fabsf(g - w) <= 1e-5f + 1e-4f * fabsf(w);
}

/* Index of the first output that differs, or -1. */
static int first_wrong(const struct model *m, const u8 *got, const u8 *want)
{
	u32 i;
	u64 k;

	for (i = 0; i < m->view.header->nr_outputs; i++) {
		const struct aim_tensor *t = model_io(m, true, i);

		if (t->type == AIM_TYPE_F32) {
			for (k = 0; k < t->bytes; k += 4)
				if (!float_close(got + k, want + k))
					return (int)i;
		} else if (memcmp(got, want, t->bytes)) {
			return (int)i;
		}
		got += t->bytes;
		want += t->bytes;
	}
	return -1;
}

struct run {
	const struct net *n;
	struct model m;
};

static void run_on(const struct eng_isa *isa, void *arg)
{
	struct run *r = arg;
	struct eng_program *prog = model_compile(&r->m, isa);
	u8 *out = malloc(r->m.out_bytes);
	int wrong;

	assert_non_null(prog);
	assert_non_null(out);
	model_run(&r->m, prog, r->n->in, out, 0);
	wrong = first_wrong(&r->m, out, r->n->out);
	if (wrong >= 0)
		fail_msg("net %u on %s: output %d differs", r->n->seed,
			 eng_isa_name(isa), wrong);
	free(out);
	eng_free(prog);
}

static void test_nets(void **state)
{
	size_t at = 0;
	struct net n;
	u32 ran = 0;

	while (next_net(&at, &n)) {
		struct run r = { .n = &n };

		if (only >= 0 && n.seed != (u32)only)
			continue;
		convert_net(&n, false, &r.m);
		assert_int_equal(r.m.in_bytes, n.in_bytes);
		assert_int_equal(r.m.out_bytes, n.out_bytes);
		model_each_isa(run_on, &r);
		model_close(&r.m);
		ran++;
	}
	printf("%u networks\n", ran);
	assert_true(ran > 0);
}

/* The same file comes out each time, and its name is in it. */
static void test_deterministic(void **state)
{
	size_t at = 0;
	struct net n;

	while (next_net(&at, &n)) {
		struct model a, b;

		convert_net(&n, false, &a);
		convert_net(&n, false, &b);
		assert_int_equal(a.file.bytes, b.file.bytes);
		assert_memory_equal(a.file.data, b.file.data, a.file.bytes);
		assert_memory_equal(aim_str(&a.view, a.view.header->name), "net", 4);
		model_close(&a);
		model_close(&b);
	}
}

/* With keep_all there is an output for each result, in operator order. */
static void test_keep_all(void **state)
{
	size_t at = 0;
	struct net n;

	while (next_net(&at, &n)) {
		struct model all, some;

		convert_net(&n, false, &some);
		convert_net(&n, true, &all);
		assert_true(all.view.header->nr_outputs >=
			    some.view.header->nr_outputs);
		assert_int_equal(all.in_bytes, some.in_bytes);
		model_close(&all);
		model_close(&some);
	}
}

/* A file cut off anywhere is refused with a sentence, or is whole enough. */
static void test_truncated(void **state)
{
	char reason[AIM_CONVERT_REASON_LEN];
	size_t at = 0, len, out_bytes;
	struct net n;
	u32 nr = 0;

	while (next_net(&at, &n) && nr++ < 40) {
		for (len = 0; len < n.model_bytes; len += 1 + len / 64) {
			u8 *copy = malloc(len ? len : 1);
			void *out;
			int err;

			assert_non_null(copy);
			memcpy(copy, n.model, len);
			err = aim_convert_tflite(copy, len, NULL, &out,
						 &out_bytes, reason,
						 sizeof(reason));
			assert_true(!err == !reason[0]);
			assert_true(!err == !!out);
			free(out);
			free(copy);
		}
	}
}

/* Whatever bytes say, nothing worse than a sentence comes of them. */
static void test_flipped(void **state)
{
	char reason[AIM_CONVERT_REASON_LEN];
	size_t at = 0, out_bytes, i;
	unsigned int seed = 1;
	struct net n;

	while (next_net(&at, &n)) {
		u8 *copy = malloc(n.model_bytes);

		assert_non_null(copy);
		for (i = 0; i < 60; i++) {
			void *out;
			int err, k;

			memcpy(copy, n.model, n.model_bytes);
			for (k = 0; k < 3; k++) {
				seed = seed * 1664525 + 1013904223;
				copy[(seed >> 4) % n.model_bytes] ^=
					(u8)(1U << (seed >> 29));
			}
			err = aim_convert_tflite(copy, n.model_bytes, NULL, &out,
						 &out_bytes, reason,
						 sizeof(reason));
			assert_true(!err == !reason[0]);
			free(out);
		}
		free(copy);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nets),
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_keep_all),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_flipped),
	};

	if (argc > 1)
		only = strtol(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, load_nets, free_nets);
}
