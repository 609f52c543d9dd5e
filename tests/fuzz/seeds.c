// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Writes the hand-made part of the corpora: a valid model for each operator,
 * and hostile ones, each aimed at one way in which a verifier could be fooled.
 *
 *	seeds DIRECTORY		(make -C tests/fuzz seeds)
 */
#include <stdio.h>
#include <stdlib.h>
#include "../unit/aim_builder.h"

#define HUGE	0xffffffffU

static void section_wraps(struct aim_file *f)
{
	f->h->sections[AIM_SEC_DATA].bytes =
		-f->h->sections[AIM_SEC_DATA].offset;
}

static void section_count_wraps(struct aim_file *f)
{
	f->h->sections[AIM_SEC_TENSORS].bytes = 1ULL << 38;
}

static void sections_overlap(struct aim_file *f)
{
	f->h->sections[AIM_SEC_SCALES].offset =
		f->h->sections[AIM_SEC_OPS].offset;
}

static void arena_huge(struct aim_file *f)
{
	f->h->arena_bytes = ~63ULL;
	f->t[7].offset = ~0ULL << 6;
}

static void inputs_wrap(struct aim_file *f)
{
	f->h->nr_inputs = HUGE;
	f->h->nr_outputs = 2;
}

static void io_number_wraps(struct aim_file *f)
{
	f->t[0].offset = 1ULL << 32;
}

static void product_wraps(struct aim_file *f)
{
	f->t[0].dims[0] = f->t[0].dims[1] = 1 << 24;
	f->t[0].dims[2] = 1 << 16;
	f->t[0].bytes = 0;
}

static void operands_wrap(struct aim_file *f)
{
	f->ops[0].operands = HUGE - 1;
}

static void operands_many(struct aim_file *f)
{
	f->ops[0].nr_inputs = 65535;
	f->ops[0].nr_outputs = 65535;
}

static void requant_wraps(struct aim_file *f)
{
	f->ops[0].p.conv.requant_first = HUGE - 3;
}

static void shift_lowest(struct aim_file *f)
{
	f->rq[0].shift = -0x7fffffff - 1;
	f->rq[0].multiplier = -0x7fffffff - 1;
}

static void bias_lowest(struct aim_file *f)
{
	const s32 lowest = -0x7fffffff - 1;

	memcpy(f->consts + f->t[3].offset, &lowest, sizeof(lowest));
}

static void pads_wrap(struct aim_file *f)
{
	f->ops[0].p.conv.pad_top = 0x80000001;
	f->ops[0].p.conv.pad_bottom = 0x80000001;
}

static void dilation_wraps(struct aim_file *f)
{
	f->ops[0].p.conv.dilation_h = 0x80000000;
}

static void stride_zero(struct aim_file *f)
{
	f->ops[0].p.conv.stride_h = 0;
}

static void multiplier_wraps(struct aim_file *f)
{
	f->ops[0].p.conv.depth_multiplier = 0x55555558;
}

static void window_wraps(struct aim_file *f)
{
	f->ops[0].p.pool.kernel_h = 65536;
	f->ops[0].p.pool.kernel_w = 65536;
}

static void axis_huge(struct aim_file *f)
{
	f->ops[0].p.concat.axis = HUGE;
}

static void perm_huge(struct aim_file *f)
{
	f->ops[0].p.transpose.perm[0] = HUGE;
}

static void begin_wraps(struct aim_file *f)
{
	f->ops[0].p.slice.begin[0] = HUGE;
	f->ops[0].p.slice.stride[0] = HUGE;
}

static void padded_wraps(struct aim_file *f)
{
	f->ops[0].p.pad.before[0] = 0x80000000;
	f->ops[0].p.pad.after[0] = 0x80000000;
}

static void axes_huge(struct aim_file *f)
{
	f->ops[0].p.mean.axes = HUGE;
}

static void diff_min_lowest(struct aim_file *f)
{
	f->ops[0].p.softmax.diff_min = -0x7fffffff - 1;
	f->ops[0].p.softmax.input_left_shift = 31;
}

static void lives_overlap(struct aim_file *f)
{
	f->t[6].offset = 0;
	f->t[7].offset = 0;
}

static void names_endless(struct aim_file *f)
{
	memset(f->strings, 'a', f->h->sections[AIM_SEC_STRINGS].bytes);
}

static void name_escapes(struct aim_file *f)
{
	memcpy(f->strings + f->t[2].name, "\x1b[2J%n", 6);
}

static const struct {
	const char *name, *model;
	void (*apply)(struct aim_file *f);
} hostile[] = {
#define HOSTILE(model, f)	{ #f, #model, f }
	HOSTILE(conv_s8, section_wraps), HOSTILE(conv_s8, section_count_wraps),
	HOSTILE(conv_s8, sections_overlap), HOSTILE(chain, arena_huge),
	HOSTILE(conv_s8, inputs_wrap), HOSTILE(conv_s8, io_number_wraps),
	HOSTILE(conv_s8, product_wraps), HOSTILE(conv_s8, operands_wrap),
	HOSTILE(concat_s8, operands_many), HOSTILE(conv_s8, requant_wraps),
	HOSTILE(conv_s8, shift_lowest), HOSTILE(conv_s8, bias_lowest),
	HOSTILE(conv_s8, pads_wrap), HOSTILE(conv_s8, dilation_wraps),
	HOSTILE(conv_s8, stride_zero), HOSTILE(depthwise_s8, multiplier_wraps),
	HOSTILE(maxpool_s8, window_wraps), HOSTILE(concat_s8, axis_huge),
	HOSTILE(transpose_u8, perm_huge), HOSTILE(slice, begin_wraps),
	HOSTILE(pad_s8, padded_wraps), HOSTILE(mean_s8, axes_huge),
	HOSTILE(softmax_s8, diff_min_lowest), HOSTILE(chain, lives_overlap),
	HOSTILE(conv_s8, names_endless), HOSTILE(conv_s8, name_escapes),
};

static void save(const char *dir, const char *kind, const char *name,
		 const struct aim_file *f)
{
	char path[4096];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s-%s.aim", dir, kind, name);
	out = fopen(path, "wb");
	if (!out || fwrite(f->data, 1, f->bytes, out) != f->bytes ||
	    fclose(out)) {
		perror(path);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	struct aim_file f;
	u32 i;

	if (argc != 2)
		return 2;
	for (i = 0; i < ab_nr_models; i++) {
		if (ab_model_file(ab_models[i].name, &f))
			return 1;
		save(argv[1], "valid", ab_models[i].name, &f);
		ab_release(&f);
	}
	for (i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		if (ab_model_file(hostile[i].model, &f))
			return 1;
		hostile[i].apply(&f);
		save(argv[1], "hostile", hostile[i].name, &f);
		ab_release(&f);
	}
	return 0;
}
