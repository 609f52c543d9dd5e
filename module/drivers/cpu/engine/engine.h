/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * The CPU engine: compiles a verified model for a vector unit and runs it in
 * short steps. Freestanding: built into aioffload_cpu.ko and into user-space
 * tests, fuzzers and benchmarks. No allocation but through struct eng_env, no
 * global state, no call that sleeps inside eng_step().
 */
#ifndef _ENG_ENGINE_H
#define _ENG_ENGINE_H

#include <aim/verify.h>

struct eng_isa;		/* kernels.h */
struct eng_program;	/* compiled model: immutable, shared by all jobs */

/**
 * struct eng_env - what the engine needs of its host, at compile time only
 * @alloc:	zeroed memory, 64-byte aligned, or NULL
 * @free:	frees it; NULL is fine
 * @fpu_begin:	called before each use of floating point or vectors at compile
 * @fpu_end:	time (packing). Both NULL where nothing is needed.
 */
struct eng_env {
	void *(*alloc)(size_t bytes);
	void (*free)(void *p);
	void (*fpu_begin)(void);
	void (*fpu_end)(void);
};

/**
 * eng_compile() - fuse, pack, plan
 * @view:	a verified model; needed only during the call and, where constants
 *		are used unpacked, until eng_free(): keep it alive
 * @isa:	from eng_isa_best() or eng_isa_by_name()
 * @env:	copied
 * @out:	the program
 *
 * Return: 0, -ENOMEM, -EOPNOTSUPP (an operator this engine lacks).
 */
int eng_compile(const struct aim_view *view, const struct eng_isa *isa,
		const struct eng_env *env, struct eng_program **out);
void eng_free(struct eng_program *prog);

/* Bytes of work memory one running sample needs; 64-byte aligned. */
size_t eng_arena_bytes(const struct eng_program *prog);

/**
 * struct eng_cursor - how far a sample has come; zero it to begin
 */
struct eng_cursor {
	u32 op;		/* step of the program */
	u32 tile;	/* progress within it, in the step's own units */
};

/**
 * eng_step() - advance one sample
 * @prog:	the program
 * @inputs:	address of each input; may be written to by others meanwhile
 * @outputs:	address of each output, likewise
 * @arena:	eng_arena_bytes(), private to this sample until it is done
 * @at:		where to go on; updated
 * @budget:	stop at the last tile boundary before this much cost, but not
 *		before one tile; one unit is roughly one byte-sized multiply-add
 *		of the vector unit. See eng_budget().
 *
 * Call between fpu_begin and fpu_end, without sleeping. Nothing is kept in
 * registers between calls. Return: true when the sample is done.
 */
bool eng_step(const struct eng_program *prog, const void *const *inputs,
	      void *const *outputs, void *arena, struct eng_cursor *at,
	      u64 budget);

/*
 * A budget for about 25 us on a fast machine. What no smaller budget makes
 * shorter, a tile, costs twice that at most (ENG_TILE_BUDGETS).
 */
u64 eng_budget(const struct eng_program *prog);

/* Sum of the cost of all steps, in the unit of @budget. */
u64 eng_cost(const struct eng_program *prog);

const struct eng_isa *eng_program_isa(const struct eng_program *prog);

/* Whether eng_step() uses vector or floating-point registers for this program. */
bool eng_needs_fpu(const struct eng_program *prog);

/**
 * struct eng_cpu - what the running CPU can do, filled by the host
 * (x86: CPUID and XCR0 as the kernel enabled them)
 */
struct eng_cpu {
	bool avx2;		/* with fma */
	bool avx_vnni;		/* 256-bit VEX vpdpbusd */
	bool avx512;		/* f, bw, dq, vl */
	bool avx512_vnni;
	bool neon;
	bool neon_dotprod;
};

const struct eng_isa *eng_isa_best(const struct eng_cpu *cpu);
/* NULL: no such name, or the CPU can't do it. Names: eng_isa_name(). */
const struct eng_isa *eng_isa_by_name(const char *name,
				      const struct eng_cpu *cpu);
const char *eng_isa_name(const struct eng_isa *isa);	/* "avx512vnni" */

#endif /* _ENG_ENGINE_H */
