// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the verifier accepts, the engine must run: compiled for every vector
 * unit that this CPU has, on hostile inputs, in buffers of exactly the stated
 * sizes, in steps of odd lengths, while someone else writes to the buffers.
 * Integer models must give the same bytes on every unit.
 */
#include <stdio.h>
#include <stdlib.h>
#include "aim_mutate.h"
#include "engine.h"

#define MAX_TENSOR	65536		/* bytes; larger models are not run */
#define MAX_ALLOC	(16U << 20)
#define MAX_COST	(1U << 19)

static u64 tried, accepted, ran;

__attribute__((destructor)) static void report(void)
{
	fprintf(stderr,
		"fuzz_run: %llu files, %llu accepted, %llu runs on one unit each\n",
		(unsigned long long)tried, (unsigned long long)accepted,
		(unsigned long long)ran);
}

static u32 state;

static u32 rnd(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static void *env_alloc(size_t bytes)
{
	void *p;

	if (bytes > MAX_ALLOC || posix_memalign(&p, 64, bytes ? bytes : 1))
		return NULL;
	memset(p, 0, bytes);
	return p;
}

static void env_fpu(void)
{
}

static const struct eng_env env = { env_alloc, free, env_fpu, env_fpu };

static struct eng_cpu this_cpu(void)
{
	struct eng_cpu cpu = { 0 };

#ifdef __x86_64__
	__builtin_cpu_init();
	cpu.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
	cpu.avx512 = cpu.avx2 && __builtin_cpu_supports("avx512f") &&
		     __builtin_cpu_supports("avx512bw") &&
		     __builtin_cpu_supports("avx512dq") &&
		     __builtin_cpu_supports("avx512vl");
	cpu.avx512_vnni = cpu.avx512 && __builtin_cpu_supports("avx512vnni");
	/* leaf 7.1: not every compiler can be asked for it by name */
	if (cpu.avx2) {
		u32 a = 7, b, c = 1, d;

		__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
		cpu.avx_vnni = a >> 4 & 1;
	}
#endif
	return cpu;
}

/* One sample's buffers; each ends exactly where the sanitizer's guard begins. */
struct sample {
	void *owner[AIM_MAX_IO];
	void *io[AIM_MAX_IO];
	u64 bytes[AIM_MAX_IO];
	u32 nr;
};

static void fill(u8 *p, u64 bytes)
{
	static const u32 words[] = {
		0x7fc00000, 0xff800000, 0x7f800000, 0x80000000, 0x7f7fffff,
		0x00000001, 0x3f800000, 0xbf800000, 0x80808080, 0x7f7f7f7f,
	};
	u32 kind = rnd() % 4;
	u64 i;

	for (i = 0; i < bytes; i++) {
		u32 word = kind == 0 ? words[(i / 4) % 10] :
			   kind == 1 ? words[8] : words[9];

		p[i] = kind == 3 ? rnd() >> 8 : word >> 8 * (i % 4);
	}
}

static bool sample_begin(struct sample *s, const struct aim_view *v)
{
	u32 nr = v->header->nr_inputs + v->header->nr_outputs;

	for (s->nr = 0; s->nr < nr; s->nr++) {
		const struct aim_tensor *t = &v->tensors[v->io[s->nr]];
		/* between samples, only elements are aligned */
		u32 skew = t->type == AIM_TYPE_F32 || t->type == AIM_TYPE_S32 ? 4 :
			   t->type == AIM_TYPE_S16 ? 2 : 1;

		s->bytes[s->nr] = t->bytes;
		s->owner[s->nr] = malloc(t->bytes + skew);
		if (!s->owner[s->nr])
			return false;
		s->io[s->nr] = (u8 *)s->owner[s->nr] + skew;
		if (s->nr < v->header->nr_inputs)
			fill(s->io[s->nr], t->bytes);
		else
			memset(s->io[s->nr], 0xa5, t->bytes);
	}
	return true;
}

static void sample_end(struct sample *s)
{
	while (s->nr)
		free(s->owner[--s->nr]);
}

/*
 * @scribble: others write to inputs and outputs between the steps. Each run
 * finds other bytes in its work memory: they must not show in the results.
 */
static void run(const struct eng_program *prog, struct sample *s, u32 nr_inputs,
		u64 budget, bool scribble)
{
	struct eng_cursor at = { 0 }, last;
	void *arena = env_alloc(eng_arena_bytes(prog));
	bool done;

	if (!arena)
		return;
	memset(arena, (u8)(0x5a + 0x4b * ran), eng_arena_bytes(prog));
	do {
		last = at;
		done = eng_step(prog, (const void *const *)s->io,
				s->io + nr_inputs, arena, &at, budget);
		/* every step gets somewhere */
		if (!done && last.op == at.op && last.tile == at.tile)
			abort();
		if (scribble) {
			u32 i = rnd() % s->nr;
			u64 n = s->bytes[i] < 256 ? s->bytes[i] : 256;

			fill((u8 *)s->io[i] + rnd() % (s->bytes[i] - n + 1), n);
		}
	} while (!done);
	free(arena);
	ran++;
}

static bool all_integer(const struct aim_view *v)
{
	u32 i;

	for (i = 0; i < v->nr_tensors; i++)
		if (v->tensors[i].type == AIM_TYPE_F32)
			return false;
	return true;
}

static void run_on(const struct aim_view *v, const struct eng_isa *isa,
		   struct sample *first, u32 seed)
{
	static const u64 budgets[] = { 0, 1, 97, 4096, ~0ULL };
	struct eng_program *prog = NULL;
	struct sample s;
	u64 budget, least;
	u32 i;

	if (eng_compile(v, isa, &env, &prog))
		return;
	if (eng_cost(prog) > MAX_COST || eng_arena_bytes(prog) > MAX_ALLOC) {
		eng_free(prog);
		return;
	}
	/* the same inputs for every unit */
	state = seed;
	if (!sample_begin(&s, v))
		abort();
	/* at most some thousand steps */
	least = eng_cost(prog) / 1024 + 1;
	budget = budgets[rnd() % 5];
	if (!budget)
		budget = eng_budget(prog);
	run(prog, &s, v->header->nr_inputs, budget > least ? budget : least,
	    false);
	if (!first->nr) {
		*first = s;
	} else {
		for (i = v->header->nr_inputs; i < s.nr && all_integer(v); i++)
			if (memcmp(s.io[i], first->io[i], s.bytes[i])) {
				fprintf(stderr, "%s differs from scalar in output %u\n",
					eng_isa_name(isa), i - v->header->nr_inputs);
				abort();
			}
		run(prog, &s, v->header->nr_inputs, 8 * least + rnd() % 512,
		    true);
		sample_end(&s);
	}
	eng_free(prog);
}

static bool small(const struct aim_view *v)
{
	u32 i;

	if (v->header->macs > MAX_COST || v->header->arena_bytes > MAX_ALLOC)
		return false;
	for (i = 0; i < v->nr_tensors; i++)
		if (v->tensors[i].bytes > MAX_TENSOR)
			return false;
	return true;
}

static void run_everywhere(const struct aim_view *v, u32 seed)
{
	static const char *const names[] = {
		"scalar", "avx2", "avxvnni", "avx512", "avx512vnni", "neon",
		"neondot",
	};
	struct eng_cpu cpu = this_cpu();
	struct sample first = { .nr = 0 };
	u32 i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct eng_isa *isa = eng_isa_by_name(names[i], &cpu);

		if (isa)
			run_on(v, isa, &first, seed);
	}
	sample_end(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct aim_reason reason;
	struct aim_view view;
	void *copy, *scratch;
	u32 seed = 2166136261U;
	size_t i;

	if (posix_memalign(&copy, 64, size ? size : 1))
		return 0;
	memcpy(copy, data, size);
	scratch = malloc(aim_verify_scratch(copy, size));
	tried++;
	if (!aim_verify(copy, size, scratch, &view, &reason)) {
		free(scratch);
		scratch = NULL;
		accepted++;
		for (i = 0; i < size; i++)
			seed = (seed ^ data[i]) * 16777619;
		if (small(&view))
			run_everywhere(&view, seed | 1);
	}
	free(scratch);
	free(copy);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned int seed)
{
	return aim_mutate(data, size, max_size, seed);
}
