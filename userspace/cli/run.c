// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * aioffload run: a model on raw tensors. The file is worked through in chunks
 * that fit one binding; tensors are read into and written from the dma-buf in
 * place.
 */
#include <aioffload.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "job.h"

#define CHUNK_BYTES	(16U << 20)	/* of inputs and outputs together */
#define CHUNK_SAMPLES	65536U

enum { MODE_SYNC, MODE_QUEUE };

struct run_args {
	struct subject of;
	const char *input;
	const char *output;
	uint32_t device;
	int mode;
	uint32_t depth;
	uint32_t batch;
	uint32_t repeat;
	uint64_t timeout_ns;
	struct aioffload_queue_create queue;	/* class, hint, deadline, runtime */
};

static const struct argp_option options[] = {
	{ "input", 'i', "FILE", 0,
	  "Raw input samples, one after the other; '-': standard input", 0 },
	{ "output", 'o', "FILE", 0,
	  "Where raw outputs go; '-': standard output. Default: nowhere", 0 },
	{ "device", 'd', "N", 0,
	  "Device to run on; default: any, the kernel chooses", 0 },
	{ "mode", 'm', "sync|queue", 0,
	  "Run jobs one by one, or through a queue; default: sync", 0 },
	{ "depth", 'D', "N", 0, "Jobs in flight in queue mode; default: 8", 0 },
	{ "batch", 'b', "N", 0, "Samples per job; default: 1", 0 },
	{ "repeat", 'r', "N", 0, "Run every sample N times; default: 1", 0 },
	{ "timeout", 't', "MS", 0,
	  "Budget of a job in milliseconds; default: the kernel's", 0 },
	{ "class", 'c', "CLASS", 0,
	  "background, normal, interactive or realtime; queue mode only; "
	  "default: normal", 0 },
	{ "deadline", 'l', "MS", 0,
	  "With realtime: a job may take so long, and comes no more often", 0 },
	{ "runtime", 'R', "MS", 0,
	  "With realtime: device time of a job; default: half of its deadline", 0 },
	{ "hint", 'H', "HINT", 0,
	  "What jobs want most where there is a choice of devices: latency, "
	  "throughput, efficiency or keep-warm; queue mode only; "
	  "default: latency", 0 },
	{ 0 }
};

static void parse_mode(struct run_args *args, const char *arg,
		       struct argp_state *state)
{
	if (!strcmp(arg, "sync"))
		args->mode = MODE_SYNC;
	else if (!strcmp(arg, "queue"))
		args->mode = MODE_QUEUE;
	else
		argp_error(state, "--mode: '%s' is neither sync nor queue", arg);
}

/* The number up to @last that has this name, else @last + 1. */
static uint32_t number_of(const char *(*name)(uint32_t), uint32_t last,
			  const char *arg)
{
	uint32_t n = 0;

	while (n <= last && strcmp(arg, name(n)))
		n++;
	return n;
}

static void parse_class(struct run_args *args, const char *arg,
			struct argp_state *state)
{
	args->queue.qos = number_of(aioffload_qos_name, AIOFFLOAD_QOS_REALTIME,
				    arg);
	if (args->queue.qos > AIOFFLOAD_QOS_REALTIME)
		argp_error(state, "--class: '%s' is none of background, normal, interactive, realtime",
			   arg);
}

static void parse_hint(struct run_args *args, const char *arg,
		       struct argp_state *state)
{
	args->queue.hint = number_of(aioffload_hint_name,
				     AIOFFLOAD_HINT_KEEP_WARM, arg);
	if (args->queue.hint > AIOFFLOAD_HINT_KEEP_WARM)
		argp_error(state, "--hint: '%s' is none of latency, throughput, efficiency, keep-warm",
			   arg);
}

/* Do class, hint, mode and times go together? */
static void check_class(struct run_args *args, struct argp_state *state)
{
	struct aioffload_queue_create *q = &args->queue;
	bool rt = q->qos == AIOFFLOAD_QOS_REALTIME;

	if (q->hint && args->mode != MODE_QUEUE)
		argp_error(state, "--hint needs --mode queue: a synchronous run asks for latency");
	if (q->qos && args->mode != MODE_QUEUE)
		argp_error(state, "--class needs --mode queue: a synchronous run keeps its caller's scheduling");
	if (!rt && (q->period_ns || q->runtime_ns))
		argp_error(state, "--deadline and --runtime are for --class realtime");
	if (!rt)
		return;
	if (!q->period_ns)
		argp_error(state, "--class realtime needs --deadline");
	if (!q->runtime_ns)
		q->runtime_ns = q->period_ns / 2;
	if (q->runtime_ns > q->period_ns)
		argp_error(state, "--runtime is longer than --deadline");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->of;
		return 0;
	case 'i':
		args->input = arg;
		return 0;
	case 'o':
		args->output = arg;
		return 0;
	case 'd':
		args->device = cli_device(state, arg);
		return 0;
	case 'm':
		parse_mode(args, arg, state);
		return 0;
	case 'D':
		args->depth = (uint32_t)cli_number(state, "--depth", arg, 1,
						   RUNNER_MAX_DEPTH);
		return 0;
	case 'b':
		args->batch = (uint32_t)cli_number(state, "--batch", arg, 1,
						   CHUNK_SAMPLES);
		return 0;
	case 'r':
		args->repeat = (uint32_t)cli_number(state, "--repeat", arg, 1,
						    UINT32_MAX);
		return 0;
	case 't':
		args->timeout_ns = 1000000 * cli_number(state, "--timeout", arg,
							1, 86400000);
		return 0;
	case 'c':
		parse_class(args, arg, state);
		return 0;
	case 'H':
		parse_hint(args, arg, state);
		return 0;
	case 'l':
		args->queue.period_ns = 1000000 * cli_number(state, "--deadline",
							     arg, 1, 100000);
		return 0;
	case 'R':
		args->queue.runtime_ns = 1000000 * cli_number(state, "--runtime",
							      arg, 1, 100000);
		return 0;
	case ARGP_KEY_END:
		if (!args->input)
			argp_error(state, "--input is missing");
		check_class(args, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "MODEL.aim",
	.children = subject_json_child,
	.doc = "Run a model on every sample of a file.\v"
	       "A sample is the model's inputs one after the other, each a raw "
	       "array without padding; likewise the outputs. 'aioffload model "
	       "info MODEL.aim' says types and shapes. Latency is what the "
	       "caller sees, per job.",
};

/* One run of the command, from opening to the report. */
struct run {
	const struct run_args *args;
	struct aioffload_ctx *ctx;
	struct aioffload_model *model;
	struct aioffload_binding *binding;
	struct runner runner;
	bool runner_ready;
	struct out_file out;
	bool out_ready;
	int in_fd;
	uint64_t in_bytes;	/* 0: not known, a pipe */
	uint32_t chunk;		/* samples in the binding */
	struct iovec *iov;	/* for chunk samples of inputs or outputs */
	uint64_t samples;	/* done */
	uint64_t run_ns;	/* spent in running, without files */
};

static int open_input(struct run *r)
{
	const char *path = r->args->input;
	struct stat st;

	if (!strcmp(path, "-")) {
		r->in_fd = STDIN_FILENO;
	} else {
		r->in_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (r->in_fd < 0)
			return cli_error(CLI_FAILED, "can't open %s: %s", path,
					 strerror(errno));
	}
	if (fstat(r->in_fd, &st))
		return cli_error(CLI_FAILED, "%s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return cli_error(CLI_REFUSED, "%s is a directory", path);
	if (S_ISREG(st.st_mode)) {
		off_t at = lseek(r->in_fd, 0, SEEK_CUR);

		if (st.st_size <= at)
			return cli_error(CLI_REFUSED, "%s is empty: there is no sample to run",
					 path);
		r->in_bytes = (uint64_t)(st.st_size - at);
	}
	return CLI_OK;
}

static int wrong_length(const struct run *r, uint64_t whole, uint64_t rest)
{
	size_t sample = aioffload_model_sample_bytes(r->model,
						     AIOFFLOAD_DIR_INPUT);

	return cli_error(CLI_REFUSED, "%s is not a whole number of samples: a sample of this model has %zu bytes, the input has %" PRIu64 " samples and %" PRIu64 " bytes left over",
			 r->args->input, sample, whole, rest);
}

/* How many samples the binding holds. */
static int choose_chunk(struct run *r)
{
	size_t in = aioffload_model_sample_bytes(r->model, AIOFFLOAD_DIR_INPUT);
	size_t both = in + aioffload_model_sample_bytes(r->model,
							AIOFFLOAD_DIR_OUTPUT);
	uint64_t n = both ? CHUNK_BYTES / both : 0;
	struct aioffload_info info;
	int ret;

	if (!in)
		return cli_error(CLI_REFUSED, "%s has no input", r->args->of.name);
	if (r->in_bytes % in)
		return wrong_length(r, r->in_bytes / in, r->in_bytes % in);
	ret = aioffload_get_info(r->ctx, &info);
	if (ret)
		return cli_lib_error(ret);
	if (n > CHUNK_SAMPLES)
		n = CHUNK_SAMPLES;
	if (n < r->args->batch)
		n = r->args->batch;
	if (info.max_samples && n > info.max_samples)
		n = info.max_samples;
	if (info.max_buffer_bytes && n > info.max_buffer_bytes / both)
		n = info.max_buffer_bytes / both;
	if (r->in_bytes && n > r->in_bytes / in)
		n = r->in_bytes / in;
	r->chunk = n ? (uint32_t)n : 1;
	return CLI_OK;
}

/*
 * The null device takes any job and computes nothing. With all devices to
 * choose from the kernel may choose it: no result should come as a surprise.
 */
static void warn_of_null(struct aioffload_ctx *ctx)
{
	struct aioffload_device_info dev;
	uint32_t from = 0;

	while (!aioffload_get_device(ctx, from, &dev)) {
		if (!strcmp(dev.driver, "aioffload_null")) {
			cli_error(CLI_OK, "warning: %s computes nothing, and the kernel may choose it; name a device with --device",
				  dev.name);
			return;
		}
		if (dev.id < from || dev.id == UINT32_MAX)
			return;
		from = dev.id + 1;
	}
}

static int set_up(struct run *r)
{
	const struct aioffload_model_info *info;
	int ret;

	ret = aioffload_open(r->args->device, &r->ctx);
	if (!ret)
		ret = aioffload_model_load_file(r->ctx, r->args->of.name,
						&r->model);
	if (ret)
		return cli_lib_error(ret);
	if (r->args->device == AIOFFLOAD_DEVICE_ANY)
		warn_of_null(r->ctx);
	ret = choose_chunk(r);
	if (ret)
		return ret;
	info = aioffload_model_get_info(r->model);
	r->iov = calloc((size_t)r->chunk * (info->nr_inputs + info->nr_outputs),
			sizeof(*r->iov));
	if (!r->iov)
		return cli_error(CLI_FAILED, "out of memory");
	ret = aioffload_binding_create(r->ctx, r->model, r->chunk, &r->binding);
	if (ret) {
		int status = cli_lib_error(ret);

		/* the model is fine, what is missing is a device for it */
		return ret == -EOPNOTSUPP ? CLI_SETUP : status;
	}
	ret = runner_init(&r->runner, r->ctx,
			  r->args->mode == MODE_QUEUE ? r->args->depth : 0,
			  &r->args->queue);
	if (ret)
		return cli_lib_error(ret);
	r->runner_ready = true;
	r->runner.slot = aioffload_binding_slot(r->binding);
	r->runner.batch = r->args->batch;
	r->runner.timeout_ns = r->args->timeout_ns;
	if (r->args->output) {
		ret = out_open(&r->out, r->args->output);
		r->out_ready = !ret;
	}
	return ret;
}

/* The places of @n samples in file order, neighbours merged. */
static size_t gather(struct run *r, uint32_t dir, uint32_t n)
{
	const struct aioffload_model_tensor *t;
	struct iovec *last = NULL;
	uint32_t sample, i;
	size_t used = 0;
	char *at;

	for (sample = 0; sample < n; sample++) {
		for (i = 0; (t = aioffload_model_get_tensor(r->model, dir, i));
		     i++) {
			at = aioffload_binding_data(r->binding, dir, i, sample);
			if (last && (char *)last->iov_base + last->iov_len == at) {
				last->iov_len += t->bytes;
				continue;
			}
			last = &r->iov[used++];
			last->iov_base = at;
			last->iov_len = t->bytes;
		}
	}
	return used;
}

/* Read up to a chunk; *@n is 0 at the end. */
static int read_chunk(struct run *r, uint32_t *n)
{
	size_t sample = aioffload_model_sample_bytes(r->model,
						     AIOFFLOAD_DIR_INPUT);
	size_t nr_iov = gather(r, AIOFFLOAD_DIR_INPUT, r->chunk);
	int64_t got = readv_full(r->in_fd, r->iov, nr_iov);

	if (got < 0)
		return cli_error(CLI_FAILED, "can't read %s: %s",
				 r->args->input, strerror((int)-got));
	*n = (uint32_t)((uint64_t)got / sample);
	if ((uint64_t)got % sample)
		return wrong_length(r, r->samples + *n, (uint64_t)got % sample);
	if (!*n && !r->samples)
		return cli_error(CLI_REFUSED, "%s is empty: there is no sample to run",
				 r->args->input);
	return CLI_OK;
}

static int write_chunk(struct run *r, uint32_t n)
{
	size_t nr_iov = gather(r, AIOFFLOAD_DIR_OUTPUT, n);
	int64_t done = writev_full(r->out.fd, r->iov, nr_iov);

	if (done < 0)
		return cli_error(CLI_FAILED, "can't write %s: %s", r->out.path,
				 strerror((int)-done));
	return CLI_OK;
}

static int run_chunk(struct run *r, uint32_t n, struct progress *progress)
{
	size_t sample = aioffload_model_sample_bytes(r->model,
						     AIOFFLOAD_DIR_INPUT);
	uint64_t total = r->in_bytes / sample * r->args->repeat;
	uint64_t start = now_ns();
	uint32_t pass;
	int ret;

	for (pass = 0; pass < r->args->repeat; pass++) {
		ret = runner_pass(&r->runner, n);
		if (ret)
			return ret;
		progress_show(progress, r->samples * r->args->repeat +
			      (uint64_t)n * (pass + 1), total);
	}
	r->run_ns += now_ns() - start;
	return CLI_OK;
}

static int run_all(struct run *r)
{
	struct progress progress;
	uint32_t n = 0;
	int ret;

	progress_start(&progress, "samples");
	for (;;) {
		ret = read_chunk(r, &n);
		if (ret || !n)
			break;
		ret = run_chunk(r, n, &progress);
		if (!ret && r->args->output)
			ret = write_chunk(r, n);
		if (ret)
			break;
		r->samples += n;
	}
	progress_end(&progress);
	return ret;
}

static void device_text(const struct run *r, char *buf, size_t len)
{
	uint32_t id = r->args->device;

	if (id == AIOFFLOAD_DEVICE_ANY)
		id = r->runner.last_device;
	if (id == AIOFFLOAD_DEVICE_ANY)
		snprintf(buf, len, "any");
	else
		snprintf(buf, len, "aioffload%u", id);
}

static int report_json(struct run *r, const struct stats_summary *lat,
		       double rate)
{
	struct json_object *obj = json_object_new_object();
	struct stats_summary dev = stats_summarise(&r->runner.device_ns);
	char digest[TEXT_DIGEST_LEN], device[32];
	const struct aioffload_model_info *info =
		aioffload_model_get_info(r->model);

	device_text(r, device, sizeof(device));
	json_str(obj, "model", r->args->of.name);
	json_str(obj, "sha256", text_hex(info->digest, sizeof(info->digest),
					 digest));
	json_str(obj, "device", device);
	json_str(obj, "mode", r->args->mode == MODE_QUEUE ? "queue" : "sync");
	if (r->args->mode == MODE_QUEUE) {
		json_u64(obj, "depth", r->args->depth);
		json_str(obj, "class", aioffload_qos_name(r->args->queue.qos));
		json_str(obj, "hint", aioffload_hint_name(r->args->queue.hint));
	}
	json_u64(obj, "samples", r->samples);
	json_u64(obj, "repeat", r->args->repeat);
	json_u64(obj, "batch", r->args->batch);
	json_u64(obj, "jobs", lat->count);
	json_object_object_add(obj, "latency_ns", stats_json(lat));
	if (dev.count)
		json_object_object_add(obj, "device_ns", stats_json(&dev));
	json_dbl(obj, "samples_per_second", rate);
	return json_print(obj);
}

static int report(struct run *r)
{
	struct stats_summary lat = stats_summarise(&r->runner.latency);
	double runs = (double)r->samples * r->args->repeat;
	double rate = r->run_ns ? runs * 1e9 / (double)r->run_ns : 0;
	char min[CLI_NUM_LEN], med[CLI_NUM_LEN], p99[CLI_NUM_LEN];
	char max[CLI_NUM_LEN], num[CLI_NUM_LEN], device[32];
	/* standard output may be the tensors */
	FILE *to = r->args->output && !strcmp(r->args->output, "-") ?
		stderr : stdout;

	if (r->args->of.json)
		return report_json(r, &lat, rate);
	device_text(r, device, sizeof(device));
	fprintf(to, "%" PRIu64 " samples", r->samples);
	if (r->args->repeat > 1)
		fprintf(to, " x %u", r->args->repeat);
	fprintf(to, ", %" PRIu64 " jobs on %s, %s", lat.count, device,
		r->args->mode == MODE_QUEUE ? "queue" : "sync");
	if (r->args->mode == MODE_QUEUE)
		fprintf(to, " depth %u", r->args->depth);
	fprintf(to, "\nlatency: min %s, median %s, p99 %s, max %s; %s samples/s\n",
		text_ns((double)lat.min, min), text_ns((double)lat.median, med),
		text_ns((double)lat.p99, p99), text_ns((double)lat.max, max),
		text_count(rate, num));
	return CLI_OK;
}

static void tear_down(struct run *r)
{
	if (r->out_ready)
		out_abort(&r->out);
	if (r->runner_ready)
		runner_free(&r->runner);
	aioffload_binding_free(r->binding);
	aioffload_model_free(r->model);
	aioffload_close(r->ctx);
	free(r->iov);
	if (r->in_fd > STDIN_FILENO)
		close(r->in_fd);
}

/* What is wrong with the model file is said before any device is touched. */
static int check_model_file(const char *path)
{
	char head[8];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		return cli_error(CLI_FAILED, "can't open %s: %s", path,
				 strerror(errno));
	n = pread(fd, head, sizeof(head), 0);
	close(fd);
	if (n == (ssize_t)sizeof(head) && !memcmp(head + 4, "TFL3", 4))
		return cli_error(CLI_REFUSED, "%s is a TensorFlow Lite file; convert it first: aioffload model convert %s -o MODEL.aim",
				 path, path);
	return CLI_OK;
}

int cmd_run(int argc, char **argv)
{
	struct run_args args = {
		.of.what = "model",
		.device = AIOFFLOAD_DEVICE_ANY,
		.depth = 8,
		.batch = 1,
		.repeat = 1,
	};
	struct run r = { .args = &args, .in_fd = -1 };
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	if (args.of.json && args.output && !strcmp(args.output, "-"))
		return cli_error(CLI_USAGE, "--json and --output - both want standard output");
	ret = check_model_file(args.of.name);
	if (!ret)
		ret = open_input(&r);
	if (!ret)
		ret = set_up(&r);
	if (!ret)
		ret = run_all(&r);
	if (!ret && args.output)
		ret = out_commit(&r.out);
	if (!ret)
		ret = report(&r);
	tear_down(&r);
	return ret;
}
