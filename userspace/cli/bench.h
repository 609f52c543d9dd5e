/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef AIOFFLOAD_CLI_BENCH_H
#define AIOFFLOAD_CLI_BENCH_H

#include <stddef.h>

#define TINY_MODEL_ROOM	1024

/* Fills @buf, aligned to 64 bytes; returns the file's length. */
size_t tiny_model(unsigned char buf[TINY_MODEL_ROOM]);

#endif /* AIOFFLOAD_CLI_BENCH_H */
