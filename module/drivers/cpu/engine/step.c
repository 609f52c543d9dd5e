// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * Running a program, a budget at a time.
 */
#include "program.h"

size_t eng_arena_bytes(const struct eng_program *prog)
{
	return prog->arena_bytes;
}

u64 eng_cost(const struct eng_program *prog)
{
	return prog->cost;
}

const struct eng_isa *eng_program_isa(const struct eng_program *prog)
{
	return prog->isa;
}

bool eng_needs_fpu(const struct eng_program *prog)
{
	return prog->fpu;
}

u64 eng_budget(const struct eng_program *prog)
{
	return prog->isa->macs_per_ns_x16 * 25000ULL / 16;
}

/*
 * How many of @left units to do now: whole granules, at least one. So a tile
 * begins at a multiple of the granule whatever the budget, and floats are
 * summed in the same order.
 */
static u32 tile_of(const struct eng_task *t, u32 left, u64 budget)
{
	u64 fits;

	if (t->unit_cost * left <= budget)
		return left;
	fits = budget / t->unit_cost;
	fits -= fits % t->granule;
	if (fits < t->granule)
		fits = t->granule;
	return fits < left ? (u32)fits : left;
}

bool eng_step(const struct eng_program *prog, const void *const *inputs,
	      void *const *outputs, void *arena, struct eng_cursor *at,
	      u64 budget)
{
	const struct eng_run r = { inputs, outputs, arena };
	bool began = false;

	while (at->op < prog->nr_tasks) {
		const struct eng_task *t = &prog->tasks[at->op];
		u32 n = tile_of(t, t->units - at->tile, budget);
		u64 cost = t->unit_cost * n;

		/* A granule of more than is left is the next step's first. */
		if (cost > budget && began)
			break;
		t->run(t, &r, at->tile, at->tile + n);
		at->tile += n;
		if (at->tile == t->units) {
			at->op++;
			at->tile = 0;
		}
		if (cost >= budget)
			break;
		budget -= cost;
		began = true;
	}
	return at->op == prog->nr_tasks;
}
