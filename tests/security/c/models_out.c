// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * On the host: writes the models that forge.py signs, well and badly. They are
 * those of tests/vm/c/models.c, so that a test knows what they compute.
 *
 *	models_out DIR
 */
#include <stdarg.h>
#include "vmtest.h"

void vmt_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static struct model_bytes m;

static void put(const char *dir, const char *name)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	if (!f || fwrite(m.data, 1, m.bytes, f) != m.bytes || fclose(f)) {
		perror(path);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: models_out DIR\n");
		return 2;
	}
	make_lut(&m, 64);
	put(argv[1], "lut.aim");
	make_lut(&m, 128);
	put(argv[1], "other.aim");
	make_chain(&m, 4096, 8);
	put(argv[1], "chain.aim");
	return 0;
}
