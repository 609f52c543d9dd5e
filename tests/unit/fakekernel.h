/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel for tests of the library and the command: it answers the ioctls of
 * the uapi in this process. Link with -Wl,--wrap=ioctl -Wl,--wrap=open and call
 * fake_boot(). Device nodes are empty files in a directory of its own; buffers
 * and rings are memfds. Models go through the real verifier.
 *
 * A job's outputs, one after the other, are its inputs, one after the other,
 * each byte XORed with FAKE_KEY, repeated as often as they fit.
 */
#ifndef FAKEKERNEL_H
#define FAKEKERNEL_H

#include <linux/aioffload.h>
#include <stdbool.h>

#define FAKE_KEY	0x5a

/* Knobs. All zero is a kernel in good health with one CPU device. */
struct fake {
	unsigned int nr_devices;	/* as set by fake_boot(): 1 */
	unsigned int first_device;	/* id of the first one */
	unsigned int device_step;	/* ids apart */
	unsigned int abi;		/* as set by fake_boot(): the header's */
	unsigned int max_samples;
	unsigned int device_state;
	const char *driver;
	int open_errno;			/* fail every open() of a node */
	unsigned int fail_nr;		/* _IOC_NR that fails with fail_errno */
	int fail_errno;
	unsigned int fail_times;	/* so often, then no more; 0: always */
	int job_errno;			/* jobs with sample job_errno_at fail */
	unsigned int job_errno_at;
	unsigned int ring_start;	/* first index of both rings */
	unsigned int bad_offsets;	/* describe rings with nonsense */
	bool reverse;			/* complete in reverse order */
	unsigned int jobs;		/* out: jobs run */
	unsigned int runs;		/* out: IOC_RUN calls */
	unsigned int enters;		/* out: IOC_ENTER calls */
	unsigned long long last_timeout;	/* out: of the last job */
	struct aioffload_bind_io last_ios[64];	/* out: of the last binding */
	unsigned int slots;		/* out: slots in use */
	struct aioffload_policy policy;	/* that is in force; only read */
	char dir[64];			/* out: directory of nodes */
};

extern struct fake fake;

void fake_boot(void);
void fake_shutdown(void);

/* Open descriptors of this process, to find leaks. */
int fake_open_fds(void);

#endif /* FAKEKERNEL_H */
