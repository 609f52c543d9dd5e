// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * aioffload bench: what a job costs here, side by side with a bare ioctl.
 * The cases take turns, round by round, so that slow phases of the machine hit
 * all of them; the best round of each counts.
 */
#include <aioffload.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "bench.h"
#include "sign.h"

#define MAX_CASES	8
#define BATCH		32U	/* depth of the deep queue */
#define MAX_ROUNDS	1000
/* A number that no version uses: the cost of getting in and out again. */
#define IOC_NONE	_IO(AIOFFLOAD_IOC_MAGIC, 0xff)

struct bench_args {
	struct subject of;
	const char *key;
	const char *cert;
	bool device_set;
	uint32_t device;
	uint32_t rounds;
	uint64_t round_ns;
};

static const struct argp_option options[] = {
	{ "device", 'd', "N", 0,
	  "Device to measure; default: the first of aioffload_null if it is "
	  "loaded, else any; a MODEL.aim: the first that is not virtual", 0 },
	{ "key", 'k', "KEY", 0,
	  "Private key to sign the command's own model with, where the policy demands it",
	  0 },
	{ "cert", 'c', "CERT", 0,
	  "Its certificate; default: KEY with the suffix .pem", 0 },
	{ "rounds", 'r', "N", 0, "Rounds of every case; default: 10", 0 },
	{ "round-time", 't', "MS", 0, "Length of a round; default: 20", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct bench_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->of;
		return 0;
	case 'd':
		args->device = cli_device(state, arg);
		args->device_set = true;
		return 0;
	case 'k':
		args->key = arg;
		return 0;
	case 'c':
		args->cert = arg;
		return 0;
	case 'r':
		args->rounds = (uint32_t)cli_number(state, "--rounds", arg, 1,
						    MAX_ROUNDS);
		return 0;
	case 't':
		args->round_ns = 1000000 * cli_number(state, "--round-time",
						      arg, 1, 10000);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[MODEL.aim]",
	.children = subject_json_child,
	.doc = "Measure what a job costs on this machine: a bare ioctl, a "
	       "synchronous run and queues on a model that does nothing; with "
	       "MODEL.aim also that model.\v"
	       "For the pure cost of dispatch: sudo modprobe aioffload_null.",
};

/* A device with a bound model and a queue. */
struct target {
	struct aioffload_ctx *ctx;
	struct aioffload_model *model;
	struct aioffload_binding *binding;
	struct aioffload_queue *queue;
	uint32_t slot;
	uint32_t device;
};

struct bench_case {
	const char *name;
	const char *what;
	struct target *target;
	/* at least @n operations; the number done, or -errno */
	int64_t (*run)(struct target *t, uint64_t n);
	uint64_t n;		/* operations a round */
	double rounds[MAX_ROUNDS];	/* ns per operation */
};

static int64_t run_ioctl(struct target *t, uint64_t n)
{
	int fd = aioffload_ctx_fd(t->ctx);
	uint64_t i;

	for (i = 0; i < n; i++)
		if (ioctl(fd, IOC_NONE, NULL) >= 0 || errno != ENOTTY)
			return -EPROTO;
	return (int64_t)n;
}

static int64_t run_sync(struct target *t, uint64_t n)
{
	uint64_t i;
	int ret;

	for (i = 0; i < n; i++) {
		ret = aioffload_run(t->ctx, t->slot, 0, 1, 0);
		if (ret)
			return ret;
	}
	return (int64_t)n;
}

/* @depth entries in one call, all awaited, all reaped. */
static int queue_batch(struct target *t, uint32_t depth, bool nop)
{
	struct aioffload_sqe *sqe;
	uint32_t i;
	int ret;

	for (i = 0; i < depth; i++) {
		sqe = aioffload_get_sqe(t->queue);
		if (!sqe)
			return -EBUSY;
		if (nop)
			aioffload_prep_nop(sqe, i);
		else
			aioffload_prep_run(sqe, t->slot, i, 1, 0, i);
	}
	ret = aioffload_submit_and_wait(t->queue, depth, 0);
	if (ret < 0)
		return ret;
	if ((uint32_t)ret != depth || aioffload_cq_ready(t->queue) != depth)
		return -EPROTO;
	for (i = 0; i < depth; i++)
		if (aioffload_cqe_at(t->queue, i)->status)
			return aioffload_cqe_at(t->queue, i)->status;
	aioffload_cq_advance(t->queue, depth);
	return 0;
}

static int64_t run_queue(struct target *t, uint64_t n, uint32_t depth, bool nop)
{
	uint64_t done;
	int ret;

	for (done = 0; done < n; done += depth) {
		ret = queue_batch(t, depth, nop);
		if (ret)
			return ret;
	}
	return (int64_t)done;
}

static int64_t run_queue_1(struct target *t, uint64_t n)
{
	return run_queue(t, n, 1, false);
}

static int64_t run_queue_32(struct target *t, uint64_t n)
{
	return run_queue(t, n, BATCH, false);
}

static int64_t run_nop_32(struct target *t, uint64_t n)
{
	return run_queue(t, n, BATCH, true);
}

/*
 * The first device that is of aioffload_null (@null), or the first that is
 * not virtual. DEVICE_ANY if there is none.
 */
static uint32_t pick_device(bool null)
{
	struct aioffload_device_info dev;
	uint32_t found = AIOFFLOAD_DEVICE_ANY, from = 0;
	struct aioffload_ctx *ctx;

	if (aioffload_open(AIOFFLOAD_DEVICE_ANY, &ctx))
		return found;
	while (found == AIOFFLOAD_DEVICE_ANY &&
	       !aioffload_get_device(ctx, from, &dev)) {
		if (null ? !strcmp(dev.driver, "aioffload_null") :
			   dev.dev_class != AIOFFLOAD_CLASS_VIRTUAL)
			found = dev.id;
		if (dev.id < from || dev.id == UINT32_MAX)
			break;
		from = dev.id + 1;
	}
	aioffload_close(ctx);
	return found;
}

static void target_close(struct target *t)
{
	aioffload_queue_free(t->queue);
	aioffload_binding_free(t->binding);
	aioffload_model_free(t->model);
	aioffload_close(t->ctx);
	memset(t, 0, sizeof(*t));
}

/*
 * The command makes its own model, so nobody has signed it: the caller's key
 * does, if one is given.
 */
static int load_tiny(struct target *t, const struct bench_args *args)
{
	_Alignas(64) unsigned char tiny[TINY_MODEL_ROOM];
	struct sealed sealed = { 0 };
	size_t bytes = tiny_model(tiny);
	int ret;

	if (args->key) {
		ret = sign_bytes(tiny, bytes, "aioffload-bench", args->key,
				 args->cert, &sealed);
		if (ret)
			return ret;
	}
	ret = aioffload_model_load(t->ctx, args->key ? sealed.data : tiny,
				   args->key ? sealed.bytes : bytes, &t->model);
	seal_free(&sealed);
	if (ret == -EKEYREJECTED && !args->key)
		return cli_error(CLI_REFUSED, "only signed models are admitted here: aioffload bench --key KEY, with a key that this machine trusts, signs the one that is measured");
	return ret ? cli_lib_error(ret) : CLI_OK;
}

/* @path NULL: the tiny model. */
static int target_open(struct target *t, uint32_t device, const char *path,
		       const struct bench_args *args)
{
	int ret;

	t->device = device;
	ret = aioffload_open(device, &t->ctx);
	if (ret)
		return cli_lib_error(ret);
	if (path) {
		ret = aioffload_model_load_file(t->ctx, path, &t->model);
	} else {
		ret = load_tiny(t, args);
		if (ret)
			return ret;
	}
	if (!ret)
		ret = aioffload_binding_create(t->ctx, t->model, BATCH,
					       &t->binding);
	if (!ret)
		ret = aioffload_queue_create(t->ctx, BATCH, 2 * BATCH,
					     &t->queue);
	if (ret)
		return cli_lib_error(ret);
	t->slot = aioffload_binding_slot(t->binding);
	return CLI_OK;
}

static int case_failed(const struct bench_case *c, int64_t err)
{
	return cli_error(CLI_FAILED, "bench %s: %s", c->name,
			 aioffload_strerror((int)err));
}

/* Find how many operations fill a round; this also warms everything up. */
static int calibrate(struct bench_case *c, uint64_t round_ns)
{
	uint64_t start, spent;
	int64_t done;

	for (c->n = 1;; c->n *= 2) {
		start = now_ns();
		done = c->run(c->target, c->n);
		if (done < 0)
			return case_failed(c, done);
		spent = now_ns() - start;
		if (spent >= round_ns || c->n >= 1U << 30)
			return CLI_OK;
	}
}

static int measure(struct bench_case *cases, unsigned int nr,
		   const struct bench_args *args)
{
	struct progress progress;
	uint32_t round;
	unsigned int i;
	uint64_t start;
	int64_t done;
	int ret;

	for (i = 0; i < nr; i++) {
		ret = calibrate(&cases[i], args->round_ns);
		if (ret)
			return ret;
	}
	progress_start(&progress, "rounds");
	for (round = 0; round < args->rounds; round++) {
		for (i = 0; i < nr; i++) {
			start = now_ns();
			done = cases[i].run(cases[i].target, cases[i].n);
			if (done < 0) {
				progress_end(&progress);
				return case_failed(&cases[i], done);
			}
			cases[i].rounds[round] =
				(double)(now_ns() - start) / (double)done;
		}
		progress_show(&progress, round + 1, args->rounds);
	}
	progress_end(&progress);
	return CLI_OK;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void device_name(const struct bench_case *c, char *buf, size_t len)
{
	if (c->target->device == AIOFFLOAD_DEVICE_ANY)
		snprintf(buf, len, "any");
	else
		snprintf(buf, len, "aioffload%u", c->target->device);
}

static int report(struct bench_case *cases, unsigned int nr,
		  const struct bench_args *args)
{
	struct json_object *top = NULL, *array = NULL, *obj;
	char best[CLI_NUM_LEN], median[CLI_NUM_LEN], device[32];
	const struct bench_case *c;
	unsigned int i;
	double mid;

	if (args->of.json) {
		top = json_object_new_object();
		array = json_object_new_array();
		json_u64(top, "rounds", args->rounds);
		json_object_object_add(top, "cases", array);
	} else {
		printf("%-14s %-12s %12s %12s %8s  %s\n", "CASE", "DEVICE",
		       "BEST", "MEDIAN", "x IOCTL", "WHAT");
	}
	for (i = 0; i < nr; i++) {
		c = &cases[i];
		qsort(cases[i].rounds, args->rounds, sizeof(double), by_value);
		mid = c->rounds[args->rounds / 2];
		device_name(c, device, sizeof(device));
		if (!args->of.json) {
			printf("%-14s %-12s %12s %12s %8.2f  %s\n", c->name,
			       device, text_ns(c->rounds[0], best),
			       text_ns(mid, median),
			       c->rounds[0] / cases[0].rounds[0], c->what);
			continue;
		}
		obj = json_object_new_object();
		json_str(obj, "name", c->name);
		json_str(obj, "device", device);
		json_str(obj, "what", c->what);
		json_dbl(obj, "best_ns", c->rounds[0]);
		json_dbl(obj, "median_ns", mid);
		json_dbl(obj, "times_ioctl", c->rounds[0] / cases[0].rounds[0]);
		json_u64(obj, "operations_per_round", c->n);
		json_object_array_add(array, obj);
	}
	return args->of.json ? json_print(top) : CLI_OK;
}

static unsigned int add_case(struct bench_case *cases, unsigned int nr,
			     struct target *t, const char *name,
			     const char *what,
			     int64_t (*run)(struct target *t, uint64_t n))
{
	cases[nr].name = name;
	cases[nr].what = what;
	cases[nr].target = t;
	cases[nr].run = run;
	return nr + 1;
}

static int bench(const struct bench_args *args, struct bench_case *cases)
{
	struct target null = { 0 }, model = { 0 };
	unsigned int n = 0;
	int ret;

	ret = target_open(&null, args->device_set ? args->device :
			  pick_device(true), NULL, args);
	if (!ret && args->of.name)
		ret = target_open(&model, args->device_set ? args->device :
				  pick_device(false), args->of.name, args);
	if (ret)
		goto out;
	n = add_case(cases, n, &null, "ioctl", "a bare ioctl, refused at once",
		     run_ioctl);
	n = add_case(cases, n, &null, "run", "synchronous run of an empty model",
		     run_sync);
	n = add_case(cases, n, &null, "queue-1", "queue, one job at a time",
		     run_queue_1);
	n = add_case(cases, n, &null, "queue-32", "queue, 32 jobs a call, per job",
		     run_queue_32);
	n = add_case(cases, n, &null, "nop-32", "rings alone, 32 a call, per entry",
		     run_nop_32);
	if (args->of.name) {
		n = add_case(cases, n, &model, "model-run",
			     "synchronous run of MODEL.aim", run_sync);
		n = add_case(cases, n, &model, "model-queue-32",
			     "MODEL.aim, 32 jobs a call, per job", run_queue_32);
	}
	ret = measure(cases, n, args);
	if (!ret)
		ret = report(cases, n, args);
out:
	target_close(&model);
	target_close(&null);
	return ret;
}

int cmd_bench(int argc, char **argv)
{
	struct bench_args args = {
		.of = { .what = "model", .optional = true },
		.rounds = 10, .round_ns = 20000000,
	};
	struct bench_case *cases;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	cases = calloc(MAX_CASES, sizeof(*cases));
	if (!cases)
		return cli_error(CLI_FAILED, "out of memory");
	ret = bench(&args, cases);
	free(cases);
	return ret;
}
