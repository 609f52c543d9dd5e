// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a .tflite file holds, and what keeps it from being converted. */
#include <stdio.h>
#include <stdlib.h>

#include "lower.h"

#define MAX_ISSUES 64

static void fill_tensor(const struct tfl_model *m, u32 tensor,
			struct aim_tfl_tensor *out)
{
	const struct tfl_tensor *t = &m->tensors[tensor];
	u32 i;

	tfl_text(&m->fb, &t->name, out->name, sizeof(out->name));
	snprintf(out->type, sizeof(out->type), "%s", tfl_type_name(t->type));
	out->rank = t->rank;
	for (i = 0; i < t->rank && i < AIM_TFL_MAX_RANK; i++)
		out->dims[i] = t->dims[i];
	if (t->scales.n == 1) {
		out->scale = (double)fb_vec_f32(&m->fb, &t->scales, 0);
		out->zero_point = fb_vec_s64(&m->fb, &t->zero_points, 0);
	}
}

static int fill_tensors(const struct tfl_model *m, const struct fb_vec *list,
			struct aim_tfl_tensor **out, size_t *n)
{
	u32 i;

	/* More can't be converted; a vector may be shared and long. */
	*n = list->n > AIM_MAX_IO ? AIM_MAX_IO : list->n;
	*out = calloc(*n + 1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	for (i = 0; i < *n; i++)
		fill_tensor(m, (u32)fb_vec_s32(&m->fb, list, i), &(*out)[i]);
	return 0;
}

static int by_name(const void *pa, const void *pb)
{
	const struct aim_tfl_op_count *a = pa, *b = pb;

	return strcmp(a->name, b->name);
}

static int by_count(const void *pa, const void *pb)
{
	const struct aim_tfl_op_count *a = pa, *b = pb;

	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return strcmp(a->name, b->name);
}

static int fill_ops(const struct tfl_model *m, struct aim_tfl_info *info)
{
	struct aim_tfl_op_count *ops = calloc(m->nr_ops + 1, sizeof(*ops));
	size_t n = 0;
	u32 i;

	if (!ops)
		return -ENOMEM;
	info->ops = ops;
	for (i = 0; i < m->nr_ops; i++) {
		tfl_op_text(m, &m->ops[i], ops[i].name, sizeof(ops[i].name));
		ops[i].count = 1;
	}
	qsort(ops, m->nr_ops, sizeof(*ops), by_name);
	for (i = 0; i < m->nr_ops; i++) {
		if (n && !strcmp(ops[n - 1].name, ops[i].name))
			ops[n - 1].count++;
		else
			ops[n++] = ops[i];
	}
	qsort(ops, n, sizeof(*ops), by_count);
	info->nr_ops = n;
	return 0;
}

static int fill_info(const struct tfl_model *m, struct aim_tfl_info *info)
{
	u32 i;
	int err;

	info->schema_version = m->version;
	tfl_text(&m->fb, &m->description, info->description,
		 sizeof(info->description));
	info->subgraphs = m->subgraphs;
	info->tensors = m->nr_tensors;
	info->operators = m->nr_ops;
	for (i = 0; i < m->nr_tensors; i++)
		info->const_bytes += m->tensors[i].data_bytes;
	err = fill_tensors(m, &m->inputs, &info->inputs, &info->nr_inputs);
	if (!err)
		err = fill_tensors(m, &m->outputs, &info->outputs,
				   &info->nr_outputs);
	if (!err)
		err = fill_ops(m, info);
	if (!err)
		info->issues = calloc(MAX_ISSUES, sizeof(*info->issues));
	return err || !info->issues ? -ENOMEM : 0;
}

static void add_issue(struct aim_tfl_info *info, const char *text)
{
	if (info->nr_issues == MAX_ISSUES) {
		info->more_issues++;
		return;
	}
	snprintf(info->issues[info->nr_issues++], AIM_CONVERT_REASON_LEN, "%s",
		 text);
}

static bool reads_broken(const struct cv *c)
{
	u32 i;

	for (i = 0; i < c->op->inputs.n; i++) {
		u32 t = cv_input(c, i);

		if (t != CV_NONE && c->values[t].broken)
			return true;
	}
	return false;
}

/*
 * Try each operator. One that fails leaves results as the file declares them;
 * where even that says nothing, the operators that read them are left out.
 */
static void find_issues(struct cv *c, struct aim_tfl_info *info,
			const char *reason)
{
	u32 i, k;
	int err;

	err = cv_check_frame(c);
	if (!err)
		err = cv_add_inputs(c);
	if (err) {
		add_issue(info, reason);
		return;
	}
	for (i = 0; i < c->m->nr_ops; i++) {
		bool skipped;

		cv_set_op(c, i);
		skipped = reads_broken(c);
		err = skipped ? -EINVAL : cv_lower(c);
		if (err && !skipped)
			add_issue(info, reason);
		for (k = 0; err && k < c->op->outputs.n; k++)
			cv_stand_in(c, cv_output(c, k));
	}
	c->op = NULL;
}

static int inspect(const struct tfl_model *m, const void *data, size_t bytes,
		   struct aim_tfl_info *info)
{
	char reason[AIM_CONVERT_REASON_LEN] = "";
	const struct tfl_reason why = { reason, sizeof(reason) };
	size_t out_bytes;
	struct cv c;
	void *out;
	int err;

	err = fill_info(m, info);
	if (err)
		return err;
	err = cv_init(&c, m, NULL, &why);
	if (!err)
		find_issues(&c, info, reason);
	cv_free(&c);
	if (err || info->nr_issues)
		return err;
	/* Nothing found piece by piece: try the whole. */
	if (aim_convert_tflite(data, bytes, NULL, &out, &out_bytes, reason,
			       sizeof(reason)))
		add_issue(info, reason);
	free(out);
	return 0;
}

int aim_tfl_inspect(const void *data, size_t bytes, struct aim_tfl_info *info,
		    char *reason, size_t reason_len)
{
	const struct tfl_reason why = { reason, reason_len };
	struct tfl_model m;
	int err;

	memset(info, 0, sizeof(*info));
	if (reason_len)
		reason[0] = '\0';
	err = tfl_read(data, bytes, &m, &why);
	if (err)
		return err;
	err = inspect(&m, data, bytes, info);
	tfl_free(&m);
	if (err) {
		tfl_say(&why, "out of memory");
		aim_tfl_info_free(info);
	}
	return err;
}

void aim_tfl_info_free(struct aim_tfl_info *info)
{
	free(info->inputs);
	free(info->outputs);
	free(info->ops);
	free(info->issues);
	memset(info, 0, sizeof(*info));
}
