// SPDX-License-Identifier: LGPL-2.1-or-later
/* The models that programs load: those of the tests, and files if given. */
#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "../vm/c/vmtest.h"
#include "fuzz.h"

struct model_file model_files[MAX_MODELS];
unsigned int nr_model_files;

/* For tests/vm/c/models.c. */
void vmt_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	exit(2);
}

static void keep(const void *data, size_t bytes)
{
	uint8_t *copy = malloc(bytes);

	if (!copy || nr_model_files == MAX_MODELS)
		exit(2);
	memcpy(copy, data, bytes);
	model_files[nr_model_files++] = (struct model_file){ bytes, copy };
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void keep_file(const char *dir, const char *name)
{
	static uint8_t data[1 << 20];
	char path[600];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (!f)
		return;
	n = fread(data, 1, sizeof(data), f);
	if (n && n < sizeof(data))
		keep(data, n);
	fclose(f);
}

void models_make(const char *dir)
{
	static struct model_bytes m;
	struct dirent **names;
	int n;

	make_lut(&m, 64);
	keep(m.data, m.bytes);
	make_relu(&m, 100);
	keep(m.data, m.bytes);
	make_two(&m, 256);
	keep(m.data, m.bytes);
	make_two_in(&m, 64);
	keep(m.data, m.bytes);
	make_chain(&m, 4096, 20);
	keep(m.data, m.bytes);
	make_lut(&m, 1);
	keep(m.data, m.bytes);
	if (!dir)
		return;
	n = scandir(dir, &names, NULL, by_name);
	for (int i = 0; i < n && nr_model_files < MAX_MODELS; i++)
		keep_file(dir, names[i]->d_name);
}

bool models_write(const char *dir)
{
	char path[600];

	for (unsigned int i = 0; i < nr_model_files; i++) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/%u.aim", dir, i);
		f = fopen(path, "we");
		if (!f)
			return false;
		fwrite(model_files[i].data, 1, model_files[i].bytes, f);
		if (fclose(f))
			return false;
		puts(path);
	}
	return true;
}
