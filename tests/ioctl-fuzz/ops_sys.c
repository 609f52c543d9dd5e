// SPDX-License-Identifier: LGPL-2.1-or-later
/* Processes and descriptors: what happens to objects from outside. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include "ops.h"

long op_close(struct world *w, const uint64_t *a)
{
	world_put(w, a[0], a[1], -1);
	return 0;
}

/* Also over a descriptor that another thread is using. */
long op_dup(struct world *w, const uint64_t *a)
{
	int from = world_fd(w, a[0], a[1]), to = world_fd(w, a[0], a[2]);

	if (to > 2)
		return dup3(from, to, O_CLOEXEC);
	world_put(w, a[0], a[2], fcntl(from, F_DUPFD_CLOEXEC, 3));
	return 0;
}

/* It stays on its way: only the socket's garbage collector may free it. */
long op_send_fd(struct world *w, const uint64_t *a)
{
	int fd = world_fd(w, a[0], a[1]), pair[2];
	char room[CMSG_SPACE(sizeof(fd))] = "", byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = room, .msg_controllen = sizeof(room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	long ret;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
		return -1;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	ret = sendmsg(pair[0], &msg, MSG_DONTWAIT);
	if (a[1] & 1)
		ret = recvmsg(pair[1], &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	close(pair[0]);
	if (a[1] & 2)
		close(pair[1]);
	return ret;
}

long op_file_io(struct world *w, const uint64_t *a)
{
	int fd = world_fd(w, a[0], a[1]);
	char byte[64];

	switch (a[2] % 5) {
	case 0:
		return read(fd, byte, a[3] % sizeof(byte));
	case 1:
		return write(fd, "fuzz", 4);
	case 2:
		return lseek(fd, a[3], SEEK_SET);
	case 3:
		return fcntl(fd, F_SETFL, O_NONBLOCK | (a[3] & 1 ? O_ASYNC : 0));
	default:
		return fsync(fd);
	}
}

static void child(struct world *w, const uint64_t *a)
{
	const struct timespec ms5 = { 0, 5000000 };
	uint64_t arg[NR_ARGS] = { a[1], 1, 1, 1, 1000000 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	switch (a[0] % 6) {
	case 0:
		break;
	case 1:
		nanosleep(&ms5, NULL);
		break;
	case 2:
		op_enter(w, (const uint64_t[NR_ARGS]){ a[1], 8, 3, 0, 0 });
		break;
	case 3:
		op_run(w, arg);
		break;
	case 4:
		for (unsigned int k = 0; k < NR_KINDS; k++)
			world_put(w, k, a[1], -1);
		nanosleep(&ms5, NULL);
		break;
	default:
		for (unsigned int i = 0; i < 100; i++)
			op_scribble(w, (const uint64_t[NR_ARGS]){ a[1], 0, i, 16 });
		break;
	}
	_exit(0);
}

/* The world is private to each process, its objects are shared. */
long op_fork(struct world *w, const uint64_t *a)
{
	int pid = fork();

	if (!pid)
		child(w, a);
	return pid;
}

/* To all threads: calls that wait are interrupted. Seldom: the end of all. */
long op_signal(struct world *w, const uint64_t *a)
{
	(void)w;
	return kill(a[0] == 15 ? getpid() : 0, a[0] == 15 ? SIGKILL : SIGUSR1);
}

long op_pause(struct world *w, const uint64_t *a)
{
	struct timespec ts = { 0, a[0] % 10000000 };

	(void)w;
	return nanosleep(&ts, NULL);
}

/* Of this thread only: libc's functions would change all of them. */
long op_identity(struct world *w, const uint64_t *a)
{
	(void)w;
	if (a[0] & 1)
		return syscall(SYS_setresuid, -1, USER_ID, -1);
	return syscall(SYS_setresuid, -1, 0, -1);
}
