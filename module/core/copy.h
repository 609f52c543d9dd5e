/* SPDX-License-Identifier: GPL-2.0 */
/* Structures of the uapi, in and out. */
#ifndef AIOFFLOAD_COPY_H
#define AIOFFLOAD_COPY_H

#include <linux/errno.h>
#include <linux/uaccess.h>

/*
 * Structures start with their size. @min is the size of the first version.
 * The size is read once; what the copy brings along in its place is replaced.
 */
static inline int ai_copy_in(void *k, size_t ksize, size_t min,
			     const void __user *u)
{
	u32 usize;
	int ret;

	if (get_user(usize, (const u32 __user *)u))
		return -EFAULT;
	if (usize < min)
		return -EINVAL;
	if (usize > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(k, ksize, u, usize);
	if (!ret)
		*(u32 *)k = usize;
	return ret;
}

/*
 * The same for calls made often. @n: sizeof a structure of 8-byte multiples.
 * A caller with another idea of its size takes the long way.
 */
static __always_inline int ai_copy_in_fast(void *k, size_t n,
					   const void __user *u)
{
	const u64 __user *from = u;
	u64 *to = k;
	size_t i;

	if (unlikely(!user_access_begin(u, n)))
		return -EFAULT;
	unsafe_get_user(to[0], &from[0], fault);
	if (unlikely(*(u32 *)k != n)) {
		user_access_end();
		return ai_copy_in(k, n, n, u);
	}
	for (i = 1; i < n / sizeof(u64); i++)
		unsafe_get_user(to[i], &from[i], fault);
	user_access_end();
	return 0;

fault:
	user_access_end();
	return -EFAULT;
}

int ai_copy_out(void __user *u, void *k, size_t ksize);

#endif /* AIOFFLOAD_COPY_H */
