// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Jobs for the audit tests: so many contexts, so many jobs in each, and a line
 * that says how many were done and how many failed.
 *
 *	jobs MODEL [-d DEVICE] [-c CONTEXTS] [-n JOBS] [-q DEPTH] [-t MS]
 *		[-u] [-s] [-b] [-l LOADS]
 *
 * -q 0 (the default): RUN, one by one; else a queue of that depth. -n 0: until
 * killed. -t: their budget. -u: unbind and bind again before each job. -s: say
 * "ready", then wait for a signal before the contexts are closed. -b: say how many
 * ns a job took. -l: no jobs, the model is only loaded, so often; what is counted
 * are these calls.
 */
#include <aioffload.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
	const char *model;
	uint32_t device;
	unsigned int contexts;
	uint64_t jobs;
	uint64_t timeout_ns;
	unsigned int depth;
	bool rebind;
	bool stay;
	bool bench;
	unsigned int loads;
} opt = { .device = AIOFFLOAD_DEVICE_ANY, .contexts = 1, .jobs = 1 };

static uint64_t done, failed;

struct client {
	struct aioffload_ctx *ctx;
	struct aioffload_model *model;
	struct aioffload_binding *binding;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void must(int ret, const char *what)
{
	if (ret >= 0)
		return;
	fprintf(stderr, "jobs: %s: %s\n", what, aioffload_last_error());
	exit(1);
}

static void count(int status)
{
	if (status)
		failed++;
	else
		done++;
}

static void only_load(void)
{
	struct aioffload_model *model;
	struct aioffload_ctx *ctx;

	must(aioffload_open(opt.device, &ctx), "open");
	for (unsigned int i = 0; i < opt.loads; i++) {
		int ret = aioffload_model_load_file(ctx, opt.model, &model);

		count(ret);
		if (!ret)
			aioffload_model_free(model);
	}
	aioffload_close(ctx);
	printf("done %" PRIu64 " failed %" PRIu64 "\n", done, failed);
}

static void client_open(struct client *c)
{
	must(aioffload_open(opt.device, &c->ctx), "open");
	must(aioffload_model_load_file(c->ctx, opt.model, &c->model), "load");
	must(aioffload_binding_create(c->ctx, c->model, 1, &c->binding), "bind");
}

static void client_close(struct client *c)
{
	aioffload_binding_free(c->binding);
	aioffload_model_free(c->model);
	aioffload_close(c->ctx);
}

static void one_by_one(struct client *c)
{
	uint64_t n;

	for (n = 0; n < opt.jobs || !opt.jobs; n++) {
		if (opt.rebind) {
			aioffload_binding_free(c->binding);
			must(aioffload_binding_create(c->ctx, c->model, 1,
						      &c->binding), "bind");
		}
		count(aioffload_run(c->ctx, aioffload_binding_slot(c->binding),
				    0, 1, opt.timeout_ns));
	}
}

static void reap(struct aioffload_queue *q, uint64_t *ended)
{
	const struct aioffload_cqe *cqe;

	while ((cqe = aioffload_peek_cqe(q))) {
		count(cqe->status);
		aioffload_cq_advance(q, 1);
		++*ended;
	}
}

static void by_queue(struct client *c)
{
	uint32_t slot = aioffload_binding_slot(c->binding);
	uint64_t begun = 0, ended = 0;
	struct aioffload_queue *q;
	struct aioffload_sqe *sqe;
	int ret;

	must(aioffload_queue_create(c->ctx, opt.depth, 0, &q), "queue");
	while (ended < opt.jobs || !opt.jobs) {
		while ((begun < opt.jobs || !opt.jobs) &&
		       begun - ended < opt.depth &&
		       (sqe = aioffload_get_sqe(q))) {
			aioffload_prep_run(sqe, slot, 0, 1, opt.timeout_ns,
					   begun);
			begun++;
		}
		ret = aioffload_submit_and_wait(q, 1, 0);
		if (ret < 0 && ret != -EBUSY && ret != -EINTR)
			must(ret, "submit");
		reap(q, &ended);
	}
	aioffload_queue_free(q);
}

static void stay(void)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	printf("ready\n");
	fflush(stdout);
	sigwait(&set, &sig);
}

static void parse(int argc, char **argv)
{
	int o;

	while ((o = getopt(argc, argv, "d:c:n:q:t:usbl:")) != -1) {
		switch (o) {
		case 'd':
			opt.device = (uint32_t)atoi(optarg);
			break;
		case 'c':
			opt.contexts = (unsigned int)atoi(optarg);
			break;
		case 'n':
			opt.jobs = strtoull(optarg, NULL, 10);
			break;
		case 'q':
			opt.depth = (unsigned int)atoi(optarg);
			break;
		case 't':
			opt.timeout_ns = strtoull(optarg, NULL, 10) * 1000000;
			break;
		case 'u':
			opt.rebind = true;
			break;
		case 'b':
			opt.bench = true;
			break;
		case 's':
			opt.stay = true;
			break;
		case 'l':
			opt.loads = (unsigned int)atoi(optarg);
			break;
		default:
			exit(2);
		}
	}
	if (optind != argc - 1 || !opt.contexts) {
		fprintf(stderr, "usage: jobs MODEL [OPTIONS]\n");
		exit(2);
	}
	opt.model = argv[optind];
}

int main(int argc, char **argv)
{
	struct client *clients;
	uint64_t begin, end;
	unsigned int i;

	parse(argc, argv);
	if (opt.loads) {
		only_load();
		return 0;
	}
	clients = calloc(opt.contexts, sizeof(*clients));
	if (!clients)
		return 1;
	for (i = 0; i < opt.contexts; i++)
		client_open(&clients[i]);
	begin = now_ns();
	for (i = 0; i < opt.contexts; i++) {
		if (opt.depth)
			by_queue(&clients[i]);
		else
			one_by_one(&clients[i]);
	}
	end = now_ns();
	if (opt.stay)
		stay();
	for (i = 0; i < opt.contexts; i++)
		client_close(&clients[i]);
	printf("done %" PRIu64 " failed %" PRIu64 "\n", done, failed);
	if (opt.bench)
		printf("ns %.1f\n", (double)(end - begin) / (double)(done + failed));
	free(clients);
	return 0;
}
