// SPDX-License-Identifier: LGPL-2.1-or-later
/* Memory whose reader waits: userfaultfd, which holds the kernel as well. */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/syscall.h>
#include "sectest.h"

void held_open(struct held *h)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	h->uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (h->uffd < 0)
		SKIP("userfaultfd: %s", strerror(errno));
	MUST(ioctl(h->uffd, UFFDIO_API, &api));
	h->mem = mmap(NULL, 2 * HELD_PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(h->mem != MAP_FAILED);
	reg.range.start = (uintptr_t)h->mem + HELD_PAGE;
	reg.range.len = HELD_PAGE;
	MUST(ioctl(h->uffd, UFFDIO_REGISTER, &reg));
}

bool held_wait(struct held *h, int ms)
{
	struct pollfd p = { .fd = h->uffd, .events = POLLIN };
	struct uffd_msg msg;

	return poll(&p, 1, ms) > 0 &&
	       read(h->uffd, &msg, sizeof(msg)) == sizeof(msg) &&
	       msg.event == UFFD_EVENT_PAGEFAULT;
}

void held_give(struct held *h, const void *data, size_t bytes)
{
	static _Alignas(HELD_PAGE) uint8_t page[HELD_PAGE];
	struct uffdio_copy c = { .dst = (uintptr_t)h->mem + HELD_PAGE,
				 .src = (uintptr_t)page, .len = HELD_PAGE };

	memset(page, 0, sizeof(page));
	memcpy(page, data, bytes);
	MUST(ioctl(h->uffd, UFFDIO_COPY, &c));
}

void held_close(struct held *h)
{
	munmap(h->mem, 2 * HELD_PAGE);
	close(h->uffd);
}
