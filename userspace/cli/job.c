// SPDX-License-Identifier: LGPL-2.1-or-later
/* Running many jobs of one binding, one by one or through a queue. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"

int runner_init(struct runner *r, struct aioffload_ctx *ctx, uint32_t depth,
		const struct aioffload_queue_create *queue)
{
	struct aioffload_queue_create arg = *queue;
	uint32_t i;
	int ret;

	memset(r, 0, sizeof(*r));
	r->ctx = ctx;
	r->batch = 1;
	r->depth = depth;
	r->last_device = AIOFFLOAD_DEVICE_ANY;
	stats_init(&r->latency);
	stats_init(&r->device_ns);
	if (!depth)
		return 0;
	r->starts = calloc(depth, sizeof(*r->starts));
	r->free = calloc(depth, sizeof(*r->free));
	if (!r->starts || !r->free) {
		runner_free(r);
		return -ENOMEM;
	}
	for (i = 0; i < depth; i++)
		r->free[i] = i;
	r->nr_free = depth;
	arg.size = sizeof(arg);
	arg.sq_entries = depth;
	ret = aioffload_queue_create_args(ctx, &arg, &r->queue);
	if (ret)
		runner_free(r);
	return ret;
}

void runner_free(struct runner *r)
{
	aioffload_queue_free(r->queue);
	free(r->starts);
	free(r->free);
	stats_free(&r->latency);
	stats_free(&r->device_ns);
	memset(r, 0, sizeof(*r));
}

static int job_failed(int err)
{
	if (err == -ENODEV)
		return cli_error(CLI_FAILED, "the device went away while a job ran (ENODEV); see: aioffload devices");
	if (err == -ETIME)
		return cli_error(CLI_FAILED, "a job did not end within its time (ETIME); allow more with --timeout");
	return cli_error(CLI_FAILED, "a job failed (%s): %s",
			 strerrorname_np(-err) ? strerrorname_np(-err) : "?",
			 aioffload_strerror(err));
}

static int add_latency(struct runner *r, uint64_t start)
{
	if (stats_add(&r->latency, now_ns() - start))
		return cli_error(CLI_FAILED, "out of memory");
	return CLI_OK;
}

static int pass_sync(struct runner *r, uint32_t samples)
{
	uint32_t first, count;
	uint64_t start;
	int ret;

	for (first = 0; first < samples; first += count) {
		count = samples - first < r->batch ? samples - first : r->batch;
		start = now_ns();
		ret = aioffload_run(r->ctx, r->slot, first, count,
				    r->timeout_ns);
		if (ret)
			return job_failed(ret);
		ret = add_latency(r, start);
		if (ret)
			return ret;
	}
	return CLI_OK;
}

/* Fill free places from sample *@first on. */
static void fill(struct runner *r, uint32_t *first, uint32_t samples)
{
	struct aioffload_sqe *sqe;
	uint32_t count, token;

	while (*first < samples && r->nr_free) {
		sqe = aioffload_get_sqe(r->queue);
		if (!sqe)
			return;
		token = r->free[--r->nr_free];
		count = samples - *first < r->batch ? samples - *first : r->batch;
		r->starts[token] = now_ns();
		aioffload_prep_run(sqe, r->slot, *first, count, r->timeout_ns,
				   token);
		*first += count;
	}
}

/* Take what is done. The first failure is kept in *@err. */
static int reap(struct runner *r, int *err)
{
	uint32_t i, n = aioffload_cq_ready(r->queue);
	const struct aioffload_cqe *cqe;
	int ret = CLI_OK;

	for (i = 0; i < n; i++) {
		cqe = aioffload_cqe_at(r->queue, i);
		if (cqe->user_data >= r->depth || r->nr_free >= r->depth)
			return cli_error(CLI_FAILED, "the kernel completed a job that was never submitted");
		r->free[r->nr_free++] = (uint32_t)cqe->user_data;
		if (cqe->status) {
			*err = *err ? *err : cqe->status;
			continue;
		}
		r->last_device = cqe->device;
		if (!ret)
			ret = add_latency(r, r->starts[cqe->user_data]);
		if (cqe->duration_ns && stats_add(&r->device_ns,
						  cqe->duration_ns))
			ret = cli_error(CLI_FAILED, "out of memory");
	}
	aioffload_cq_advance(r->queue, n);
	return ret;
}

static int pass_queue(struct runner *r, uint32_t samples)
{
	uint32_t first = 0;
	int err = 0, ret;

	while (first < samples || r->nr_free < r->depth) {
		if (err)
			first = samples;	/* start no more, await the rest */
		fill(r, &first, samples);
		if (r->nr_free == r->depth)
			break;
		ret = aioffload_submit_and_wait(r->queue, 1, 0);
		if (ret < 0 && ret != -EINTR && ret != -EBUSY)
			return job_failed(ret);
		ret = reap(r, &err);
		if (ret)
			return ret;
	}
	return err ? job_failed(err) : CLI_OK;
}

int runner_pass(struct runner *r, uint32_t samples)
{
	return r->queue ? pass_queue(r, samples) : pass_sync(r, samples);
}
