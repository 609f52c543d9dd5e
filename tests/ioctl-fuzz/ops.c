// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table of calls. */
#include <string.h>
#include "ops.h"

#define OP_ROW(name, args, weight)	{ #name, args, weight, op_##name },

const struct op ops[] = { OPS(OP_ROW) };
const unsigned int nr_ops = sizeof(ops) / sizeof(ops[0]);

int op_find(const char *name)
{
	for (unsigned int i = 0; i < nr_ops; i++) {
		if (!strcmp(ops[i].name, name))
			return i;
	}
	return -1;
}
