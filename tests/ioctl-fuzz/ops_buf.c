// SPDX-License-Identifier: LGPL-2.1-or-later
/* Buffers: mappings, dma-buf's own calls, buffers of another driver. */
#include <fcntl.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include "ops.h"

long op_buf_map(struct world *w, const uint64_t *a)
{
	struct mapping *m = &w->buf[a[0] % NR_SLOTS];
	size_t len = a[1] % (1 << 24) + 1;
	uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE, a[2] == 15 ?
			  MAP_PRIVATE : MAP_SHARED | (a[2] == 14 ? MAP_POPULATE : 0),
			  world_fd(w, K_BUF, a[0]), a[2] == 13 ? PAGE : 0);

	if (p == MAP_FAILED)
		return -1;
	m->len = len;
	m->map = p;
	return 0;
}

long op_buf_unmap(struct world *w, const uint64_t *a)
{
	struct mapping *m = &w->buf[a[0] % NR_SLOTS];
	uint8_t *p = m->map;

	m->map = NULL;
	return p ? munmap(p, m->len) : 0;
}

long op_buf_touch(struct world *w, const uint64_t *a)
{
	struct mapping *m = &w->buf[a[0] % NR_SLOTS];
	uint64_t r = a[2];

	if (!m->map)
		return -1;
	for (unsigned int i = 0; i < 64; i++)
		m->map[rng_next(&r) % m->len] ^= r;
	return 0;
}

long op_buf_ioctl(struct world *w, const uint64_t *a)
{
	int fd = world_fd(w, K_BUF, a[0]);
	struct dma_buf_sync sync = { .flags = a[2] & 7 };
	struct dma_buf_export_sync_file out = { .flags = a[2] & 3, .fd = -1 };

	switch (a[1] % 4) {
	case 0:
		return ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync);
	case 1:
		return ioctl(fd, DMA_BUF_SET_NAME_B, "fuzz");
	case 2:
		if (ioctl(fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &out))
			return -1;
		return close(out.fd);
	default:
		return lseek(fd, a[2], a[2] & 3);
	}
}

/* A dma-buf that is not ours, in the place of one that is. */
long op_udmabuf(struct world *w, const uint64_t *a)
{
	struct udmabuf_create c = { .flags = UDMABUF_FLAGS_CLOEXEC };
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), fd = -1;

	if (dev < 0)
		return -1;
	c.size = (a[1] % (1 << 20)) & -PAGE;
	c.memfd = memfd_create("fuzz", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	if ((int)c.memfd >= 0 && !ftruncate(c.memfd, c.size) &&
	    !fcntl(c.memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		fd = ioctl(dev, UDMABUF_CREATE, &c);
	close(c.memfd);
	close(dev);
	if (fd >= 0)
		world_put(w, K_BUF, a[0], fd);
	return fd;
}

long op_madvise(struct world *w, const uint64_t *a)
{
	struct mapping *m = &w->buf[a[1] % NR_SLOTS];
	struct ring *q = world_ring(w, a[1]);
	uint8_t *p = a[0] & 1 ? q->map : m->map;
	size_t len = a[0] & 1 ? q->len : m->len;

	if (!p)
		return -1;
	switch (a[2] % 6) {
	case 0:
		return madvise(p, len, MADV_DONTNEED);
	case 1:
		return madvise(p, len, MADV_DONTFORK);
	case 2:
		return mprotect(p, len, PROT_READ);
	case 3:
		return mprotect(p, len, PROT_READ | PROT_WRITE);
	case 4:
		return mlock(p, len);
	default:
		return mremap(p, len, 2 * len, MREMAP_MAYMOVE) == MAP_FAILED;
	}
}
