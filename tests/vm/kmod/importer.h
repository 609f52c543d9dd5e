/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /dev/vmtest_importer: a device that imports dma-bufs, for tests. Each open
 * file holds one mapping; reads and writes go to where the device would go.
 */
#ifndef VMTEST_IMPORTER_H
#define VMTEST_IMPORTER_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* @dir: 0 both ways, 1 the device only reads, 2 it only writes */
struct importer_map {
	__s32 fd;
	__u32 dir;
};

struct importer_copy {
	__u64 user;
	__u32 offset;
	__u32 bytes;
};

#define IMPORTER_MAP		_IOW('I', 1, struct importer_map)
#define IMPORTER_UNMAP		_IO('I', 2)
#define IMPORTER_BOUNCED	_IO('I', 3)	/* 1: not the buffer's own pages */
#define IMPORTER_READ		_IOW('I', 4, struct importer_copy)
#define IMPORTER_WRITE		_IOW('I', 5, struct importer_copy)

#endif /* VMTEST_IMPORTER_H */
