/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running many jobs of one binding, one by one or through a queue. */
#ifndef AIOFFLOAD_CLI_JOB_H
#define AIOFFLOAD_CLI_JOB_H

#include <aioffload.h>

#include "cli.h"

#define RUNNER_MAX_DEPTH	4096

/**
 * struct runner - how jobs are run, and what was measured
 * @ctx:	context of the slot
 * @slot:	binding
 * @batch:	samples per job
 * @timeout_ns:	budget of a job, 0: the kernel's
 * @queue:	NULL: synchronous runs
 * @depth:	jobs in flight at most
 * @starts:	when each job in flight was handed over, by its token
 * @free:	tokens free to use; @nr_free of them
 * @latency:	ns from hand-over to result, per job, as the caller sees it
 * @device_ns:	ns at the device, where completions say so
 * @last_device: that ran a job, AIOFFLOAD_DEVICE_ANY if not known
 */
struct runner {
	struct aioffload_ctx *ctx;
	uint32_t slot;
	uint32_t batch;
	uint64_t timeout_ns;
	struct aioffload_queue *queue;
	uint32_t depth;
	uint64_t *starts;
	uint32_t *free;
	uint32_t nr_free;
	struct stats latency;
	struct stats device_ns;
	uint32_t last_device;
};

/*
 * @depth 0: synchronous. @queue: the queue's class and what goes with it.
 * 0, or -errno with the library's message set.
 */
int runner_init(struct runner *r, struct aioffload_ctx *ctx, uint32_t depth,
		const struct aioffload_queue_create *queue);
void runner_free(struct runner *r);

/*
 * Run samples 0 .. @samples - 1 once. All jobs have ended when it returns.
 * CLI_OK, or a status with the message printed.
 */
int runner_pass(struct runner *r, uint32_t samples);

#endif /* AIOFFLOAD_CLI_JOB_H */
