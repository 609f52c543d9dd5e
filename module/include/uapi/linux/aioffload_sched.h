/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * aioffload: shares of devices. A part of <linux/aioffload.h>, which includes it.
 */
#ifndef _UAPI_LINUX_AIOFFLOAD_SCHED_H
#define _UAPI_LINUX_AIOFFLOAD_SCHED_H

#include <linux/types.h>

#define AIOFFLOAD_WEIGHT_DEFAULT	100U
#define AIOFFLOAD_WEIGHT_MAX		10000U

#define AIOFFLOAD_WEIGHT_SET		(1U << 0)	/* @weight */
#define AIOFFLOAD_WEIGHT_SET_CPU	(1U << 1)	/* @cpu_weight */

/**
 * struct aioffload_weight - AIOFFLOAD_IOC_WEIGHT: a cgroup's share of devices
 * @size:	in/out
 * @flags:	AIOFFLOAD_WEIGHT_SET*: which of @weight and @cpu_weight to set;
 *		then nothing is written back. 0: tell what holds
 * @cgroup_fd:	to set as in struct aioffload_grant, whose permissions hold here
 *		too; to read as in struct aioffload_usage
 * @weight:	in/out: 1 to WEIGHT_MAX; 0: none set
 * @cpu_weight:	in/out: the cgroup's cpu.weight, as somebody who can read it
 *		says; 0: not known. Counts while @weight is 0, and is forgotten
 *		when the cgroup uses no device any more.
 * @effective:	out: @weight, else @cpu_weight, else WEIGHT_DEFAULT
 *
 * A cgroup's share of what its parent is given of a device is its weight over
 * the weights of all who compete there. Weights are not inherited.
 */
struct aioffload_weight {
	__u32 size;
	__u32 flags;
	__s32 cgroup_fd;
	__u32 weight;
	__u32 cpu_weight;
	__u32 effective;
};

#define AIOFFLOAD_NR_QOS	4	/* values of enum aioffload_qos */

/**
 * struct aioffload_sched_class - jobs of one class
 * @served_ns:	device time they had
 * @done:	that ended
 * @missed:	those of them that had a deadline and ended later
 * @late_max_ns: by how much at most
 * @waited_ns:	sum of the times until the device had them
 * @wait_max_ns: the longest of them
 * @waiting:	that wait now
 * @running:	that are at the device now
 */
struct aioffload_sched_class {
	__u64 served_ns;
	__u64 done;
	__u64 missed;
	__u64 late_max_ns;
	__u64 waited_ns;
	__u64 wait_max_ns;
	__u32 waiting;
	__u32 running;
};

/**
 * struct aioffload_sched - AIOFFLOAD_IOC_SCHED: a cgroup on a device
 * @size:	in/out
 * @flags:	must be 0
 * @device:	its id
 * @path_len:	room at @path
 * @path:	where the cgroup's path goes, as in struct aioffload_rights; or 0
 * @cgroup_id:	in: look from this number upwards; out: the one found. To list
 *		all, start at 0 and go on from cgroup_id + 1 until ENOENT.
 * @parent_id:	out: number of the cgroup above it there; 0: none that the
 *		caller can see
 * @total_ns:	out: device time that all cgroups together were given
 * @lag_ns:	out: device time that it is owed now, among its siblings;
 *		negative: it had more than its share
 * @lag_background_ns: out: likewise, of background jobs
 * @weight:	out: as in struct aioffload_weight; 0 for the root, which has no
 * @cpu_weight:	siblings
 * @effective:
 * @host:	out: 1: the device is the host, whose own scheduler divides it;
 *		then nobody has a lag, and jobs are counted when they have ended
 * @contexts:	out: that have bindings for the device
 * @queues:	out: of the cgroup and all below it, for whatever device
 * @classes:	out: by enum aioffload_qos, of this very cgroup; what its
 *		children had goes over to it when they have left the device.
 *		Realtime jobs are told as interactive where they run as such.
 *
 * A cgroup is there while it, or one below it, has bindings for the device.
 * Told are the caller's own and those below it; who is the administrator, as
 * for AIOFFLOAD_IOC_GRANT, sees all of his cgroup namespace. ENODEV: no such
 * device, or none to be seen.
 */
struct aioffload_sched {
	__u32 size;
	__u32 flags;
	__u32 device;
	__u32 path_len;
	__u64 path;
	__u64 cgroup_id;
	__u64 parent_id;
	__u64 total_ns;
	__s64 lag_ns;
	__s64 lag_background_ns;
	__u32 weight;
	__u32 cpu_weight;
	__u32 effective;
	__u32 host;
	__u32 contexts;
	__u32 queues;
	struct aioffload_sched_class classes[AIOFFLOAD_NR_QOS];
};

#endif /* _UAPI_LINUX_AIOFFLOAD_SCHED_H */
