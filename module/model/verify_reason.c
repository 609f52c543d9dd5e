// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * The sentence that says why a file was refused. Names in it come from the
 * file: they may be offsets to nowhere, endless, or made to fool a terminal,
 * so they are looked up with bounds, cut, and stripped to printable ASCII.
 */
#include "verify_internal.h"

#define SHOWN_NAME	40	/* characters of a name that are shown */

struct text {
	char *p;
	size_t left;	/* without the final NUL */
};

static void put_char(struct text *t, char ch)
{
	if (!t->left)
		return;
	*t->p++ = ch;
	t->left--;
}

static void put(struct text *t, const char *s)
{
	while (*s)
		put_char(t, *s++);
}

static void put_number(struct text *t, s64 n)
{
	char digits[20];
	u64 v = n < 0 ? -(u64)n : (u64)n;
	u32 i = 0;

	if (n < 0)
		put_char(t, '-');
	do {
		digits[i++] = '0' + v % 10;
		v /= 10;
	} while (v);
	while (i)
		put_char(t, digits[--i]);
}

/* Nothing at all if the offset is bad: the sentence may be about just that. */
static void put_name(struct text *t, const struct aim_view *v, u32 name)
{
	u32 i;

	if (!name || !v->strings || name >= v->strings_bytes ||
	    !v->strings[name])
		return;
	put(t, " \"");
	for (i = 0; i < SHOWN_NAME && name + i < v->strings_bytes; i++) {
		char ch = v->strings[name + i];

		if (!ch)
			break;
		put_char(t, ch < ' ' || ch > '~' || ch == '"' ? '?' : ch);
	}
	put_char(t, '"');
}

static void put_tensor(struct text *t, const struct aim_view *v, u32 tensor)
{
	put(t, "tensor ");
	put_number(t, tensor);
	if (v->tensors && tensor < v->nr_tensors)
		put_name(t, v, v->tensors[tensor].name);
}

static void put_op(struct text *t, const struct aim_view *v, u32 index)
{
	const struct aim_op *op = &v->ops[index];

	put(t, "operator ");
	put_number(t, index);
	put(t, " (");
	put(t, aim_op_name(op->code));
	put_name(t, v, op->name);
	put(t, ")");
}

static const char *const section_names[AIM_SEC_NR] = {
	[AIM_SEC_TENSORS]	= "section tensors",
	[AIM_SEC_OPS]		= "section operators",
	[AIM_SEC_OPERANDS]	= "section operands",
	[AIM_SEC_REQUANT]	= "section requant",
	[AIM_SEC_SCALES]	= "section scales",
	[AIM_SEC_DATA]		= "section data",
	[AIM_SEC_STRINGS]	= "section strings",
	[AIM_SEC_META]		= "section metadata",
};

static struct text begin(struct aim_ctx *c, const char *what)
{
	struct text t = { c->reason->text, AIM_REASON_LEN - 1 };

	switch (c->subject) {
	case AIM_SUBJ_TENSOR:
		put_tensor(&t, c->v, c->index);
		put(&t, ": ");
		break;
	case AIM_SUBJ_OP:
		put_op(&t, c->v, c->index);
		put(&t, ": ");
		break;
	case AIM_SUBJ_SECTION:
		put(&t, section_names[c->index]);
		put(&t, ": ");
		break;
	case AIM_SUBJ_FILE:
		break;
	}
	put(&t, what);
	return t;
}

int aim_refuse(struct aim_ctx *c, int err, const char *what)
{
	struct text t = begin(c, what);

	*t.p = '\0';
	return err;
}

int aim_refuse_got(struct aim_ctx *c, int err, const char *what, s64 got)
{
	struct text t = begin(c, what);

	put(&t, " (");
	put_number(&t, got);
	put(&t, ")");
	*t.p = '\0';
	return err;
}

int aim_refuse_pair(struct aim_ctx *c, int err, const char *what, s64 got,
		    s64 want)
{
	struct text t = begin(c, what);

	put(&t, " is ");
	put_number(&t, got);
	put(&t, ", must be ");
	put_number(&t, want);
	*t.p = '\0';
	return err;
}

int aim_refuse_tensor(struct aim_ctx *c, int err, const char *what, u32 tensor)
{
	struct text t = begin(c, what);

	put(&t, ": ");
	put_tensor(&t, c->v, tensor);
	*t.p = '\0';
	return err;
}

int aim_refuse_tensors(struct aim_ctx *c, int err, const char *what, u32 a,
		       u32 b)
{
	struct text t = begin(c, what);

	put(&t, ": ");
	put_tensor(&t, c->v, a);
	put(&t, " and ");
	put_tensor(&t, c->v, b);
	*t.p = '\0';
	return err;
}
