// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The engine at native speed: the same files as in aioffload_cpu.ko, with the
 * same flags and step by step with the same budget, but in user space.
 *
 *   compute ISA MODEL.aim [INPUTS OUTPUTS]	serve rounds, see compute_rounds.h
 *   compute ISA MODEL.aim --profile		time of each task
 *   compute ISA --peak				multiply-adds per ns, at most
 *
 * With INPUTS and OUTPUTS the first sample is run and compared first: "equal",
 * "differs" or, for floating point, the largest difference.
 */
#include <math.h>
#include "compute_peak.h"
#include "compute_rounds.h"
#include "../unit/kernels_common.h"
#include "../unit/model_run.h"
#include "program.h"

struct job {
	struct model m;
	struct eng_program *prog;
	const void *inputs[AIM_MAX_IO];
	void *outputs[AIM_MAX_IO];
	void *arena;
	u8 *in, *out;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "compute: %s: %s\n", what, why);
	exit(1);
}

static const struct eng_isa *isa_of(const char *name)
{
	struct eng_cpu cpu = this_cpu();
	const struct eng_isa *isa = eng_isa_by_name(name, &cpu);

	if (!strcmp(name, "best"))
		isa = eng_isa_best(&cpu);
	if (!isa)
		die(name, "this CPU has no such vector unit");
	return isa;
}

static void job_open(struct job *j, const char *isa, const char *path)
{
	char why[512];
	size_t at = 0;
	u32 i;

	if (model_open(blob_read(path), &j->m, why, sizeof(why)))
		die(path, why);
	j->prog = model_compile(&j->m, isa_of(isa));
	if (!j->prog)
		die(path, "does not compile");
	j->arena = exact64(eng_arena_bytes(j->prog));
	j->in = exact64(j->m.in_bytes);
	j->out = exact64(j->m.out_bytes);
	for (i = 0; i < j->m.in_bytes; i++)
		j->in[i] = (u8)(i * 37 % 64);
	for (i = 0; i < j->m.view.header->nr_inputs; i++) {
		j->inputs[i] = j->in + at;
		at += model_io(&j->m, false, i)->bytes;
	}
	for (i = 0, at = 0; i < j->m.view.header->nr_outputs; i++) {
		j->outputs[i] = j->out + at;
		at += model_io(&j->m, true, i)->bytes;
	}
}

static void infer(void *arg)
{
	struct job *j = arg;
	struct eng_cursor at = { 0 };

	while (!eng_step(j->prog, j->inputs, j->outputs, j->arena, &at,
			 eng_budget(j->prog)))
		;
}

static void check(struct job *j, const char *inputs, const char *outputs)
{
	struct blob in = blob_read(inputs), out = blob_read(outputs);
	double worst = 0;
	size_t i;

	if (in.bytes < j->m.in_bytes || out.bytes < j->m.out_bytes)
		die(inputs, "too short");
	memcpy(j->in, in.data, j->m.in_bytes);
	infer(j);
	if (!memcmp(j->out, out.data, j->m.out_bytes)) {
		printf("equal\n");
	} else if (model_io(&j->m, true, 0)->type != AIM_TYPE_F32) {
		printf("differs\n");
	} else {
		for (i = 0; i < j->m.out_bytes / 4; i++)
			worst = fmax(worst, fabs(((float *)j->out)[i] -
						 ((float *)out.data)[i]));
		printf("%.2g\n", worst);
	}
	free(in.data);
	free(out.data);
}

struct piece {
	const struct eng_task *t;
	struct eng_run r;
};

static void run_piece(void *arg)
{
	struct piece *p = arg;
	u64 budget = 128 * 40000;
	u32 at = 0, n;

	while (at < p->t->units) {	/* tiles about as eng_step() cuts them */
		n = (u32)(budget / p->t->unit_cost);
		n -= n % p->t->granule;
		n = n < p->t->granule ? p->t->granule : n;
		if (n > p->t->units - at)
			n = p->t->units - at;
		p->t->run(p->t, &p->r, at, at + n);
		at += n;
	}
}

static void profile(struct job *j)
{
	struct piece p = { .r = { j->inputs, j->outputs, j->arena } };
	double total = 0;
	u32 i;

	infer(j);
	for (i = 0; i < j->prog->nr_tasks; i++) {
		const struct eng_task *t = &j->prog->tasks[i];
		const struct eng_conv *c = &t->p.conv.c;
		const struct aim_op *op = &j->m.view.ops[t->op];
		double best = 1e18;
		int round;

		p.t = t;
		for (round = 0; round < 100; round++)
			best = fmin(best, one_round(run_piece, &p, 0.1));
		total += best;
		printf("%3u %-10s %9.0f ns", i, aim_op_name(op->code), best);
		if (op->code >= AIM_OP_CONV2D && op->code <= AIM_OP_FC) {
			double macs = (double)c->batch * c->out_h * c->out_w *
				      c->out_c * c->kernel_h * c->kernel_w *
				      (op->code == AIM_OP_DEPTHWISE ? 1 : c->in_c);

			printf(" %6.1f MAC/ns  %ux%ux%u -> %ux%ux%u, %ux%u/%u",
			       macs / best, c->in_h, c->in_w, c->in_c,
			       c->out_h, c->out_w, c->out_c, c->kernel_h,
			       c->kernel_w, c->stride_h);
		}
		printf("\n");
	}
	printf("sum %.1f us\n", total / 1000);
}

int main(int argc, char **argv)
{
	struct job j = { 0 };

	if (argc == 3 && !strcmp(argv[2], "--peak")) {
		printf("%.1f\n", compute_peak(isa_of(argv[1])->name));
		return 0;
	}
	if (argc < 3) {
		fprintf(stderr, "usage: compute ISA MODEL.aim [INPUTS OUTPUTS | --profile]\n");
		return 2;
	}
	job_open(&j, argv[1], argv[2]);
	if (argc == 4 && !strcmp(argv[3], "--profile")) {
		profile(&j);
		return 0;
	}
	if (argc == 5)
		check(&j, argv[3], argv[4]);
	serve_rounds(infer, &j);
	return 0;
}
