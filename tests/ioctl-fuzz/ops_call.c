// SPDX-License-Identifier: LGPL-2.1-or-later
/* Calls on contexts and models. */
#include <string.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include "ops.h"

static uint32_t odd_size(unsigned int mode, uint32_t size)
{
	switch (mode) {
	case 1:		return 0;
	case 2:		return size - 1;
	case 3:		return size - 8;
	case 4:		return size + 8;
	case 5:		return PAGE;
	case 6:		return PAGE + 1;
	case 7:		return 0xffffffff;
	case 8:		return 4;
	case 9:		return size / 2;
	case 10:	return size + 256;
	default:	return size;
	}
}

static uint8_t *place_at(struct world *w, unsigned int place, size_t size)
{
	uint8_t *base = w->arena +
		(size_t)(MAX_THREADS + 1 + my_thread) * ARENA_PAGES * PAGE;

	switch (place) {
	case PLACE_NULL:	return NULL;
	case PLACE_UNMAPPED:	return base + 3 * PAGE;
	case PLACE_READONLY:	return base + 2 * PAGE;
	case PLACE_EDGE:	return base + 2 * PAGE - size;
	case PLACE_ACROSS:	return base + 3 * PAGE - size / 2;
	case PLACE_RACED:	return w->raced + 256 * my_thread;
	case PLACE_KERNEL:	return (uint8_t *)0xffff888000001000;
	default:		return base;
	}
}

/* Where place_at() can't be written, its other view can. */
static void fill(unsigned int place, uint8_t *at,
		 const void *arg, size_t size)
{
	size_t views = (size_t)(MAX_THREADS + 1) * ARENA_PAGES * PAGE;

	switch (place) {
	case PLACE_NULL:
	case PLACE_UNMAPPED:
	case PLACE_KERNEL:
		break;
	case PLACE_READONLY:
		memcpy(at - views, arg, size);
		break;
	case PLACE_ACROSS:
		memcpy(at - views, arg, size / 2);
		break;
	case PLACE_RACED:
		memcpy(at, arg, size);
		break;
	default:
		if (place != PLACE_EDGE)
			memset(at, 0, 2 * PAGE);
		memcpy(at, arg, size);
		break;
	}
}

long hand_over(struct world *w, int fd, unsigned int cmd, void *arg, size_t size,
	       uint64_t how)
{
	unsigned int place = (how & HAND_PLACE) >> 4;
	uint32_t *head = arg, flips = (how & HAND_FLIPS) >> 16;
	uint8_t *at = place_at(w, place, size);
	long ret;

	head[0] = odd_size(how & HAND_SIZE, head[0]);
	head[1] ^= (how & HAND_FLAGS) >> 8;
	for (uint64_t r = flips, n = flips % 4; flips && n < 4; n++) {
		uint64_t bit = rng_below(&r, size * 8);

		((uint8_t *)arg)[bit / 8] ^= 1 << bit % 8;
	}
	fill(place, at, arg, size);
	ret = ioctl(fd, cmd, at);
	if (ret >= 0 && (place == PLACE_GOOD || place == PLACE_EDGE))
		memcpy(arg, at, size);
	return ret;
}

#define CALL(w, fd, cmd, arg, how) \
	hand_over(w, fd, AIOFFLOAD_IOC_##cmd, &(arg), sizeof(arg), how)

long op_open(struct world *w, const uint64_t *a)
{
	char path[40] = "/dev/aioffload";
	int fd;

	if (a[1] != AIOFFLOAD_DEVICE_ANY)
		snprintf(path, sizeof(path), "/dev/aioffload%u",
			 (unsigned int)(a[1] % 300));
	fd = open(path, (a[1] >> 32 & 1 ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (fd >= 0)
		world_put(w, K_CTX, a[0], fd);
	return fd;
}

long op_info(struct world *w, const uint64_t *a)
{
	struct aioffload_info s = STRUCT(info);

	return CALL(w, world_fd(w, K_CTX, a[0]), INFO, s, a[1]);
}

long op_device_info(struct world *w, const uint64_t *a)
{
	struct aioffload_device_info s = STRUCT(device_info);

	s.id = a[1] == AIOFFLOAD_DEVICE_ANY ? 0 : a[1];
	return CALL(w, world_fd(w, K_CTX, a[0]), DEVICE_INFO, s, a[2]);
}

long op_buf_create(struct world *w, const uint64_t *a)
{
	struct aioffload_buf_create s = STRUCT(buf_create);
	long ret;

	s.bytes = a[2];
	ret = CALL(w, world_fd(w, K_CTX, a[0]), BUF_CREATE, s, a[3]);
	if (!ret && s.fd > 2)
		world_put(w, K_BUF, a[1], s.fd);
	return ret;
}

/* a[3]: 0: as it is, else seed of what is changed in it. */
long op_model_load(struct world *w, const uint64_t *a)
{
	struct aioffload_model_load s = STRUCT(model_load);
	static _Thread_local uint8_t copy[MODEL_ROOM];
	const struct model_file *m = &model_files[a[2] % nr_model_files];
	uint64_t r = a[3];
	char reason[128];
	long ret;

	s.data = (uintptr_t)m->data;
	s.bytes = m->bytes;
	if (a[3] % 4 == 1 && m->bytes <= sizeof(copy)) {
		memcpy(copy, m->data, m->bytes);
		for (uint64_t n = 1 + rng_below(&r, 4); n; n--)
			copy[rng_below(&r, m->bytes)] = rng_next(&r);
		s.data = (uintptr_t)copy;
	} else if (a[3] % 4 == 2) {
		s.bytes = rng_below(&r, m->bytes + 64);
	} else if (a[3] % 64 == 3) {
		s.bytes = rng_next(&r) >> rng_below(&r, 64);
		s.data = rng_below(&r, 2) ? rng_next(&r) : 0;
	}
	s.reason = (uintptr_t)reason;
	s.reason_len = a[3] % 8 == 4 ? rng_next(&r) : sizeof(reason);
	ret = CALL(w, world_fd(w, K_CTX, a[0]), MODEL_LOAD, s, a[4]);
	if (!ret && s.fd > 2)
		world_put(w, K_MODEL, a[1], s.fd);
	return ret;
}

long op_model_info(struct world *w, const uint64_t *a)
{
	struct aioffload_model_info s = STRUCT(model_info);

	return CALL(w, world_fd(w, K_MODEL, a[0]), MODEL_INFO, s, a[1]);
}

long op_model_tensor(struct world *w, const uint64_t *a)
{
	struct aioffload_model_tensor s = STRUCT(model_tensor);

	s.dir = a[1] & 3;
	s.index = a[2];
	return CALL(w, world_fd(w, K_MODEL, a[0]), MODEL_TENSOR, s, a[3]);
}

static unsigned int model_ios(int model)
{
	struct aioffload_model_info s = STRUCT(model_info);

	if (ioctl(model, AIOFFLOAD_IOC_MODEL_INFO, &s))
		return 2;
	s.nr_inputs += s.nr_outputs;
	return s.nr_inputs < 16 ? s.nr_inputs : 16;
}

/* ctx, model, slot, spacing of the tensors (0: fits), samples, two buffers */
long op_bind(struct world *w, const uint64_t *a)
{
	struct aioffload_bind s = STRUCT(bind);
	struct aioffload_bind_io ios[16] = { 0 };

	s.model_fd = world_fd(w, K_MODEL, a[1]);
	s.slot = a[2];
	s.samples = a[4];
	s.nr_ios = model_ios(s.model_fd);
	s.ios = (uintptr_t)ios;
	for (unsigned int i = 0; i < s.nr_ios; i++) {
		ios[i].buf_fd = world_fd(w, K_BUF, i & 1 ? a[6] : a[5]);
		ios[i].offset = i * (a[3] ? a[3] : 0x1000);
	}
	return CALL(w, world_fd(w, K_CTX, a[0]), BIND, s, a[7]);
}

long op_bind_odd(struct world *w, const uint64_t *a)
{
	struct aioffload_bind s = STRUCT(bind);
	struct aioffload_bind_io ios[16];
	uint64_t r = a[3];

	s.model_fd = world_fd(w, rng_below(&r, 8) ? K_MODEL : K_BUF, a[1]);
	s.slot = a[2];
	s.samples = 1 + rng_below(&r, 8);
	s.nr_ios = model_ios(s.model_fd) + (rng_below(&r, 8) ? 0 : rng_next(&r));
	s.ios = rng_below(&r, 8) ? (uintptr_t)ios : rng_next(&r);
	for (unsigned int i = 0; i < 16; i++) {
		ios[i] = (struct aioffload_bind_io){
			.buf_fd = world_fd(w, K_BUF, rng_below(&r, 8) ? 0 :
					   rng_next(&r)),
			.offset = rng_below(&r, 16) ? 1024 * i :
				rng_next(&r) >> rng_below(&r, 64),
			.stride = rng_below(&r, 8) ? 64 * rng_below(&r, 32) :
				rng_next(&r) >> rng_below(&r, 64),
		};
	}
	return CALL(w, world_fd(w, K_CTX, a[0]), BIND, s, a[4]);
}

long op_unbind(struct world *w, const uint64_t *a)
{
	struct aioffload_unbind s = STRUCT(unbind);

	s.slot = a[1];
	return CALL(w, world_fd(w, K_CTX, a[0]), UNBIND, s, a[2]);
}

long op_run(struct world *w, const uint64_t *a)
{
	struct aioffload_run s = STRUCT(run);

	s.slot = a[1];
	s.first = a[2];
	s.count = a[3];
	s.timeout_ns = a[4];
	return CALL(w, world_fd(w, K_CTX, a[0]), RUN, s, a[5]);
}

long op_queue_create(struct world *w, const uint64_t *a)
{
	struct aioffload_queue_create s = STRUCT(queue_create);
	long ret;

	s.sq_entries = a[2];
	s.cq_entries = a[3];
	ret = CALL(w, world_fd(w, K_CTX, a[0]), QUEUE_CREATE, s, a[4]);
	if (!ret && s.fd > 2) {
		world_put(w, K_QUEUE, a[1], s.fd);
		world_ring(w, a[1])->c = s;
	}
	return ret;
}

/* Any request, on a descriptor of any kind, with bytes that mean nothing. */
long op_raw(struct world *w, const uint64_t *a)
{
	uint64_t r = a[3];
	uint32_t arg[64];
	unsigned int cmd = _IO(AIOFFLOAD_IOC_MAGIC, a[2] % 0x48);

	for (unsigned int i = 0; i < 64; i++)
		arg[i] = rng_below(&r, 3) ? rng_below(&r, 3) : rng_next(&r);
	arg[0] = 8 * rng_below(&r, 32);
	if (rng_below(&r, 8) == 0)
		cmd = a[2];
	if (rng_below(&r, 8) == 0)
		return ioctl(world_fd(w, a[0], a[1]), cmd, rng_next(&r));
	return ioctl(world_fd(w, a[0], a[1]), cmd, arg);
}
