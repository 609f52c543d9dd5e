// SPDX-License-Identifier: LGPL-2.1-or-later
/* dma-bufs of other drivers. */
#include <fcntl.h>
#include <linux/udmabuf.h>
#include "vmtest.h"

/* A memfd's pages as a dma-buf. */
bool foreign_udmabuf(struct foreign *f, size_t bytes)
{
	struct udmabuf_create c = { .size = bytes, .flags = UDMABUF_FLAGS_CLOEXEC };
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), memfd;

	if (dev < 0)
		return false;
	memfd = MUST(memfd_create("foreign", MFD_ALLOW_SEALING | MFD_CLOEXEC));
	MUST(ftruncate(memfd, bytes));
	MUST(fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK));
	c.memfd = memfd;
	f->fd = MUST(ioctl(dev, UDMABUF_CREATE, &c));
	f->map = buf_map(memfd, bytes);
	close(memfd);
	close(dev);
	return true;
}

/* What is needed of <drm/drm.h>, which not every build machine has. */
struct drm_create_dumb {
	uint32_t height, width, bpp, flags, handle, pitch;
	uint64_t size;
};

struct drm_map_dumb {
	uint32_t handle, pad;
	uint64_t offset;
};

struct drm_prime {
	uint32_t handle, flags;
	int32_t fd;
};

#define DRM_CREATE_DUMB	_IOWR('d', 0xb2, struct drm_create_dumb)
#define DRM_MAP_DUMB	_IOWR('d', 0xb3, struct drm_map_dumb)
#define DRM_PRIME_TO_FD	_IOWR('d', 0x2d, struct drm_prime)

/* A buffer of the virtual graphics driver, which every kernel here has. */
bool foreign_vgem(struct foreign *f, size_t bytes)
{
	struct drm_create_dumb create = { .width = 1024, .bpp = 32 };
	struct drm_map_dumb map = { 0 };
	struct drm_prime prime = { .flags = O_CLOEXEC | O_RDWR };
	int dev;

	if (run_command("modprobe vgem 2>/dev/null"))
		return false;
	dev = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		FAIL("/dev/dri/card0: %s", strerror(errno));
	create.height = bytes / 4096;
	MUST(ioctl(dev, DRM_CREATE_DUMB, &create));
	map.handle = create.handle;
	MUST(ioctl(dev, DRM_MAP_DUMB, &map));
	prime.handle = create.handle;
	MUST(ioctl(dev, DRM_PRIME_TO_FD, &prime));
	f->fd = prime.fd;
	f->map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, dev, map.offset);
	if (f->map == MAP_FAILED)
		FAIL("mmap of vgem's buffer: %s", strerror(errno));
	close(dev);
	return true;
}

struct foreign foreign_any(size_t bytes)
{
	struct foreign f;

	if (!foreign_udmabuf(&f, bytes) && !foreign_vgem(&f, bytes))
		FAIL("neither udmabuf nor vgem is there");
	return f;
}
