// SPDX-License-Identifier: LGPL-2.1-or-later
/* Bindings and synchronous runs. */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

int aioffload_bind(struct aioffload_ctx *ctx,
		   const struct aioffload_model *model,
		   const struct aioffload_bind_io *ios, uint32_t nr_ios,
		   uint32_t samples, uint32_t *slot)
{
	struct aioffload_bind arg = {
		.size = sizeof(arg),
		.model_fd = model->fd,
		.slot = *slot,
		.ios = (uintptr_t)ios,
		.nr_ios = nr_ios,
		.samples = samples,
	};
	uint32_t want = model->info.nr_inputs + model->info.nr_outputs;
	int ret = lib_ioctl(ctx->fd, AIOFFLOAD_IOC_BIND, &arg);

	if (lib_denied(ctx, ret, AIOFFLOAD_RIGHT_EXEC, "bind a model"))
		return ret;
	if (ret == -EPERM)
		return lib_fail(ret, "the model's manifest, or the policy on signed drivers, allows it on no device of %s; see: aioffload model info, aioffload policy",
				ctx->name);
	if (ret == -EINVAL && nr_ios != want)
		return lib_fail(ret, "the model has %u inputs and outputs, %u places were given",
				want, nr_ios);
	if (ret == -EOPNOTSUPP || ret == -ENODEV)
		return lib_fail(ret, "no device of %s can run this model; see: aioffload devices (is aioffload_cpu loaded? sudo modprobe aioffload_cpu)",
				ctx->name);
	if (ret == -EBUSY)
		return lib_fail(ret, "a device of %s can't promise a realtime queue of this context its time; close that queue, have it ask for less, or raise rt_percent of the module aioffload",
				ctx->name);
	if (ret < 0)
		return lib_fail(ret, "can't bind model and buffers: %s",
				aioffload_strerror(ret));
	*slot = arg.slot;
	return 0;
}

int aioffload_unbind(struct aioffload_ctx *ctx, uint32_t slot)
{
	struct aioffload_unbind arg = { .size = sizeof(arg), .slot = slot };
	int ret = lib_ioctl(ctx->fd, AIOFFLOAD_IOC_UNBIND, &arg);

	if (ret < 0)
		return lib_fail(ret, "can't free slot %u: %s", slot,
				aioffload_strerror(ret));
	return 0;
}

int aioffload_run(struct aioffload_ctx *ctx, uint32_t slot, uint32_t first,
		  uint32_t count, uint64_t timeout_ns)
{
	struct aioffload_run arg = {
		.size = sizeof(arg),
		.slot = slot,
		.first = first,
		.count = count,
		.timeout_ns = timeout_ns,
	};
	int ret = lib_ioctl(ctx->fd, AIOFFLOAD_IOC_RUN, &arg);

	if (lib_denied(ctx, ret, AIOFFLOAD_RIGHT_EXEC, "run jobs"))
		return ret;
	if (ret < 0)
		return lib_fail(ret, "running samples %u to %u of slot %u: %s",
				first, first + count - 1, slot,
				aioffload_strerror(ret));
	return 0;
}

/*
 * Lay every tensor's samples out back to back, tensors one after the other.
 * Returns the bytes needed, 0 if they do not fit into a size_t.
 */
static size_t lay_out(struct aioffload_binding *b,
		      const struct aioffload_model *model)
{
	uint32_t i, n = b->nr[0] + b->nr[1];
	size_t bytes, at = 0;

	for (i = 0; i < n; i++) {
		b->ios[i].offset = at;
		b->ios[i].stride = model->tensors[i].bytes;
		if (__builtin_mul_overflow(model->tensors[i].bytes,
					   (size_t)b->samples, &bytes) ||
		    __builtin_add_overflow(at, bytes, &at) ||
		    __builtin_add_overflow(at, OFFSET_ALIGN - 1, &at))
			return 0;
		at -= at % OFFSET_ALIGN;
	}
	return at;
}

int aioffload_binding_create(struct aioffload_ctx *ctx,
			     const struct aioffload_model *model,
			     uint32_t samples, struct aioffload_binding **out)
{
	uint32_t i, n = model->info.nr_inputs + model->info.nr_outputs;
	struct aioffload_binding *b;
	size_t bytes;
	int ret;

	if (!samples)
		return lib_fail(EINVAL, "a binding needs at least one sample");
	b = calloc(1, sizeof(*b) + n * sizeof(b->ios[0]));
	if (!b)
		return lib_fail(ENOMEM, "out of memory");
	b->ctx = ctx;
	b->samples = samples;
	b->slot = AIOFFLOAD_SLOT_ANY;
	b->nr[AIOFFLOAD_DIR_INPUT] = model->info.nr_inputs;
	b->nr[AIOFFLOAD_DIR_OUTPUT] = model->info.nr_outputs;
	bytes = lay_out(b, model);
	if (!bytes) {
		ret = lib_fail(E2BIG, "%u samples of this model exceed the address space",
			       samples);
		goto out_free;
	}
	ret = aioffload_buf_create(ctx, bytes, &b->buf);
	if (ret)
		goto out_free;
	for (i = 0; i < n; i++)
		b->ios[i].buf_fd = b->buf->fd;
	ret = aioffload_bind(ctx, model, b->ios, n, samples, &b->slot);
	if (ret)
		goto out_buf;
	*out = b;
	return 0;

out_buf:
	aioffload_buf_free(b->buf);
out_free:
	free(b);
	return ret;
}

void aioffload_binding_free(struct aioffload_binding *b)
{
	struct aioffload_unbind arg = { .size = sizeof(arg) };

	if (!b)
		return;
	/* Not aioffload_unbind(): freeing must not replace an error's text. */
	arg.slot = b->slot;
	lib_ioctl(b->ctx->fd, AIOFFLOAD_IOC_UNBIND, &arg);
	aioffload_buf_free(b->buf);
	free(b);
}

uint32_t aioffload_binding_slot(const struct aioffload_binding *b)
{
	return b->slot;
}

uint32_t aioffload_binding_samples(const struct aioffload_binding *b)
{
	return b->samples;
}

void *aioffload_binding_data(const struct aioffload_binding *b, uint32_t dir,
			     uint32_t index, uint32_t sample)
{
	const struct aioffload_bind_io *io;

	if (dir > AIOFFLOAD_DIR_OUTPUT || index >= b->nr[dir] ||
	    sample >= b->samples)
		return NULL;
	io = &b->ios[(dir ? b->nr[AIOFFLOAD_DIR_INPUT] : 0) + index];
	return (char *)b->buf->data + io->offset + io->stride * sample;
}

int aioffload_binding_run(struct aioffload_binding *b, uint32_t count)
{
	return aioffload_run(b->ctx, b->slot, 0, count, 0);
}
