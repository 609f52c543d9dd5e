// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Audit records as they leave the kernel: the multicast group that journald
 * listens to. That auditd and ausearch find them is tests/vm's to show.
 */
#include <linux/audit.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include "sectest.h"

#define KEEP	4096		/* records of one case */
#define ROOM	1200

static int listener = -1;
static char kept[KEEP][ROOM];
static unsigned int nr_kept;

static int netlink_open(unsigned int groups)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)))
		FAIL("audit's netlink socket: %s", strerror(errno));
	return fd;
}

void audit_watch(void)
{
	int room = 8 << 20;

	if (listener >= 0)
		close(listener);
	nr_kept = 0;
	listener = netlink_open(1U << (AUDIT_NLGRP_READLOG - 1));
	setsockopt(listener, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
}

/* What has come by now, kept; false: nothing within so many ms. */
static bool pump(int ms)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };
	char msg[9000];
	struct nlmsghdr *h = (struct nlmsghdr *)msg;
	ssize_t n;

	if (listener < 0)
		FAIL("audit_expect() without audit_watch()");
	if (poll(&p, 1, ms) <= 0)
		return false;
	n = recv(listener, msg, sizeof(msg) - 1, MSG_DONTWAIT);
	if (n < (ssize_t)sizeof(*h))
		return n >= 0 || errno == ENOBUFS;
	msg[n] = '\0';
	/* Only ours */
	if (!strstr(msg + sizeof(*h), "op=") || nr_kept == KEEP)
		return true;
	snprintf(kept[nr_kept++], ROOM, "type=%d %.1180s ", h->nlmsg_type,
		 msg + sizeof(*h));
	return true;
}

static bool has_all(const char *text, const char *const *words)
{
	for (; *words; words++) {
		if (!strstr(text, *words))
			return false;
	}
	return true;
}

void audit_expect_(const char *file, int line, const char *const *words)
{
	uint64_t end = now_ns() + 3000000000ULL;
	unsigned int i = 0;

	for (;;) {
		for (; i < nr_kept; i++) {
			if (has_all(kept[i], words)) {
				/* Each record shows one thing only */
				kept[i][0] = '\0';
				return;
			}
		}
		if (now_ns() > end)
			break;
		pump(50);
	}
	vmt_fail(file, line, "no record with %s %s %s among %u; the last: %s",
		 words[0], words[1] ? words[1] : "",
		 words[1] && words[2] ? words[2] : "", nr_kept,
		 nr_kept ? kept[nr_kept - 1] : "none");
}

unsigned int audit_count(const char *word)
{
	unsigned int n = 0;

	while (pump(200))
		;
	for (unsigned int i = 0; i < nr_kept; i++) {
		if (strstr(kept[i], word))
			n++;
	}
	return n;
}

int audit_set(uint32_t mask, uint32_t value)
{
	struct {
		struct nlmsghdr h;
		struct audit_status s;
	} msg = {
		.h = { .nlmsg_len = sizeof(msg), .nlmsg_type = AUDIT_SET,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.s = { .mask = mask },
	};
	char answer[8192];
	int fd = netlink_open(0);
	ssize_t n;

	if (mask == AUDIT_STATUS_BACKLOG_LIMIT)
		msg.s.backlog_limit = value;
	else if (mask == AUDIT_STATUS_BACKLOG_WAIT_TIME)
		msg.s.backlog_wait_time = value;
	else if (mask == AUDIT_STATUS_RATE_LIMIT)
		msg.s.rate_limit = value;
	else
		msg.s.enabled = value;
	MUST(send(fd, &msg, sizeof(msg), 0));
	n = recv(fd, answer, sizeof(answer), 0);
	close(fd);
	if (n < (ssize_t)(sizeof(struct nlmsghdr) + sizeof(int)))
		return -EIO;
	return *(int *)NLMSG_DATA((struct nlmsghdr *)answer);
}
