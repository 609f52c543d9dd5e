// SPDX-License-Identifier: LGPL-2.1-or-later
/* compute_convert IN.tflite OUT.aim: what the benchmark's programs read */
#include <stdio.h>
#include <stdlib.h>
#include "../unit/kernels_common.h"
#include "../unit/model_run.h"

int main(int argc, char **argv)
{
	struct model m;
	char why[512];
	FILE *f;

	if (argc != 3)
		return 2;
	if (model_convert(argv[1], false, &m, why, sizeof(why))) {
		fprintf(stderr, "%s: %s\n", argv[1], why);
		return 1;
	}
	f = fopen(argv[2], "wb");
	if (!f || fwrite(m.file.data, 1, m.file.bytes, f) != m.file.bytes ||
	    fclose(f)) {
		perror(argv[2]);
		return 1;
	}
	return 0;
}
