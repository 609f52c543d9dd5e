/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /dev/vmtest_fencer: another driver's fences, for tests. Each open file holds
 * one at a time, which signals when it is told to and not before.
 */
#ifndef VMTEST_FENCER_H
#define VMTEST_FENCER_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define FENCER_NEW	_IO('F', 1)	/* a new one; the result is a sync_file */
#define FENCER_SIGNAL	_IO('F', 2)	/* the argument: 0, or an errno, positive */

#endif /* VMTEST_FENCER_H */
