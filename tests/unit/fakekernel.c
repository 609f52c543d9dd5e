// SPDX-License-Identifier: LGPL-2.1-or-later
/* See fakekernel.h. */
#include <aim/manifest.h>
#include <aim/verify.h>
#include <aioffload.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fakekernel.h"
#include "fakesec.h"

#define MAX_FD		256
#define MAX_SLOTS	16
#define RING_HEAD(n)	(64 * (n))
#define RING_SQES	4096

struct model {
	u8 *data;
	struct aim_view view;
	struct model *next;
};

struct slot {
	bool used;
	const struct model *model;
	u32 samples;
	struct aioffload_bind_io ios[64];
	int fds[64];
};

struct rings {
	u8 *map;
	size_t bytes;
	u32 sq_entries, cq_entries;
	struct rings *next;
};

struct fake fake;
static struct model *models, *model_of[MAX_FD];
static struct rings *all_rings, *rings_of[MAX_FD];
static struct slot slots[MAX_SLOTS];

int __real_ioctl(int fd, unsigned long req, ...);
int __wrap_ioctl(int fd, unsigned long req, ...);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	if (flags & (O_CREAT | O_TMPFILE)) {
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	if (fake.open_errno && *fake.dir &&
	    !strncmp(path, fake.dir, strlen(fake.dir))) {
		errno = fake.open_errno;
		return -1;
	}
	return __real_open(path, flags, mode);
}

static int new_memfd(size_t bytes)
{
	int fd = memfd_create("fake", MFD_CLOEXEC);

	if (fd < 0 || fd >= MAX_FD || ftruncate(fd, (off_t)bytes))
		abort();
	return fd;
}

static int do_info(struct aioffload_info *info)
{
	u32 size = info->size;

	if (size != sizeof(*info) || info->flags)
		return -EINVAL;
	memset(info, 0, sizeof(*info));
	info->size = size;
	info->abi_version = fake.abi;
	info->pinned_device = AIOFFLOAD_DEVICE_ANY;
	info->max_buffer_bytes = 1ULL << 32;
	info->max_model_bytes = 1ULL << 30;
	info->max_slots = MAX_SLOTS;
	info->max_samples = fake.max_samples;
	info->nr_devices = fake.nr_devices;
	strcpy(info->module_version, "0.1.0");
	return 0;
}

static int do_device_info(struct aioffload_device_info *dev)
{
	u32 i, id, from = dev->id;

	if (dev->size != sizeof(*dev) || dev->flags)
		return -EINVAL;
	for (i = 0; i < fake.nr_devices; i++) {
		id = fake.first_device + i * fake.device_step;
		if (id < from)
			continue;
		memset(dev, 0, sizeof(*dev));
		dev->size = sizeof(*dev);
		dev->id = id;
		dev->state = fake.device_state;
		dev->queue_depth = 64;
		dev->jobs_done = fake.jobs;
		dev->temp_mc = INT32_MIN;
		dev->load_permille = UINT32_MAX;
		if (i) {
			dev->pm = AIOFFLOAD_PM_SUSPENDED;
			dev->khz = 800000;
			dev->speed_permille = 500;
			dev->limit_permille = 751;
		}
		snprintf(dev->name, sizeof(dev->name), "aioffload%u", id);
		snprintf(dev->driver, sizeof(dev->driver), "%s", fake.driver);
		snprintf(dev->desc, sizeof(dev->desc), "a fake \033[31mCPU");
		return 0;
	}
	return -ENOENT;
}

static int do_buf_create(struct aioffload_buf_create *arg)
{
	if (arg->size != sizeof(*arg) || arg->flags || arg->reserved ||
	    !arg->bytes)
		return -EINVAL;
	if (arg->bytes > 1ULL << 32)
		return -E2BIG;
	arg->bytes = (arg->bytes + 4095) / 4096 * 4096;
	arg->fd = new_memfd(arg->bytes);
	return 0;
}

static int do_model_load(struct aioffload_model_load *arg)
{
	struct aim_reason reason = { "" };
	struct model *m = calloc(1, sizeof(*m));
	struct aim_envelope env;
	void *scratch;
	int ret;

	m->data = aligned_alloc(64, (arg->bytes + 64) / 64 * 64);
	memcpy(m->data, (void *)(uintptr_t)arg->data, arg->bytes);
	/* signatures are taken off, and believed */
	ret = aim_envelope_open(m->data, arg->bytes, &env, &reason);
	scratch = malloc(aim_verify_scratch(m->data, arg->bytes));
	if (!ret)
		ret = aim_verify(m->data, env.model_bytes, scratch, &m->view,
				 &reason);
	free(scratch);
	if (ret) {
		if (arg->reason_len)
			snprintf((char *)(uintptr_t)arg->reason,
				 arg->reason_len, "%s", reason.text);
		free(m->data);
		free(m);
		return ret;
	}
	m->next = models;
	models = m;
	arg->fd = new_memfd(1);
	model_of[arg->fd] = m;
	memset(arg->digest, 0xab, sizeof(arg->digest));
	return 0;
}

static int do_model_info(const struct model *m, struct aioffload_model_info *arg)
{
	arg->nr_inputs = m->view.header->nr_inputs;
	arg->nr_outputs = m->view.header->nr_outputs;
	arg->nr_ops = m->view.nr_ops;
	arg->macs = m->view.header->macs;
	arg->bytes = m->view.bytes;
	memset(arg->digest, 0xab, sizeof(arg->digest));
	snprintf(arg->name, sizeof(arg->name), "%s",
		 aim_str(&m->view, m->view.header->name));
	return 0;
}

static int do_model_tensor(const struct model *m,
			   struct aioffload_model_tensor *arg)
{
	const struct aim_header *h = m->view.header;
	const struct aim_tensor *t;
	u32 i = arg->index, n = arg->dir ? h->nr_outputs : h->nr_inputs;

	if (i >= n)
		return -ENOENT;
	t = &m->view.tensors[m->view.io[arg->dir ? h->nr_inputs + i : i]];
	arg->type = t->type;
	arg->rank = t->rank;
	memcpy(arg->dims, t->dims, sizeof(arg->dims));
	arg->scale_bits = t->scale_bits;
	arg->zero_point = t->zero_point;
	arg->bytes = t->bytes;
	return 0;
}

static int do_bind(struct aioffload_bind *arg)
{
	const struct aioffload_bind_io *ios = (void *)(uintptr_t)arg->ios;
	const struct model *m;
	struct slot *s;
	u32 i, n;

	if (arg->model_fd < 0 || arg->model_fd >= MAX_FD ||
	    !model_of[arg->model_fd])
		return -EBADF;
	m = model_of[arg->model_fd];
	n = m->view.header->nr_inputs + m->view.header->nr_outputs;
	if (arg->nr_ios != n || !arg->samples || n > 64)
		return -EINVAL;
	for (i = 0; i < MAX_SLOTS && slots[i].used; i++)
		;
	if (arg->slot != AIOFFLOAD_SLOT_ANY)
		i = arg->slot;
	if (i >= MAX_SLOTS)
		return -ENOSPC;
	s = &slots[i];
	if (s->used)
		return -EEXIST;
	arg->slot = i;
	for (i = 0; i < n; i++) {
		if (ios[i].offset % 64)
			return -EINVAL;
		s->ios[i] = ios[i];
	}
	memcpy(fake.last_ios, s->ios, sizeof(fake.last_ios));
	for (i = 0; i < n; i++)
		s->fds[i] = dup(ios[i].buf_fd);
	s->used = true;
	s->model = m;
	s->samples = arg->samples;
	fake.slots++;
	return 0;
}

static int do_unbind(u32 i)
{
	u32 io, n;

	if (i >= MAX_SLOTS || !slots[i].used)
		return -ENOENT;
	n = slots[i].model->view.header->nr_inputs +
		slots[i].model->view.header->nr_outputs;
	for (io = 0; io < n; io++)
		close(slots[i].fds[io]);
	memset(&slots[i], 0, sizeof(slots[i]));
	fake.slots--;
	return 0;
}

static u64 io_bytes(const struct model *m, u32 io)
{
	return m->view.tensors[m->view.io[io]].bytes;
}

static void run_sample(const struct slot *s, u32 sample)
{
	const struct aim_header *h = s->model->view.header;
	u64 total = 0, at = 0, bytes, stride, j;
	u8 *in, *out;
	u32 io;

	for (io = 0; io < h->nr_inputs; io++)
		total += io_bytes(s->model, io);
	in = malloc(total);
	for (io = 0; io < h->nr_inputs + h->nr_outputs; io++) {
		bytes = io_bytes(s->model, io);
		stride = s->ios[io].stride ? s->ios[io].stride : bytes;
		if (io == h->nr_inputs)
			at = 0;
		if (io < h->nr_inputs) {
			if (pread(s->fds[io], in + at, bytes, (off_t)
				  (s->ios[io].offset + stride * sample)) < 0)
				abort();
		} else {
			out = malloc(bytes);
			for (j = 0; j < bytes; j++)
				out[j] = in[(at + j) % total] ^ FAKE_KEY;
			if (pwrite(s->fds[io], out, bytes, (off_t)
				   (s->ios[io].offset + stride * sample)) < 0)
				abort();
			free(out);
		}
		at += bytes;
	}
	free(in);
}

static int run_job(u32 slot, u32 first, u32 count, u64 timeout)
{
	u32 i;

	fake.last_timeout = timeout;
	if (slot >= MAX_SLOTS || !slots[slot].used)
		return -ENOENT;
	if (!count || (u64)first + count > slots[slot].samples)
		return -EINVAL;
	for (i = first; i < first + count; i++) {
		if (fake.job_errno && i == fake.job_errno_at)
			return -fake.job_errno;
		run_sample(&slots[slot], i);
	}
	fake.jobs++;
	return 0;
}

static u32 *index_of(const struct rings *r, unsigned int n)
{
	return (u32 *)(r->map + RING_HEAD(n));
}

static u32 pow2(u32 n)
{
	u32 p = 1;

	while (p < n)
		p *= 2;
	return p;
}

static int do_queue_create(struct aioffload_queue_create *arg)
{
	struct rings *r = calloc(1, sizeof(*r));
	u32 cqes, i;

	r->sq_entries = pow2(arg->sq_entries);
	r->cq_entries = arg->cq_entries ? pow2(arg->cq_entries) :
		2 * r->sq_entries;
	cqes = RING_SQES + r->sq_entries * sizeof(struct aioffload_sqe);
	r->bytes = cqes + r->cq_entries * sizeof(struct aioffload_cqe);
	r->bytes = (r->bytes + 4095) / 4096 * 4096;
	arg->fd = new_memfd(r->bytes);
	r->map = mmap(NULL, r->bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		      arg->fd, 0);
	for (i = 0; i < 4; i++)
		*index_of(r, i) = fake.ring_start;
	arg->sq_entries = r->sq_entries;
	arg->cq_entries = r->cq_entries;
	arg->ring_bytes = r->bytes;
	arg->sq.head = RING_HEAD(0);
	arg->sq.tail = RING_HEAD(1);
	arg->cq.head = RING_HEAD(2);
	arg->cq.tail = RING_HEAD(3);
	arg->sq.mask = RING_HEAD(4);
	arg->cq.mask = RING_HEAD(4) + 4;
	arg->sq.entries = RING_SQES;
	arg->cq.entries = cqes;
	if (fake.bad_offsets == 1)
		arg->cq.entries = (u32)r->bytes - 8;
	if (fake.bad_offsets == 2)
		arg->sq.head = 0xfffffffc;
	if (fake.bad_offsets == 3)
		arg->sq_entries = 3;
	r->next = all_rings;
	all_rings = r;
	rings_of[arg->fd] = r;
	return 0;
}

static void take(struct rings *r, u32 n, struct aioffload_cqe *done)
{
	const struct aioffload_sqe *sqes = (void *)(r->map + RING_SQES);
	u32 i, head = *index_of(r, 0);

	for (i = 0; i < n; i++) {
		struct aioffload_sqe sqe = sqes[(head + i) &
						(r->sq_entries - 1)];

		memset(&done[i], 0, sizeof(done[i]));
		done[i].user_data = sqe.user_data;
		done[i].device = fake.first_device;
		done[i].duration_ns = 1000;
		if (sqe.opcode == AIOFFLOAD_OP_RUN)
			done[i].status = run_job(sqe.slot, sqe.first, sqe.count,
						 sqe.timeout_ns);
		else if (sqe.opcode != AIOFFLOAD_OP_NOP || sqe.flags)
			done[i].status = -EINVAL;
	}
	__atomic_store_n(index_of(r, 0), head + n, __ATOMIC_RELEASE);
}

static int do_enter(struct rings *r, const struct aioffload_enter *arg)
{
	u32 cqes_at = RING_SQES + r->sq_entries * sizeof(struct aioffload_sqe);
	struct aioffload_cqe *cqes = (void *)(r->map + cqes_at), *done;
	u32 tail = __atomic_load_n(index_of(r, 1), __ATOMIC_ACQUIRE);
	u32 cq_head = __atomic_load_n(index_of(r, 2), __ATOMIC_ACQUIRE);
	u32 cq_tail = *index_of(r, 3), i, n = tail - *index_of(r, 0);
	u32 room = r->cq_entries - (cq_tail - cq_head);

	fake.enters++;
	if (n > r->sq_entries)
		return -EPROTO;
	if (n > arg->to_submit)
		n = arg->to_submit;
	if (n && !room)
		return -EBUSY;
	if (n > room)
		n = room;
	done = calloc(n + 1, sizeof(*done));
	take(r, n, done);
	for (i = 0; i < n; i++)
		cqes[(cq_tail + i) & (r->cq_entries - 1)] =
			done[fake.reverse ? n - 1 - i : i];
	free(done);
	__atomic_store_n(index_of(r, 3), cq_tail + n, __ATOMIC_RELEASE);
	/* everything ends at once, so who still waits waits for nothing */
	if (cq_tail + n - cq_head < arg->min_complete && !n)
		return -ETIME;
	return (int)n;
}

static int on_model(int fd, unsigned long req, void *arg)
{
	if (fd >= MAX_FD || !model_of[fd])
		return -ENOTTY;
	return req == AIOFFLOAD_IOC_MODEL_INFO ?
		do_model_info(model_of[fd], arg) :
		do_model_tensor(model_of[fd], arg);
}

static int on_queue(int fd, unsigned long req, void *arg)
{
	if (fd >= MAX_FD || !rings_of[fd])
		return -ENOTTY;
	if (req == AIOFFLOAD_IOC_QUEUE_EVENTFD)
		return 0;
	if (req == AIOFFLOAD_IOC_QUEUE_FENCE) {
		((struct aioffload_queue_fence *)arg)->fd = 5;
		return 0;
	}
	return do_enter(rings_of[fd], arg);
}

static int dispatch(int fd, unsigned long req, void *arg)
{
	const struct aioffload_run *run = arg;
	int ret;

	if (fake.fail_errno && _IOC_NR(req) == fake.fail_nr) {
		if (!fake.fail_times)
			return -fake.fail_errno;
		if (--fake.fail_times == 0) {
			int err = fake.fail_errno;

			fake.fail_errno = 0;
			return -err;
		}
		return -fake.fail_errno;
	}
	ret = fake_sec_ioctl(req, arg);
	if (ret != -ENOTTY)
		return ret;
	switch (req) {
	case AIOFFLOAD_IOC_INFO:
		return do_info(arg);
	case AIOFFLOAD_IOC_DEVICE_INFO:
		return do_device_info(arg);
	case AIOFFLOAD_IOC_BUF_CREATE:
		return do_buf_create(arg);
	case AIOFFLOAD_IOC_MODEL_LOAD:
		return do_model_load(arg);
	case AIOFFLOAD_IOC_BIND:
		return do_bind(arg);
	case AIOFFLOAD_IOC_UNBIND:
		return do_unbind(((struct aioffload_unbind *)arg)->slot);
	case AIOFFLOAD_IOC_RUN:
		fake.runs++;
		return run_job(run->slot, run->first, run->count,
			       run->timeout_ns);
	case AIOFFLOAD_IOC_QUEUE_CREATE:
		return do_queue_create(arg);
	case AIOFFLOAD_IOC_POLICY:
		if (((struct aioffload_policy *)arg)->flags)
			return -EPERM;
		*(struct aioffload_policy *)arg = fake.policy;
		return 0;
	case AIOFFLOAD_IOC_MODEL_INFO:
	case AIOFFLOAD_IOC_MODEL_TENSOR:
		return on_model(fd, req, arg);
	case AIOFFLOAD_IOC_ENTER:
	case AIOFFLOAD_IOC_QUEUE_EVENTFD:
	case AIOFFLOAD_IOC_QUEUE_FENCE:
		return on_queue(fd, req, arg);
	default:
		return -ENOTTY;
	}
}

int __wrap_ioctl(int fd, unsigned long req, ...)
{
	va_list args;
	void *arg;
	int ret;

	va_start(args, req);
	arg = va_arg(args, void *);
	va_end(args);
	if (_IOC_TYPE(req) == 'b')	/* DMA_BUF_IOCTL_SYNC */
		ret = fake.fail_errno && fake.fail_nr == 'b' &&
			fake.fail_times && fake.fail_times-- ?
			-fake.fail_errno : 0;
	else if (_IOC_TYPE(req) != AIOFFLOAD_IOC_MAGIC)
		return __real_ioctl(fd, req, arg);
	else
		ret = dispatch(fd, req, arg);
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

static void make_node(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", fake.dir, name);
	fd = __real_open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		abort();
	close(fd);
}

void fake_boot(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.nr_devices = 1;
	fake.device_step = 1;
	fake.abi = AIOFFLOAD_ABI_VERSION;
	fake.max_samples = 1 << 20;
	fake.driver = "aioffload_cpu";
	fake.policy.size = sizeof(fake.policy);
	fake.policy.mode = AIOFFLOAD_POLICY_ENFORCE;
	fake.policy.nr_keys = 1;
	strcpy(fake.dir, "/tmp/fakedevXXXXXX");
	if (!mkdtemp(fake.dir))
		abort();
	make_node("aioffload");
	make_node("aioffload0");
	aioffload_set_device_dir(fake.dir);
}

void fake_shutdown(void)
{
	char path[128];
	u32 i;

	for (i = 0; i < MAX_SLOTS; i++)
		do_unbind(i);
	while (models) {
		struct model *m = models;

		models = m->next;
		free(m->data);
		free(m);
	}
	while (all_rings) {
		struct rings *r = all_rings;

		all_rings = r->next;
		munmap(r->map, r->bytes);
		free(r);
	}
	memset(model_of, 0, sizeof(model_of));
	memset(rings_of, 0, sizeof(rings_of));
	snprintf(path, sizeof(path), "%s/aioffload", fake.dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/aioffload0", fake.dir);
	unlink(path);
	rmdir(fake.dir);
	aioffload_set_device_dir(NULL);
}

int fake_open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}
