// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * From a verified model to a program: look at the whole graph, decide what can
 * be left out, lower what remains to tasks, place every tensor.
 */
#include "program.h"

void eng_fpu_begin(const struct eng_compiler *c)
{
	if (c->prog->env.fpu_begin)
		c->prog->env.fpu_begin();
}

void eng_fpu_end(const struct eng_compiler *c)
{
	if (c->prog->env.fpu_end)
		c->prog->env.fpu_end();
}

u32 eng_elements(const struct aim_tensor *t)
{
	return (u32)t->bytes / aim_type_size(t->type);
}

u64 eng_scalar_cost(const struct eng_compiler *c, u64 tenths_ns)
{
	return tenths_ns * c->isa->macs_per_ns_x16 / 160 + 1;
}

static int grow_tasks(struct eng_program *p)
{
	u32 room = p->room ? p->room * 2 : 32;
	struct eng_task *tasks = p->env.alloc(room * sizeof(*tasks));

	if (!tasks)
		return -ENOMEM;
	if (p->nr_tasks)
		memcpy(tasks, p->tasks, p->nr_tasks * sizeof(*tasks));
	p->env.free(p->tasks);
	p->tasks = tasks;
	p->room = room;
	return 0;
}

struct eng_task *eng_new_task(struct eng_compiler *c, eng_task_fn run, u32 x,
			      u32 z, u32 y)
{
	struct eng_program *p = c->prog;
	struct eng_task *t;

	if (p->nr_tasks == p->room && grow_tasks(p))
		return NULL;
	t = &p->tasks[p->nr_tasks++];
	t->run = run;
	t->tensor[0] = x;
	t->tensor[1] = z;
	t->tensor[2] = y;
	t->granule = 1;
	t->unit_cost = 1;
	t->op = c->op;
	return t;
}

static void count_uses(struct eng_compiler *c)
{
	const struct aim_view *v = c->view;
	u32 i, k;

	for (i = 0; i < v->nr_tensors; i++) {
		c->info[i].root = i;
		c->info[i].writer = ENG_NONE;
		c->info[i].reader = ENG_NONE;
	}
	for (i = 0; i < v->nr_ops; i++) {
		const struct aim_op *op = &v->ops[i];

		for (k = 0; k < op->nr_inputs; k++) {
			u32 t = eng_operand(c, op, k);

			if (t == AIM_NO_TENSOR)
				continue;
			c->info[t].uses++;
			c->info[t].reader = i;
		}
		c->info[eng_output(c, op)].writer = i;
	}
}

/*
 * Reshape costs nothing where one side has no memory of its own yet. Backwards
 * first, so that a chain of reshapes into a model output is computed right
 * there; then forwards.
 */
static void alias_reshapes(struct eng_compiler *c)
{
	const struct aim_view *v = c->view;
	u32 i;

	for (i = v->nr_ops; i-- > 0;) {
		const struct aim_op *op = &v->ops[i];
		u32 x, root;

		if (op->code != AIM_OP_RESHAPE)
			continue;
		x = eng_operand(c, op, 0);
		root = c->info[eng_output(c, op)].root;
		if (v->tensors[root].place == AIM_PLACE_OUTPUT &&
		    v->tensors[x].place == AIM_PLACE_ARENA &&
		    c->info[x].root == x)
			c->info[x].root = root;
	}
	for (i = 0; i < v->nr_ops; i++) {
		const struct aim_op *op = &v->ops[i];
		u32 y = eng_output(c, op);

		if (op->code == AIM_OP_RESHAPE &&
		    v->tensors[y].place == AIM_PLACE_ARENA &&
		    c->info[y].root == y)
			c->info[y].root = c->info[eng_operand(c, op, 0)].root;
	}
}

static bool window_takes(u32 pad, u32 more, u32 kernel, u32 dilation)
{
	return (u64)pad + more < (u64)(kernel - 1) * dilation + 1;
}

/*
 * Zero padding before a convolution is the convolution's own if it stays
 * smaller than the (dilated) kernel.
 */
static bool pad_fits(struct eng_compiler *c, const struct aim_op *op)
{
	const struct aim_view *v = c->view;
	const struct aim_tensor *x = aim_operand(v, op, 0);
	const struct aim_tensor *y = aim_out(v, op, 0);
	const struct eng_tensor_info *info = &c->info[eng_output(c, op)];
	const struct aim_p_pad *pad = &op->p.pad;
	const struct aim_op *next;
	const struct aim_tensor *w;

	if (y->place != AIM_PLACE_ARENA || info->uses != 1 || x->rank != 4)
		return false;
	next = &v->ops[info->reader];
	if (next->code != AIM_OP_CONV2D && next->code != AIM_OP_DEPTHWISE)
		return false;
	if (eng_operand(c, next, 0) != eng_output(c, op))
		return false;
	if (pad->before[0] || pad->after[0] || pad->before[3] || pad->after[3])
		return false;
	if (x->type == AIM_TYPE_F32 ? pad->value != 0 :
	    pad->value != y->zero_point || x->zero_point != y->zero_point)
		return false;
	w = aim_operand(v, next, 1);
	return window_takes(next->p.conv.pad_top, pad->before[1], w->dims[1],
			    next->p.conv.dilation_h) &&
	       window_takes(next->p.conv.pad_bottom, pad->after[1], w->dims[1],
			    next->p.conv.dilation_h) &&
	       window_takes(next->p.conv.pad_left, pad->before[2], w->dims[2],
			    next->p.conv.dilation_w) &&
	       window_takes(next->p.conv.pad_right, pad->after[2], w->dims[2],
			    next->p.conv.dilation_w);
}

static int lower_all(struct eng_compiler *c)
{
	const struct aim_view *v = c->view;
	int err;

	for (c->op = 0; c->op < v->nr_ops; c->op++) {
		const struct aim_op *op = &v->ops[c->op];

		if (op->code == AIM_OP_PAD && pad_fits(c, op)) {
			c->info[eng_output(c, op)].skipped = true;
			continue;
		}
		err = eng_lower(c, op);
		if (err)
			return err;
	}
	return 0;
}

static void add_costs(struct eng_program *p)
{
	u32 i;

	for (i = 0; i < p->nr_tasks; i++)
		p->cost += p->tasks[i].unit_cost * p->tasks[i].units;
}

/* Integers on the scalar unit need nothing of the FPU. */
static bool needs_fpu(const struct eng_compiler *c)
{
	u32 i;

	if (c->isa != &eng_isa_scalar)
		return true;
	for (i = 0; i < c->view->nr_tensors; i++)
		if (c->view->tensors[i].type == AIM_TYPE_F32)
			return true;
	return false;
}

int eng_compile(const struct aim_view *view, const struct eng_isa *isa,
		const struct eng_env *env, struct eng_program **out)
{
	struct eng_compiler c = { .view = view, .isa = isa };
	int err = -ENOMEM;

	c.prog = env->alloc(sizeof(*c.prog));
	if (!c.prog)
		return -ENOMEM;
	c.prog->isa = isa;
	c.prog->env = *env;
	c.budget = eng_budget(c.prog);
	c.info = env->alloc((size_t)view->nr_tensors * sizeof(*c.info));
	if (!c.info)
		goto fail;
	count_uses(&c);
	alias_reshapes(&c);
	err = lower_all(&c);
	if (!err)
		err = eng_plan(&c);
	if (err)
		goto fail;
	env->free(c.info);
	add_costs(c.prog);
	c.prog->fpu = needs_fpu(&c);
	*out = c.prog;
	return 0;
fail:
	env->free(c.info);
	eng_free(c.prog);
	return err;
}

void eng_free(struct eng_program *p)
{
	void (*release)(void *p);
	u32 i;

	if (!p)
		return;
	release = p->env.free;
	for (i = 0; i < p->nr_tasks; i++)
		release(p->tasks[i].packed);
	release(p->tasks);
	release(p);
}
