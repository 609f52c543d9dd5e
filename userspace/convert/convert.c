// SPDX-License-Identifier: LGPL-2.1-or-later
/* The converter's frame: read, lower, plan, write, and prove the result. */
#include <stdio.h>
#include <stdlib.h>

#include <aim/verify.h>

#include "finish.h"
#include "lower.h"

int cv_check_frame(struct cv *c)
{
	const struct tfl_model *m = c->m;

	if (m->subgraphs != 1)
		return cv_refuse(c, -EOPNOTSUPP,
				 "the model has %u graphs; only one is supported (no control flow, no signatures with graphs of their own)",
				 m->subgraphs);
	if (!m->inputs.n || !m->outputs.n)
		return cv_refuse(c, -EINVAL, "the model has no %s",
				 m->inputs.n ? "output" : "input");
	if (!m->nr_ops)
		return cv_refuse(c, -EINVAL, "the model has no operator");
	if ((u64)m->inputs.n + m->outputs.n > AIM_MAX_IO)
		return cv_refuse(c, -E2BIG,
				 "the model has more than %u inputs and outputs",
				 AIM_MAX_IO);
	return 0;
}

int cv_add_inputs(struct cv *c)
{
	u32 i;
	int err = 0;

	for (i = 0; !err && i < c->m->inputs.n; i++)
		err = cv_add_input(c, (u32)fb_vec_s32(&c->m->fb, &c->m->inputs, i));
	return err;
}

static bool keep_all(const struct cv *c)
{
	return c->opt && c->opt->keep_all;
}

/* Call @f for every output that the model is to have, in order. */
static int each_output(struct cv *c, int (*f)(struct cv *c, u32 value))
{
	u32 i, k;
	int err = 0;

	if (!keep_all(c)) {
		for (i = 0; !err && i < c->m->outputs.n; i++)
			err = f(c, (u32)fb_vec_s32(&c->m->fb, &c->m->outputs, i));
		return err;
	}
	for (i = 0; i < c->m->nr_ops; i++) {
		const struct fb_vec *v = &c->m->ops[i].outputs;

		for (k = 0; !err && k < v->n; k++)
			err = f(c, (u32)fb_vec_s32(&c->m->fb, v, k));
	}
	return err;
}

static int mark_external(struct cv *c, u32 value)
{
	c->values[value].external = true;
	return 0;
}

/*
 * A result becomes an output where it is. What has a place of its own already
 * (an input, a constant, an output that is listed twice) is copied to one.
 */
static int add_output(struct cv *c, u32 value)
{
	struct cv_tensor *t;
	u32 tensor, copy;
	int err;

	if (c->nr_inputs + c->nr_outputs >= AIM_MAX_IO)
		return cv_refuse(c, -E2BIG,
				 "the model has more than %u inputs and outputs",
				 AIM_MAX_IO);
	/* shapes that are computed at conversion have no place in a dump */
	if (keep_all(c) && c->values[value].ints)
		return 0;
	err = cv_native(c, value, &tensor);
	if (err)
		return err;
	t = &c->tensors[tensor];
	if (t->t.type == AIM_TYPE_S32 || t->t.scales_count)
		return cv_refuse(c, -EOPNOTSUPP,
				 "output '%s' is a constant of a kind that outputs can't be",
				 cv_name(c, value));
	if (t->t.place != AIM_PLACE_ARENA) {
		err = cv_new_reshape(c, tensor, t->t.rank, t->t.dims, &copy);
		if (err)
			return err;
		t = &c->tensors[copy];
		t->source = value;
	}
	t->t.place = AIM_PLACE_OUTPUT;
	t->t.offset = c->nr_outputs++;
	return 0;
}

int cv_add_outputs(struct cv *c)
{
	c->op = NULL;
	return each_output(c, add_output);
}

void cv_set_op(struct cv *c, u32 i)
{
	c->op = &c->m->ops[i];
	c->op_index = i;
}

static int lower_all(struct cv *c)
{
	u32 i;
	int err = 0;

	/* What can't be had at all is worth more to know than a detail. */
	for (i = 0; !err && i < c->m->nr_ops; i++) {
		cv_set_op(c, i);
		err = cv_check_kind(c);
	}
	for (i = 0; !err && i < c->m->nr_ops; i++) {
		cv_set_op(c, i);
		err = cv_lower(c);
		if (!err && c->m->fb.bad)
			err = cv_refuse(c, -EBADMSG,
					"the file is damaged: %s lies outside its bounds",
					c->m->fb.bad);
	}
	c->op = NULL;
	return err;
}

/* The converter's work is not believed either. */
static int prove(struct cv *c, const void *file, size_t bytes)
{
	struct aim_reason reason;
	struct aim_view view;
	void *scratch = malloc(aim_verify_scratch(file, bytes));
	int err;

	if (!scratch)
		return cv_refuse(c, -ENOMEM, "out of memory");
	err = aim_verify(file, bytes, scratch, &view, &reason);
	free(scratch);
	if (err)
		cv_refuse(c, err, "the verifier refuses the result: %s",
			  reason.text);
	return err;
}

static int convert(struct cv *c, void **out, size_t *out_bytes)
{
	int err = cv_check_frame(c);

	if (!err)
		err = each_output(c, mark_external);
	if (!err)
		err = cv_add_inputs(c);
	if (!err)
		err = lower_all(c);
	if (!err)
		err = cv_add_outputs(c);
	if (!err)
		err = cv_plan(c);
	if (!err)
		err = cv_write(c, out, out_bytes);
	if (err)
		return err;
	err = prove(c, *out, *out_bytes);
	if (err) {
		free(*out);
		*out = NULL;
		*out_bytes = 0;
	}
	return err;
}

int aim_convert_tflite(const void *data, size_t bytes,
		       const struct aim_convert_options *opt,
		       void **out, size_t *out_bytes,
		       char *reason, size_t reason_len)
{
	const struct tfl_reason why = { reason, reason_len };
	struct tfl_model m;
	struct cv c;
	int err;

	*out = NULL;
	*out_bytes = 0;
	if (reason_len)
		reason[0] = '\0';
	err = tfl_read(data, bytes, &m, &why);
	if (err)
		return err;
	err = cv_init(&c, &m, opt, &why);
	if (!err)
		err = convert(&c, out, out_bytes);
	cv_free(&c);
	tfl_free(&m);
	return err;
}
