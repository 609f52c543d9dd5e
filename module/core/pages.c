// SPDX-License-Identifier: GPL-2.0
/*
 * Pages shared with user space: zeroed, charged, each with a reference of its
 * own, so that a mapping or a pin that outlives the object is harmless.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "internal.h"

/* Contiguous stretches make shorter scatter lists; none is needed. */
#define AI_ALLOC_ORDER	4

static unsigned long alloc_some(struct page **pages, unsigned long want)
{
	/* Too large a wish fails, and does not have others killed for it. */
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN |
		    __GFP_RETRY_MAYFAIL;
	unsigned long i;
	struct page *page;

	if (want >= 1UL << AI_ALLOC_ORDER) {
		page = alloc_pages((gfp & ~__GFP_RETRY_MAYFAIL) | __GFP_NORETRY,
				   AI_ALLOC_ORDER);
		if (page) {
			split_page(page, AI_ALLOC_ORDER);
			for (i = 0; i < 1UL << AI_ALLOC_ORDER; i++)
				pages[i] = page + i;
			return i;
		}
	}
	page = alloc_page(gfp);
	if (!page)
		return 0;
	pages[0] = page;
	return 1;
}

/*
 * ai_pages_alloc() - @nr pages
 *
 * Return: 0, -ENOMEM (also: the memory cgroup's limit), -EINTR (killed).
 */
int ai_pages_alloc(struct ai_pages *p, unsigned long nr)
{
	unsigned long some;

	p->nr = 0;
	p->pages = kvmalloc_array(nr, sizeof(*p->pages),
				  GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!p->pages)
		return -ENOMEM;
	while (p->nr < nr) {
		some = alloc_some(p->pages + p->nr, nr - p->nr);
		p->nr += some;
		if (!some || fatal_signal_pending(current)) {
			ai_pages_free(p);
			return some ? -EINTR : -ENOMEM;
		}
		cond_resched();
	}
	return 0;
}

void ai_pages_free(struct ai_pages *p)
{
	unsigned long i;

	for (i = 0; i < p->nr; i++) {
		put_page(p->pages[i]);
		cond_resched();
	}
	kvfree(p->pages);
	p->pages = NULL;
	p->nr = 0;
}

vm_fault_t ai_pages_fault(struct ai_pages *p, struct vm_fault *vmf)
{
	if (vmf->pgoff >= p->nr)
		return VM_FAULT_SIGBUS;
	vmf->page = p->pages[vmf->pgoff];
	get_page(vmf->page);
	return 0;
}
