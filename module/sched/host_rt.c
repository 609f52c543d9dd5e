// SPDX-License-Identifier: GPL-2.0
/*
 * How much realtime there may be: what all realtime queues together may ask of
 * the host's CPUs, and that each gets no more than it asked for.
 */
#include <linux/cpumask.h>
#include <linux/math64.h>
#include <linux/moduleparam.h>
#include <linux/overflow.h>

#include "../core/internal.h"

#define AI_RT_MIN_RUNTIME	NSEC_PER_USEC
#define AI_RT_MAX_PERIOD	(4 * NSEC_PER_SEC)
#define AI_PPM			1000000U

static unsigned int ai_rt_percent = 80;
module_param_named(rt_percent, ai_rt_percent, uint, 0644);
MODULE_PARM_DESC(rt_percent,
		 "How much of each device's and of the CPUs' time realtime queues may reserve, in percent");

/* Periods are products of the arbiter's, too. */
static_assert(AI_RT_MAX_PERIOD <= ARB_MAX_PERIOD_NS);

static DEFINE_MUTEX(ai_rt_lock);
static u64 ai_rt_ppm;		/* reserved, of one CPU */
static struct rb_root ai_rt_admitted = RB_ROOT;		/* struct ai_rt, by ppm */

/* Of a CPU, or of a device that does one job at a time. */
u32 ai_rt_limit_ppm(void)
{
	return min(READ_ONCE(ai_rt_percent), 100U) * (AI_PPM / 100);
}

static u64 rt_deadline(const struct aioffload_queue_create *k)
{
	return k->deadline_ns ?: k->period_ns;
}

/* Does it make sense? 0 or -EINVAL. */
int ai_rt_check(const struct aioffload_queue_create *k)
{
	u64 deadline_ns = rt_deadline(k);

	if (k->period_ns > AI_RT_MAX_PERIOD || deadline_ns > k->period_ns ||
	    k->runtime_ns < AI_RT_MIN_RUNTIME || k->runtime_ns > deadline_ns)
		return -EINVAL;
	return 0;
}

static bool ppm_before(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct ai_rt, admitted)->ppm <
	       rb_entry(b, struct ai_rt, admitted)->ppm;
}

/*
 * The CPUs that the caller's jobs may run on. All that is reserved may be on
 * those: nobody tells what others' will be confined to.
 */
static u32 rt_cpus(void)
{
	return clamp_t(u32, current->nr_cpus_allowed, 1, num_online_cpus());
}

/* Return: false: so much is not left. */
static bool reserve(struct ai_rt *rt, u32 ppm, u32 *left_ppm)
{
	struct rb_node *last;
	u32 left;

	mutex_lock(&ai_rt_lock);
	last = rb_last(&ai_rt_admitted);
	left = arb_rt_left(rt_cpus(), ai_rt_limit_ppm(), ai_rt_ppm,
			   last ? rb_entry(last, struct ai_rt, admitted)->ppm : 0);
	if (ppm <= left) {
		rt->ppm = ppm;
		ai_rt_ppm += ppm;
		rb_add(&rt->admitted, &ai_rt_admitted, ppm_before);
	} else {
		*left_ppm = left;
	}
	mutex_unlock(&ai_rt_lock);
	return ppm <= left;
}

/*
 * A CPU that has to wake up first takes that time from the job's slack: it may be
 * a tenth of it. The kernel's PM QoS heeds the tightest request there is.
 */
static void ask_for_latency(struct ai_rt *rt, u64 slack_ns)
{
	u64 us = div_u64(slack_ns, 10 * NSEC_PER_USEC);

	cpu_latency_qos_add_request(&rt->latency, min_t(u64, us, S32_MAX));
}

/*
 * ai_rt_admit() - may there be one more realtime queue?
 * @rt:		zeroed; filled in
 * @k:		checked
 * @host:	its jobs may come to run in the host
 * @left_ppm:	with -EBUSY: what is left
 *
 * By density, runtime over deadline, as the arbiter does it for a device that
 * takes several jobs at a time. Return: 0 or -EBUSY.
 */
int ai_rt_admit(struct ai_rt *rt, const struct aioffload_queue_create *k,
		bool host, u32 *left_ppm)
{
	u64 deadline_ns = rt_deadline(k);
	u32 ppm;

	if (host) {
		ppm = DIV64_U64_ROUND_UP(k->runtime_ns * AI_PPM, deadline_ns);
		if (!reserve(rt, ppm, left_ppm))
			return -EBUSY;
		ask_for_latency(rt, deadline_ns - k->runtime_ns);
	}
	spin_lock_init(&rt->lock);
	rt->rate.most_ns = k->runtime_ns;
	rt->rate.period_ns = k->period_ns;
	rt->deadline_ns = deadline_ns;
	return 0;
}

void ai_rt_release(struct ai_rt *rt)
{
	if (!rt->ppm)
		return;
	cpu_latency_qos_remove_request(&rt->latency);
	mutex_lock(&ai_rt_lock);
	ai_rt_ppm -= rt->ppm;
	rb_erase(&rt->admitted, &ai_rt_admitted);
	mutex_unlock(&ai_rt_lock);
	rt->ppm = 0;
}

static void renew(struct ai_rate *r, u64 now)
{
	u64 n, paid;

	if (now < r->end_ns)
		return;
	n = div64_u64(now - r->end_ns, r->period_ns) + 1;
	r->end_ns += n * r->period_ns;
	if (check_mul_overflow(n, r->most_ns, &paid))
		paid = U64_MAX;
	r->used_ns -= min(r->used_ns, paid);
}

/* @ns more were used. Return: true: nothing is left in this period. */
bool ai_rate_charge(struct ai_rate *r, u64 now, u64 ns)
{
	renew(r, now);
	r->used_ns += ns;
	return r->used_ns >= r->most_ns;
}

bool ai_rt_charge(struct ai_rt *rt, u64 now, u64 ns)
{
	bool spent;

	spin_lock(&rt->lock);
	spent = ai_rate_charge(&rt->rate, now, ns);
	spin_unlock(&rt->lock);
	return spent;
}
