// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * Where everything lies. Tensors live from the first task that writes them to
 * the last that touches them; the lowest gap that is large enough takes each.
 * Few live at a time, so walking them in order of address is cheap.
 */
#include "program.h"

struct block {
	u64 begin, end;
	u32 tensor;		/* its root, or ENG_NONE: scratch */
};

struct life {
	u32 last;		/* last task that touches it, by root */
	bool placed;
	u64 at;
};

struct planner {
	struct eng_compiler *c;
	struct life *lives;	/* by tensor */
	struct block *blocks;	/* by address */
	u32 nr_blocks;
	u64 top;		/* arena so far */
};

static u64 round_up(u64 bytes)
{
	return (bytes + AIM_ALIGN - 1) & ~(u64)(AIM_ALIGN - 1);
}

static u64 take(struct planner *p, u64 bytes, u32 tensor)
{
	u64 at = 0;
	u32 i, k;

	bytes = round_up(bytes ? bytes : 1);
	for (i = 0; i < p->nr_blocks; i++) {
		if (p->blocks[i].begin - at >= bytes)
			break;
		at = p->blocks[i].end;
	}
	for (k = p->nr_blocks++; k > i; k--)
		p->blocks[k] = p->blocks[k - 1];
	p->blocks[i] = (struct block){ at, at + bytes, tensor };
	if (at + bytes > p->top)
		p->top = at + bytes;
	return at;
}

/* Drop scratch, and tensors that task @task was the last to touch. */
static void drop(struct planner *p, u32 task)
{
	u32 i, n = 0;

	for (i = 0; i < p->nr_blocks; i++) {
		u32 t = p->blocks[i].tensor;

		if (t != ENG_NONE && p->lives[t].last > task)
			p->blocks[n++] = p->blocks[i];
	}
	p->nr_blocks = n;
}

static int place(struct planner *p, u32 tensor, bool written,
		 struct eng_ref *ref)
{
	const struct aim_view *v = p->c->view;
	const struct aim_tensor *t;
	struct life *life;
	u32 root;

	if (tensor == AIM_NO_TENSOR)
		return 0;
	root = p->c->info[tensor].root;
	t = &v->tensors[root];
	ref->place = t->place;
	switch (t->place) {
	case AIM_PLACE_CONST:
		ref->base = v->consts + t->offset;
		return 0;
	case AIM_PLACE_INPUT:
	case AIM_PLACE_OUTPUT:
		ref->index = (u32)t->offset;
		return 0;
	}
	life = &p->lives[root];
	if (!life->placed) {
		if (!written)	/* nothing wrote it: not a verified model */
			return -EINVAL;
		life->at = take(p, t->bytes, root);
		life->placed = true;
	}
	ref->at += life->at;
	return 0;
}

static int place_task(struct planner *p, struct eng_task *t)
{
	int err;

	err = place(p, t->tensor[2], true, &t->y);
	if (!err)
		err = place(p, t->tensor[0], false, &t->x);
	if (!err)
		err = place(p, t->tensor[1], false, &t->z);
	if (!err && t->scratch_bytes) {
		t->scratch.place = AIM_PLACE_ARENA;
		t->scratch.at = take(p, t->scratch_bytes, ENG_NONE);
	}
	return err;
}

static void find_lives(struct planner *p)
{
	struct eng_program *prog = p->c->prog;
	u32 i, k;

	for (i = 0; i < prog->nr_tasks; i++) {
		for (k = 0; k < ENG_TASK_OPERANDS; k++) {
			u32 t = prog->tasks[i].tensor[k];

			if (t != AIM_NO_TENSOR)
				p->lives[p->c->info[t].root].last = i;
		}
	}
}

int eng_plan(struct eng_compiler *c)
{
	const struct eng_env *env = &c->prog->env;
	struct planner p = { .c = c };
	u32 i;
	int err = -ENOMEM;

	p.lives = env->alloc((size_t)c->view->nr_tensors * sizeof(*p.lives));
	p.blocks = env->alloc(((size_t)c->view->nr_tensors + 1) *
			      sizeof(*p.blocks));
	if (!p.lives || !p.blocks)
		goto out;
	find_lives(&p);
	err = 0;
	for (i = 0; i < c->prog->nr_tasks && !err; i++) {
		err = place_task(&p, &c->prog->tasks[i]);
		drop(&p, i);
	}
	if (!err && p.top > AIM_MAX_ARENA_BYTES * 2)
		err = -ENOMEM;
	c->prog->arena_bytes = p.top ? (size_t)p.top : AIM_ALIGN;
out:
	env->free(p.lives);
	env->free(p.blocks);
	return err;
}
