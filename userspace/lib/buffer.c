// SPDX-License-Identifier: LGPL-2.1-or-later
/* Buffers: dma-bufs and their mappings. */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

static int buf_new(int fd, size_t bytes, struct aioffload_buf **out)
{
	struct aioffload_buf *buf = calloc(1, sizeof(*buf));

	if (!buf)
		return lib_fail(ENOMEM, "out of memory");
	buf->fd = fd;
	buf->bytes = bytes;
	*out = buf;
	return 0;
}

int aioffload_buf_create(struct aioffload_ctx *ctx, size_t bytes,
			 struct aioffload_buf **out)
{
	struct aioffload_buf_create arg = { .size = sizeof(arg), .bytes = bytes };
	struct aioffload_buf *buf = NULL;
	int ret = lib_ioctl(ctx->fd, AIOFFLOAD_IOC_BUF_CREATE, &arg);

	if (lib_denied(ctx, ret, AIOFFLOAD_RIGHT_EXEC, "make a buffer"))
		return ret;
	if (ret < 0)
		return lib_fail(ret, "no buffer of %zu bytes: %s", bytes,
				aioffload_strerror(ret));
	ret = buf_new(arg.fd, arg.bytes, &buf);
	if (ret) {
		close(arg.fd);
		return ret;
	}
	if (!aioffload_buf_data(buf)) {
		ret = lib_fail(ENOMEM, "can't map a buffer of %zu bytes",
			       buf->bytes);
		aioffload_buf_free(buf);
		return ret;
	}
	*out = buf;
	return 0;
}

int aioffload_buf_import(int dmabuf_fd, struct aioffload_buf **out)
{
	off_t bytes = lseek(dmabuf_fd, 0, SEEK_END);
	int fd, ret;

	if (bytes < 0)
		return lib_fail(errno, "fd %d is not a dma-buf: %s", dmabuf_fd,
				aioffload_strerror(errno));
	if (!bytes)
		return lib_fail(EINVAL, "fd %d is an empty buffer", dmabuf_fd);
	fd = fcntl(dmabuf_fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return lib_fail(errno, "can't duplicate fd %d: %s", dmabuf_fd,
				aioffload_strerror(errno));
	ret = buf_new(fd, (size_t)bytes, out);
	if (ret)
		close(fd);
	return ret;
}

void aioffload_buf_free(struct aioffload_buf *buf)
{
	if (!buf)
		return;
	if (buf->data)
		munmap(buf->data, buf->bytes);
	close(buf->fd);
	free(buf);
}

void *aioffload_buf_data(struct aioffload_buf *buf)
{
	void *data = __atomic_load_n(&buf->data, __ATOMIC_ACQUIRE);
	void *other = NULL;

	if (data)
		return data;
	data = mmap(NULL, buf->bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		    buf->fd, 0);
	if (data == MAP_FAILED) {
		lib_fail(errno, "can't map the buffer: %s",
			 aioffload_strerror(errno));
		return NULL;
	}
	/* Two threads may get here together: the first one's mapping stays. */
	if (!__atomic_compare_exchange_n(&buf->data, &other, data, 0,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		munmap(data, buf->bytes);
		return other;
	}
	return data;
}

size_t aioffload_buf_bytes(const struct aioffload_buf *buf)
{
	return buf->bytes;
}

int aioffload_buf_fd(const struct aioffload_buf *buf)
{
	return buf->fd;
}

static int buf_sync(struct aioffload_buf *buf, uint64_t flags)
{
	struct dma_buf_sync arg = { .flags = flags };
	int ret;

	/* dma-buf's own documentation asks for a retry on both */
	do {
		ret = lib_ioctl(buf->fd, DMA_BUF_IOCTL_SYNC, &arg);
	} while (ret == -EINTR || ret == -EAGAIN);
	if (ret < 0)
		return lib_fail(ret, "can't bring the buffer up to date: %s",
				aioffload_strerror(ret));
	return 0;
}

int aioffload_buf_begin_cpu(struct aioffload_buf *buf, int will_write)
{
	return buf_sync(buf, DMA_BUF_SYNC_START |
			(will_write ? DMA_BUF_SYNC_RW : DMA_BUF_SYNC_READ));
}

int aioffload_buf_end_cpu(struct aioffload_buf *buf, int has_written)
{
	return buf_sync(buf, DMA_BUF_SYNC_END |
			(has_written ? DMA_BUF_SYNC_RW : DMA_BUF_SYNC_READ));
}
