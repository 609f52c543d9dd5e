// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The converter on mutated .tflite files: it ends, leaks nothing, says why it
 * refuses in printable characters, and what it makes passes the verifier. What
 * `info` says agrees with what conversion does.
 *
 * The mutator follows a FlatBuffer's offsets, bounded and without any schema,
 * and changes numbers where numbers are: vtable entries, fields, elements.
 */
#include <stdio.h>
#include <stdlib.h>
#include <aim/verify.h>
#include "aim_convert.h"

#define MAX_SITES	4096
#define MAX_DEPTH	12

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

static u64 tried, converted;

__attribute__((destructor)) static void report(void)
{
	fprintf(stderr, "fuzz_convert: %llu files, %llu of them converted\n",
		(unsigned long long)tried, (unsigned long long)converted);
}

static void check_sentence(const char *reason, int err)
{
	size_t n = strlen(reason), i;

	if (n >= AIM_CONVERT_REASON_LEN || (err && !n))
		abort();
	for (i = 0; i < n; i++)
		if (reason[i] < ' ' || reason[i] > '~')
			abort();
}

static void check_result(const void *out, size_t bytes)
{
	struct aim_reason reason;
	struct aim_view view;
	void *scratch = malloc(aim_verify_scratch(out, bytes));

	if (!scratch || aim_verify(out, bytes, scratch, &view, &reason))
		abort();
	free(scratch);
	converted++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* a flag from the file's length keeps one input one behaviour */
	const struct aim_convert_options opt = { .keep_all = size / 4 & 1,
						 .name = "fuzz" };
	char reason[AIM_CONVERT_REASON_LEN];
	struct aim_tfl_info info;
	size_t out_bytes;
	void *out, *copy;
	int err;

	copy = malloc(size);	/* exact, so that a byte too far is seen */
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	tried++;
	memset(reason, 'x', sizeof(reason));
	err = aim_convert_tflite(copy, size, &opt, &out, &out_bytes, reason,
				 sizeof(reason));
	check_sentence(reason, err);
	if (!err)
		check_result(out, out_bytes);
	else if (out || out_bytes)
		abort();
	free(out);
	if (!aim_tfl_inspect(copy, size, &info, reason, sizeof(reason))) {
		/* it promises that what has no issue converts */
		if (!info.nr_issues && err && !opt.keep_all)
			abort();
		aim_tfl_info_free(&info);
	}
	free(copy);
	return 0;
}

static u32 state;

static u32 rnd(u32 below)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return below ? state % below : state;
}

struct site {
	u32 pos;
	u32 width;
};

static struct site sites[MAX_SITES];
static u32 nr_sites;

struct file {
	u8 *data;
	u32 size;
};

static u32 load(const struct file *f, u32 pos, u32 width)
{
	u32 v = 0;

	if (pos <= f->size && width <= f->size - pos)
		memcpy(&v, f->data + pos, width);
	return v;
}

static void add_site(const struct file *f, u32 pos, u32 width)
{
	if (nr_sites < MAX_SITES && pos <= f->size && width <= f->size - pos)
		sites[nr_sites++] = (struct site){ pos, width };
}

/* A table begins with the distance back to its vtable, which has its length. */
static bool is_table(const struct file *f, u32 pos, u32 *vtable, u32 *len)
{
	*vtable = pos - load(f, pos, 4);
	*len = load(f, *vtable, 2);
	return pos < f->size && *vtable < f->size && *len >= 4 && *len <= 64 &&
	       !(*len & 1);
}

static void walk(const struct file *f, u32 pos, u32 depth)
{
	u32 vtable, len, i, at, n, k;

	if (depth == MAX_DEPTH || nr_sites == MAX_SITES ||
	    !is_table(f, pos, &vtable, &len))
		return;
	for (i = 4; i < len; i += 2) {
		u32 field = load(f, vtable + i, 2);

		add_site(f, vtable + i, 2);
		if (!field)
			continue;
		at = pos + field;
		add_site(f, at, 4);
		add_site(f, at, 1);
		at += load(f, at, 4);
		if (at >= f->size || at < pos)
			continue;
		walk(f, at, depth + 1);
		n = load(f, at, 4);
		if (n > (f->size - at) / 4)
			continue;
		/* a vector: of numbers, or of offsets to tables */
		add_site(f, at, 4);
		for (k = 0; k < n && k < 64; k++) {
			add_site(f, at + 4 + 4 * k, 4);
			walk(f, at + 4 + 4 * k + load(f, at + 4 + 4 * k, 4),
			     depth + 1);
		}
	}
}

static u32 changed(u32 old)
{
	static const u32 values[] = {
		0, 1, 2, 3, 4, 5, 6, 8, 16, 127, 128, 255, 256, 65535, 65536,
		0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, 0x3f800000,
		0x7f800000, 0xff800000, 0x7fc00000, 0x00000001, 0x3b800000,
	};

	switch (rnd(6)) {
	case 0:
		return old + 1;
	case 1:
		return old - 1;
	case 2:
		return old ^ 1U << rnd(32);
	case 3:
		return rnd(130);
	case 4:
		return sites[rnd(nr_sites)].pos - old;
	default:
		return values[rnd(sizeof(values) / sizeof(values[0]))];
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned int seed)
{
	struct file f = { data, size };
	u32 n, v;

	state = seed * 2654435761U | 1;
	nr_sites = 0;
	if (rnd(16))
		walk(&f, load(&f, 0, 4), 0);
	if (!nr_sites)
		return LLVMFuzzerMutate(data, size, max_size);
	for (n = 1 + rnd(3); n; n--) {
		const struct site *s = &sites[rnd(nr_sites)];
		const struct site *from = &sites[rnd(nr_sites)];

		/* another site's number is often one that means something */
		v = rnd(3) ? changed(load(&f, s->pos, s->width)) :
			     load(&f, from->pos, s->width);
		memcpy(data + s->pos, &v, s->width);
	}
	return size;
}
