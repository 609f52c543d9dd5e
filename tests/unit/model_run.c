// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Running whole models in user space, see model_run.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <aim_convert.h>
#include "kernels_common.h"
#include "model_run.h"

static void *alloc64(size_t bytes)
{
	void *p = NULL;

	if (posix_memalign(&p, 64, bytes ? bytes : 1))
		return NULL;
	memset(p, 0, bytes);
	return p;
}

/*
 * What was in memory before must not matter. Each run finds something else
 * there, so that results which depend on it differ between runs; and where
 * MemorySanitizer watches, a decision or an output made from bytes that this
 * run has not written is an error by itself.
 */
static u8 poison_byte(void)
{
	static const u8 bytes[] = { 0x5a, 0xa5, 0xff, 0x00, 0x7f, 0x80 };
	static size_t turn;

	return bytes[turn++ % sizeof(bytes)];
}

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define WATCHED 1
#endif
#endif

static void poison(void *p, u8 byte, size_t bytes)
{
	memset(p, byte, bytes);
#ifdef WATCHED
	__msan_poison(p, bytes);
#endif
}

static void must_be_written(const void *p, size_t bytes)
{
#ifdef WATCHED
	__msan_check_mem_is_initialized(p, bytes);
#endif
}

static void fpu_nothing(void)
{
}

static const struct eng_env env = {
	.alloc = alloc64,
	.free = free,
	.fpu_begin = fpu_nothing,
	.fpu_end = fpu_nothing,
};

struct blob blob_read(const char *path)
{
	struct blob b = { 0 };
	FILE *f = fopen(path, "rb");
	long bytes;

	if (!f)
		return b;
	if (!fseek(f, 0, SEEK_END) && (bytes = ftell(f)) >= 0) {
		rewind(f);
		b.data = alloc64((size_t)bytes);
		b.bytes = (size_t)bytes;
		if (b.data && fread(b.data, 1, b.bytes, f) != b.bytes) {
			free(b.data);
			b.data = NULL;
		}
	}
	fclose(f);
	return b;
}

struct blob blob_read_in(const char *dir, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return blob_read(path);
}

const struct aim_tensor *model_io(const struct model *m, bool output, u32 i)
{
	u32 first = output ? m->view.header->nr_inputs : 0;

	return &m->view.tensors[m->view.io[first + i]];
}

int model_open(struct blob file, struct model *m, char *reason,
	       size_t reason_len)
{
	struct aim_reason why = { "" };
	void *scratch = alloc64(aim_verify_scratch(file.data, file.bytes));
	int err;
	u32 i;

	*m = (struct model){ .file = file };
	err = scratch ? aim_verify(file.data, file.bytes, scratch, &m->view,
				   &why) : -ENOMEM;
	free(scratch);
	snprintf(reason, reason_len, "%s", why.text);
	if (err)
		return err;
	for (i = 0; i < m->view.header->nr_inputs; i++)
		m->in_bytes += model_io(m, false, i)->bytes;
	for (i = 0; i < m->view.header->nr_outputs; i++)
		m->out_bytes += model_io(m, true, i)->bytes;
	return 0;
}

int model_convert(const char *tflite, bool keep_all, struct model *m,
		  char *reason, size_t reason_len)
{
	struct aim_convert_options opt = { .keep_all = keep_all };
	struct blob from = blob_read(tflite);
	struct blob to = { 0 };
	void *out = NULL;
	int err;

	if (!from.data) {
		snprintf(reason, reason_len, "can't read %s", tflite);
		return -ENOENT;
	}
	err = aim_convert_tflite(from.data, from.bytes, &opt, &out, &to.bytes,
				 reason, reason_len);
	free(from.data);
	if (err)
		return err;
	to.data = out;
	err = model_open(to, m, reason, reason_len);
	if (err)
		free(to.data);
	return err;
}

void model_close(struct model *m)
{
	free(m->file.data);
	*m = (struct model){ 0 };
}

struct eng_program *model_compile(const struct model *m,
				  const struct eng_isa *isa)
{
	struct eng_program *prog = NULL;

	return eng_compile(&m->view, isa, &env, &prog) ? NULL : prog;
}

/*
 * Memory of exactly @bytes at an address that is no more aligned than its
 * elements demand: strides between samples may be anything.
 */
static u8 *odd_alloc(const struct aim_tensor *t, void **owner)
{
	size_t skew = t->type == AIM_TYPE_F32 || t->type == AIM_TYPE_S32 ? 4 :
		      t->type == AIM_TYPE_S16 ? 2 : 1;

	*owner = malloc(t->bytes + skew);
	assert_non_null(*owner);
	return (u8 *)*owner + skew;
}

struct sample {
	const void *inputs[AIM_MAX_IO];
	void *outputs[AIM_MAX_IO];
	void *owners[AIM_MAX_IO];
	u32 nr_owners;
};

static void sample_begin(struct sample *s, const struct model *m, const u8 *in,
			 u8 byte)
{
	u32 i;

	s->nr_owners = 0;
	for (i = 0; i < m->view.header->nr_inputs; i++) {
		const struct aim_tensor *t = model_io(m, false, i);
		u8 *p = odd_alloc(t, &s->owners[s->nr_owners++]);

		memcpy(p, in, t->bytes);
		in += t->bytes;
		s->inputs[i] = p;
	}
	for (i = 0; i < m->view.header->nr_outputs; i++) {
		const struct aim_tensor *t = model_io(m, true, i);

		s->outputs[i] = odd_alloc(t, &s->owners[s->nr_owners++]);
		poison(s->outputs[i], byte, t->bytes);
	}
}

static void sample_end(struct sample *s, const struct model *m, u8 *out)
{
	u32 i;

	for (i = 0; i < m->view.header->nr_outputs; i++) {
		const struct aim_tensor *t = model_io(m, true, i);

		must_be_written(s->outputs[i], t->bytes);
		memcpy(out, s->outputs[i], t->bytes);
		out += t->bytes;
	}
	for (i = 0; i < s->nr_owners; i++)
		free(s->owners[i]);
}

u32 model_run(const struct model *m, const struct eng_program *prog,
	      const u8 *in, u8 *out, u64 budget)
{
	struct eng_cursor at = { 0 };
	void *arena = alloc64(eng_arena_bytes(prog));
	u8 byte = poison_byte();
	struct sample s;
	u32 steps = 1;

	assert_non_null(arena);
	poison(arena, byte, eng_arena_bytes(prog));
	sample_begin(&s, m, in, byte);
	while (!eng_step(prog, s.inputs, s.outputs, arena, &at,
			 budget ? budget : eng_budget(prog)))
		steps++;
	sample_end(&s, m, out);
	free(arena);
	return steps;
}

void model_each_isa(void (*f)(const struct eng_isa *isa, void *arg), void *arg)
{
	static const char *const names[] = {
		"scalar", "avx2", "avxvnni", "avx512", "avx512vnni", "neon",
		"neondot",
	};
	const char *only = getenv("UNIT_ISA");
	struct eng_cpu cpu = this_cpu();
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct eng_isa *isa = eng_isa_by_name(names[i], &cpu);

		if (isa && (!only || !strcmp(only, names[i])))
			f(isa, arg);
	}
}
