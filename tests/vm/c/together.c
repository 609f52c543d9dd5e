// SPDX-License-Identifier: LGPL-2.1-or-later
/* Processes of one test: turns that they take, descriptors that they pass. */
#include <sched.h>
#include <sys/socket.h>
#include "vmtest.h"

struct turns *turns_new(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	EXPECT(p != MAP_FAILED);
	return p;
}

void wait_turn(struct turns *t, int word)
{
	while (t->word != word)
		sched_yield();
}

void pass_fd(int sock, int fd)
{
	union { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } c = { };
	struct iovec v = { "x", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
			    .msg_controllen = sizeof(c) };

	c.align.cmsg_level = SOL_SOCKET;
	c.align.cmsg_type = SCM_RIGHTS;
	c.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&c.align), &fd, sizeof(fd));
	MUST(sendmsg(sock, &m, 0));
}

int take_fd(int sock)
{
	union { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } c = { };
	char byte;
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
			    .msg_controllen = sizeof(c) };
	int fd;

	EXPECT_EQ(MUST(recvmsg(sock, &m, MSG_CMSG_CLOEXEC)), 1);
	memcpy(&fd, CMSG_DATA(&c.align), sizeof(fd));
	return fd;
}
