/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one place where kernel versions differ. Code elsewhere is written for
 * the newest kernel, or calls a compat_ function below where that is not
 * possible; which branch is right was found by compat/configure, never by a
 * version number (distributions backport).
 *
 * To add a difference: probes/NAME.c, which compiles only where the newer form
 * exists; then use HAVE_NAME (1 or 0) here.
 */
#ifndef AIOFFLOAD_COMPAT_H
#define AIOFFLOAD_COMPAT_H

#ifdef __has_include	/* sparse has not */
#if !__has_include("probed.h")
#error "module/compat/configure KDIR must run before kbuild"
#endif
#endif
#include "probed.h"

#include <linux/device.h>
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/eventfd.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <crypto/sha2.h>

#if HAVE_IMPORT_NS_TOKEN
#define COMPAT_IMPORT_NS_DMA_BUF	MODULE_IMPORT_NS(DMA_BUF)
#else
#define COMPAT_IMPORT_NS_DMA_BUF	MODULE_IMPORT_NS("DMA_BUF")
#endif

static inline struct class *compat_class_create(const char *name)
{
#if HAVE_CLASS_CREATE_ONE_ARG
	return class_create(name);
#else
	return class_create(THIS_MODULE, name);
#endif
}

static inline bool compat_task_on_cpu(const struct task_struct *task)
{
#if HAVE_TASK_ON_CPU
	return READ_ONCE(task->on_cpu);
#else
	return task == current;
#endif
}

/* Before the first argument of class->devnode(). */
#if HAVE_DEVNODE_CONST
#define COMPAT_DEVNODE_CONST	const
#else
#define COMPAT_DEVNODE_CONST
#endif

#if !HAVE_DMA_BUF_VMAP_UNLOCKED
static inline int dma_buf_vmap_unlocked(struct dma_buf *buf,
					struct iosys_map *map)
{
	return dma_buf_vmap(buf, map);
}

static inline void dma_buf_vunmap_unlocked(struct dma_buf *buf,
					   struct iosys_map *map)
{
	dma_buf_vunmap(buf, map);
}
#endif

#if !HAVE_DMA_BUF_MAP_ATTACHMENT_UNLOCKED
static inline struct sg_table *
dma_buf_map_attachment_unlocked(struct dma_buf_attachment *at,
				enum dma_data_direction dir)
{
	return dma_buf_map_attachment(at, dir);
}

static inline void
dma_buf_unmap_attachment_unlocked(struct dma_buf_attachment *at,
				  struct sg_table *sgt,
				  enum dma_data_direction dir)
{
	dma_buf_unmap_attachment(at, sgt, dir);
}
#endif

static inline void compat_eventfd_signal(struct eventfd_ctx *ctx)
{
#if HAVE_EVENTFD_SIGNAL_ONE_ARG
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

/*
 * Operations of fences that may outlive the module. A fence that has signalled
 * is done with @ops, if the kernel takes care of that; else it needs such as are
 * the kernel's own: those of its stub do nothing, and say "stub" for a name.
 */
static inline const struct dma_fence_ops *
compat_fence_ops(const struct dma_fence_ops *ops)
{
#if !HAVE_FENCE_DETACH
	struct dma_fence *stub = dma_fence_get_stub();

	ops = stub->ops;
	dma_fence_put(stub);
#endif
	return ops;
}

#if !HAVE_VM_FLAGS_SET
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}
#endif

/* sha256_init(), sha256_update(), sha256_final() of the kernel's library. */
#if !HAVE_SHA256_CTX
#define sha256_ctx	sha256_state
#endif

#if !HAVE_HRTIMER_SETUP
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*fn)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
}
#endif

#if !HAVE_TIMER_CONTAINER_OF
#define timer_container_of(var, timer, field)	from_timer(var, timer, field)
#endif

/* The program of a process, with a reference, or NULL. */
static inline struct file *compat_exe_file(struct mm_struct *mm)
{
	struct file *file;

	rcu_read_lock();
#if HAVE_GET_FILE_RCU_PTR
	file = get_file_rcu(&mm->exe_file);
#else
	file = rcu_dereference(mm->exe_file);
	if (file && !get_file_rcu(file))
		file = NULL;
#endif
	rcu_read_unlock();
	return file;
}

/* Kernels without runtime PM don't have the member; nor do they ask for it. */
static inline void compat_pm_last_busy(struct device *device, u64 ns)
{
#ifdef CONFIG_PM
	WRITE_ONCE(device->power.last_busy, ns);
#endif
}

/*
 * The caller's security label, to be freed; NULL if there is none. Kernels
 * with neither form are those between the two: there it is left out.
 */
static inline char *compat_current_label(void)
{
	char *label = NULL;
#if HAVE_SECCTX_LSMID
	struct lsm_prop prop = { };
	struct lsm_context cp;

	security_current_getlsmprop_subj(&prop);
	if (lsmprop_is_set(&prop) &&
	    security_lsmprop_to_secctx(&prop, &cp, LSM_ID_UNDEF) >= 0) {
		label = kstrndup(cp.context, cp.len, GFP_KERNEL_ACCOUNT);
		security_release_secctx(&cp);
	}
#elif HAVE_SECCTX_SECID
	u32 secid, len;
	char *data;

	security_current_getsecid_subj(&secid);
	if (secid && !security_secid_to_secctx(secid, &data, &len)) {
		label = kstrndup(data, len, GFP_KERNEL_ACCOUNT);
		security_release_secctx(data, len);
	}
#endif
	return label;
}

#endif /* AIOFFLOAD_COMPAT_H */
