// SPDX-License-Identifier: GPL-2.0
/*
 * cpu.max for our threads, where the kernel does not see to that.
 *
 * Newer kernels charge a cgroup for its kernel threads and yet never stop them,
 * only what returns to user space. So our threads would take what they like,
 * and the cgroup's processes would have to make up for it. There we keep count
 * ourselves: of what our threads use in a cgroup and below it in each period,
 * and have them rest when that is the cgroup's quota. A small part is left to
 * its processes, which the kernel holds to the rest.
 *
 * Quotas are read from the cgroups' files, when a cgroup's threads begin and
 * then while they work: the kernel has no other way to ask.
 */
#include <linux/cgroup.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "../core/internal.h"

#if HAVE_TASK_THROTTLE

#define AI_MAX_REFRESH	(100 * NSEC_PER_MSEC)
#define AI_MAX_SLACK	(50 * NSEC_PER_USEC)

/* Of 32 parts so many are ours. */
#define AI_MAX_OURS	31

/**
 * struct ai_max - a cgroup's quota, shared by the hosts in it and below
 * @node:	in ai_maxes
 * @id:		the cgroup's
 * @refs:	hosts
 * @rate:	@rate.most_ns 0: there is none
 */
struct ai_max {
	struct hlist_node node;
	u64 id;
	u32 refs;
	struct ai_rate rate;
};

static DEFINE_SPINLOCK(ai_max_lock);	/* all of the above */
static DEFINE_HASHTABLE(ai_maxes, 6);
static struct vfsmount *ai_cgroup_mnt;

static struct ai_max *max_find(u64 id)
{
	struct ai_max *m;

	hash_for_each_possible(ai_maxes, m, node, id)
		if (m->id == id)
			return m;
	return NULL;
}

static struct ai_max *max_get(u64 id)
{
	struct ai_max *new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	struct ai_max *m;

	spin_lock(&ai_max_lock);
	m = max_find(id);
	if (!m && new) {
		m = new;
		new = NULL;
		m->id = id;
		hash_add(ai_maxes, &m->node, id);
	}
	if (m)
		m->refs++;
	spin_unlock(&ai_max_lock);
	kfree(new);
	return m;
}

static void max_put(struct ai_max *m)
{
	bool last;

	spin_lock(&ai_max_lock);
	last = !--m->refs;
	if (last)
		hash_del(&m->node);
	spin_unlock(&ai_max_lock);
	if (last)
		kfree(m);
}

/* What the file says, in us; false: nothing that limits. */
static bool read_quota(const char *path, u64 *quota, u64 *period)
{
	const struct path root = {
		.mnt = ai_cgroup_mnt, .dentry = ai_cgroup_mnt->mnt_root,
	};
	struct file *file = file_open_root(&root, path, O_RDONLY, 0);
	char text[48];
	loff_t pos = 0;
	ssize_t n;

	if (IS_ERR(file))
		return false;
	n = kernel_read(file, text, sizeof(text) - 1, &pos);
	fput(file);
	if (n <= 0)
		return false;
	text[n] = 0;
	return sscanf(text, "%llu %llu", quota, period) == 2 && *quota &&
	       *period;
}

static void max_set(struct ai_max *m, u64 quota_us, u64 period_us)
{
	/* No machine has that much time; and nothing overflows. */
	u64 quota = min_t(u64, quota_us, U32_MAX) * NSEC_PER_USEC;
	u64 period = min_t(u64, period_us, U32_MAX) * NSEC_PER_USEC;

	spin_lock(&ai_max_lock);
	m->rate.most_ns = quota / 32 * AI_MAX_OURS;
	if (m->rate.period_ns != period) {
		m->rate.period_ns = period;
		m->rate.end_ns = ai_now() + period;
	}
	spin_unlock(&ai_max_lock);
}

static void refresh(struct ai_host *host, char *path)
{
	bool limited = false;
	u64 quota, period;
	u32 i;

	for (i = 0; i < host->nr_max; i++) {
		struct cgroup *cgrp = cgroup_ancestor(host->cgrp, i + 1);
		int n = cgroup_path(cgrp, path, PATH_MAX);

		if (n <= 0 || n >= PATH_MAX - 16)
			continue;
		strcpy(path + n, "/cpu.max");
		quota = 0;
		period = USEC_PER_SEC;
		limited |= read_quota(path + 1, &quota, &period);
		max_set(host->max[i], quota, period);
	}
	WRITE_ONCE(host->limited, limited);
}

/* On a worker: it is in the first namespaces, and may read the files. */
static void ai_max_work(struct work_struct *work)
{
	struct ai_host *host = container_of(work, struct ai_host, max_work);
	char *path = kmalloc(PATH_MAX, GFP_KERNEL);

	if (path)
		refresh(host, path);
	kfree(path);
}

/* Return: 0 or -ENOMEM. */
int ai_max_open(struct ai_host *host)
{
	u32 level;

	INIT_WORK(&host->max_work, ai_max_work);
	for (level = 1; level <= min(host->cgrp->level, AI_MAX_LEVELS);
	     level++) {
		struct ai_max *m =
			max_get(cgroup_id(cgroup_ancestor(host->cgrp, level)));

		if (!m)
			return -ENOMEM;
		host->max[host->nr_max++] = m;
	}
	if (ai_cgroup_mnt)
		queue_work(ai_wq, &host->max_work);
	return 0;
}

/*
 * Until the quotas are known for the first time. Not with ai_hosts_lock, for
 * which all workers that there are may be waiting.
 */
void ai_max_wait(struct ai_host *host)
{
	flush_work(&host->max_work);
}

void ai_max_close(struct ai_host *host)
{
	cancel_work_sync(&host->max_work);
	while (host->nr_max)
		max_put(host->max[--host->nr_max]);
}

/* Return: until when there is nothing left to use, or 0. */
static u64 charge(struct ai_host *host, u64 now, u64 ns)
{
	u64 until = 0;
	u32 i;

	spin_lock(&ai_max_lock);
	for (i = 0; i < host->nr_max; i++) {
		struct ai_rate *r = &host->max[i]->rate;

		if (r->most_ns && ai_rate_charge(r, now, ns))
			until = max(until, r->end_ns);
	}
	spin_unlock(&ai_max_lock);
	return until;
}

static bool must_go_on(struct ai_request *rq)
{
	if (!rq)
		return kthread_should_stop();
	return READ_ONCE(rq->dev->stopping) || READ_ONCE(rq->job.cancelled);
}

/*
 * ai_max_rest() - the calling thread rests if its cgroup has used its quota
 * @rq:	what it is at, or NULL
 */
void ai_max_rest(struct ai_host_thread *t, struct ai_request *rq)
{
	struct ai_host *host = t->pool->host;
	u64 used = current->se.sum_exec_runtime;
	u64 now = ai_now(), ns = used - t->cpu_ns, until;

	t->cpu_ns = used;
	if (now - READ_ONCE(host->max_at) > AI_MAX_REFRESH && ai_cgroup_mnt) {
		WRITE_ONCE(host->max_at, now);
		queue_work(ai_wq, &host->max_work);
	}
	/* Nor does the kernel stop what is realtime. */
	if (!READ_ONCE(host->limited) ||
	    (t->pool->qos == AIOFFLOAD_QOS_REALTIME && !t->spent))
		return;
	while ((until = charge(host, ai_now(), ns))) {
		ktime_t then = ns_to_ktime(until);

		ns = 0;
		set_current_state(TASK_IDLE);
		if (must_go_on(rq))
			break;
		schedule_hrtimeout_range(&then, AI_MAX_SLACK,
					 HRTIMER_MODE_ABS);
	}
	__set_current_state(TASK_RUNNING);
}

static void mount_work(struct work_struct *work)
{
	struct file_system_type *type = get_fs_type("cgroup2");
	struct vfsmount *mnt = type ? kern_mount(type) : ERR_PTR(-ENODEV);

	/* It is part of the kernel: there is no reference to give back. */
	if (IS_ERR(mnt))
		pr_warn("aioffload: cgroups can't be read (%ld), cpu.max will not hold for jobs of queues\n",
			PTR_ERR(mnt));
	else
		ai_cgroup_mnt = mnt;
}

void ai_max_init(void)
{
	struct work_struct work;

	/* In the first namespaces, wherever the module is loaded from. */
	INIT_WORK_ONSTACK(&work, mount_work);
	queue_work(ai_wq, &work);
	flush_work(&work);
	destroy_work_on_stack(&work);
}

void ai_max_exit(void)
{
	if (ai_cgroup_mnt)
		kern_unmount(ai_cgroup_mnt);
}

#endif
