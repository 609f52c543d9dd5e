// SPDX-License-Identifier: LGPL-2.1-or-later
// cc example.c $(pkg-config --cflags --libs libaioffload) -o example
// ./example model.aim sample.bin
#include <aioffload.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	struct aioffload_ctx *ctx = NULL;
	struct aioffload_model *model = NULL;
	struct aioffload_binding *b = NULL;
	FILE *f = argc == 3 ? fopen(argv[2], "rb") : NULL;
	size_t i, best = 0, in, out;
	const int8_t *score;

	if (!f)
		return fprintf(stderr, "usage: %s MODEL SAMPLE\n", argv[0]), 2;
	if (aioffload_open(AIOFFLOAD_DEVICE_ANY, &ctx) ||
	    aioffload_model_load_file(ctx, argv[1], &model) ||
	    aioffload_binding_create(ctx, model, 1, &b))
		return fprintf(stderr, "%s\n", aioffload_last_error()), 1;
	in = aioffload_model_get_tensor(model, AIOFFLOAD_DIR_INPUT, 0)->bytes;
	out = aioffload_model_get_tensor(model, AIOFFLOAD_DIR_OUTPUT, 0)->bytes;
	if (fread(aioffload_binding_data(b, AIOFFLOAD_DIR_INPUT, 0, 0), 1, in, f) != in)
		return fprintf(stderr, "the sample has fewer than %zu bytes\n", in), 1;
	if (aioffload_binding_run(b, 1))
		return fprintf(stderr, "%s\n", aioffload_last_error()), 1;
	score = aioffload_binding_data(b, AIOFFLOAD_DIR_OUTPUT, 0, 0);
	for (i = 1; i < out; i++)
		best = score[i] > score[best] ? i : best;
	printf("class %zu of %zu, score %d\n", best, out, score[best]);
	return 0;
}
