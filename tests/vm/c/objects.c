// SPDX-License-Identifier: LGPL-2.1-or-later
/* One function for each call; each returns as ioctl() does. */
#include "vmtest.h"

int get_info(int ctx, struct aioffload_info *info)
{
	*info = ARG(info);
	return ioctl(ctx, AIOFFLOAD_IOC_INFO, info);
}

int device_info(int ctx, int id, struct aioffload_device_info *info)
{
	*info = ARG(device_info);
	info->id = id;
	return ioctl(ctx, AIOFFLOAD_IOC_DEVICE_INFO, info);
}

int buf_create(int ctx, uint64_t bytes)
{
	struct aioffload_buf_create a = ARG(buf_create);

	a.bytes = bytes;
	if (ioctl(ctx, AIOFFLOAD_IOC_BUF_CREATE, &a))
		return -1;
	return a.fd;
}

void *buf_map(int fd, size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		FAIL("mmap of a buffer: %s", strerror(errno));
	return p;
}

int model_load(int ctx, const void *data, size_t bytes, char *reason,
	       size_t reason_len)
{
	struct aioffload_model_load a = ARG(model_load);

	a.data = (uintptr_t)data;
	a.bytes = bytes;
	a.reason = (uintptr_t)reason;
	a.reason_len = reason_len;
	if (ioctl(ctx, AIOFFLOAD_IOC_MODEL_LOAD, &a))
		return -1;
	return a.fd;
}

int bind_slot(int ctx, int model, const struct aioffload_bind_io *ios,
	      unsigned int nr, unsigned int samples, unsigned int slot)
{
	struct aioffload_bind a = ARG(bind);

	a.model_fd = model;
	a.slot = slot;
	a.ios = (uintptr_t)ios;
	a.nr_ios = nr;
	a.samples = samples;
	if (ioctl(ctx, AIOFFLOAD_IOC_BIND, &a))
		return -1;
	return a.slot;
}

int unbind(int ctx, unsigned int slot)
{
	struct aioffload_unbind a = ARG(unbind);

	a.slot = slot;
	return ioctl(ctx, AIOFFLOAD_IOC_UNBIND, &a);
}

int run_slot(int ctx, unsigned int slot, unsigned int first, unsigned int count,
	     uint64_t timeout_ns)
{
	struct aioffload_run a = ARG(run);

	a.slot = slot;
	a.first = first;
	a.count = count;
	a.timeout_ns = timeout_ns;
	return ioctl(ctx, AIOFFLOAD_IOC_RUN, &a);
}

/* ---- a binding as most tests want it ---- */

int bound_again(const struct bound *b)
{
	struct aioffload_bind_io ios[2] = {
		{ .buf_fd = b->buf }, { .buf_fd = b->buf, .offset = b->out_offset },
	};

	return bind_slot(b->ctx, b->model, ios, 2, b->samples, AIOFFLOAD_SLOT_ANY);
}

void bound_open(struct bound *b, int ctx, unsigned int n, unsigned int samples)
{
	static struct model_bytes m;
	uint64_t half = ((uint64_t)n * samples + 63) / 64 * 64;

	*b = (struct bound){ .ctx = ctx, .n = n, .samples = samples };
	b->out_offset = half;
	b->bytes = (2 * half + 4095) / 4096 * 4096;
	b->buf = MUST(buf_create(ctx, b->bytes));
	b->map = buf_map(b->buf, b->bytes);
	make_lut(&m, n);
	b->model = model_load(ctx, m.data, m.bytes, NULL, 0);
	if (b->model < 0)
		FAIL("loading the test's model: %s", strerror(errno));
	b->slot = MUST(bound_again(b));
}

void bound_close(struct bound *b)
{
	munmap(b->map, b->bytes);
	close(b->buf);
	close(b->model);
	MUST(unbind(b->ctx, b->slot));
}

void bound_fill(struct bound *b)
{
	for (size_t i = 0; i < (size_t)b->n * b->samples; i++)
		b->map[i] = i * 7 + i / 251;
	memset(b->map + b->out_offset, 0, (size_t)b->n * b->samples);
}

void bound_check_done(struct bound *b, unsigned int first, unsigned int count)
{
	const uint8_t *in = b->map, *out = b->map + b->out_offset;

	for (size_t i = (size_t)first * b->n; i < (size_t)(first + count) * b->n; i++) {
		if (out[i] != (in[i] ^ LUT_XOR))
			FAIL("output byte %zu is %#x, expected %#x", i, out[i],
			     in[i] ^ LUT_XOR);
	}
}

unsigned int bind_work(int ctx, unsigned int side, unsigned int window,
		       unsigned int samples)
{
	static struct model_bytes m;
	struct aioffload_bind_io ios[2] = { 0 };
	int model;

	make_work(&m, side, window);
	model = MUST(model_load(ctx, m.data, m.bytes, NULL, 0));
	ios[0].buf_fd = MUST(buf_create(ctx, 2ULL * side * side * samples));
	ios[1].buf_fd = ios[0].buf_fd;
	ios[1].offset = (uint64_t)side * side * samples;
	return MUST(bind_slot(ctx, model, ios, 2, samples, AIOFFLOAD_SLOT_ANY));
}
