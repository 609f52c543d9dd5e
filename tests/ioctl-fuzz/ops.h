/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calls, each as an X(name, arguments, weight, function). */
#ifndef IOCTL_FUZZ_OPS_H
#define IOCTL_FUZZ_OPS_H

#include "fuzz.h"

#define OPS(X)								\
	/* contexts and what they make: ops_call.c */			\
	X(open,		"Nv",		6)				\
	X(info,		"cz",		1)				\
	X(device_info,	"cvz",		2)				\
	X(buf_create,	"cNBz",		5)				\
	X(model_load,	"cNkrz",	6)				\
	X(model_info,	"mz",		1)				\
	X(model_tensor,	"mfpz",		2)				\
	X(bind,		"cmSonbbz",	10)				\
	X(bind_odd,	"cmSrz",	4)				\
	X(unbind,	"csz",		5)				\
	X(run,		"cspntz",	14)				\
	X(queue_create,	"cNnnz",	5)				\
	X(raw,		"Kwwr",		4)				\
	/* queues: ops_ring.c */					\
	X(queue_map,	"qBf",		4)				\
	X(queue_unmap,	"q",		1)				\
	X(submit,	"qspnnt",	20)				\
	X(sqe,		"qspntfr",	10)				\
	X(sqe_torn,	"qwr",		3)				\
	X(sq_tail,	"qwf",		4)				\
	X(cq_head,	"qwf",		3)				\
	X(reap,		"qn",		6)				\
	X(scribble,	"qwrn",		3)				\
	X(enter,	"qnntz",	10)				\
	X(poll,		"qft",		3)				\
	X(epoll,	"qf",		2)				\
	X(eventfd,	"e",		2)				\
	X(queue_eventfd, "qez",		3)				\
	X(queue_fence,	"qez",		5)				\
	/* memory and dma-bufs: ops_buf.c */				\
	X(buf_map,	"bBf",		3)				\
	X(buf_unmap,	"b",		2)				\
	X(buf_touch,	"bwr",		4)				\
	X(buf_ioctl,	"bfr",		3)				\
	X(udmabuf,	"NB",		2)				\
	X(madvise,	"Kqf",		2)				\
	/* processes and descriptors: ops_sys.c */			\
	X(close,	"Kq",		5)				\
	X(dup,		"Kqq",		2)				\
	X(send_fd,	"Kq",		2)				\
	X(file_io,	"Kqfn",		1)				\
	X(fork,		"fq",		3)				\
	X(signal,	"f",		3)				\
	X(pause,	"t",		4)				\
	X(identity,	"f",		2)				\
	/* devices: ops_dev.c */					\
	X(null_add,	"r",		3)				\
	X(null_set,	"vr",		4)				\
	X(null_remove,	"v",		1)				\
	X(null_module,	"f",		1)				\
	X(sysfs,	"v",		1)				\
	X(parameter,	"fw",		2)				\
	/* security: ops_sec.c */					\
	X(policy,	"cffwz",	2)				\
	X(block,	"cfkrz",	3)				\
	X(cgroup,	"gg",		2)				\
	X(cgroup_make,	"gf",		2)				\
	X(cgroup_enter,	"g",		3)				\
	X(grant,	"cgffrz",	5)				\
	X(rights,	"cgffz",	3)				\
	X(limit,	"cgfwtz",	5)				\
	X(usage,	"cgfz",		2)				\
	X(weight,	"cgfnz",	4)				\
	X(sched,	"cvgfz",	3)

#define OP_DECLARE(name, args, weight) \
	long op_##name(struct world *w, const uint64_t *a);
OPS(OP_DECLARE)

#define STRUCT(type)	((struct aioffload_##type){		\
				.size = sizeof(struct aioffload_##type) })

#endif /* IOCTL_FUZZ_OPS_H */
