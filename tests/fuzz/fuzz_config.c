// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Configuration files and certificates of aioffloadd. The first byte chooses:
 * g groups, b blocks, p policy, c certificates, w the words of the command line.
 *
 * Holds besides: a file of rights or policy that is refused leaves nothing
 * behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../userspace/daemon/daemon.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	/* what is wrong with an input is said often */
	log_open(TO_NOTHING);
	return 0;
}

static void words(const char *text)
{
	char bad[32], path[PATH_MAX], out[256];
	uint64_t devices[AIOFFLOAD_DEVICE_WORDS] = { 0 };
	uint64_t n, period;
	uint32_t r;

	r = 0;
	if (!words_rights_change(text, &r) && r > AIOFFLOAD_RIGHTS_ALL)
		abort();
	for (r = 0; r < AIOFFLOAD_RES_NR; r++)
		words_limit(r, text, &n, &period);
	words_digest(text, (uint8_t *)devices);
	devices_text(devices, out, sizeof(out));
	devices_check(text, bad, sizeof(bad));
	if (!pattern_check(text, path) && (*path == '/' || strstr(path, "//")))
		abort();
}

static void certificates(const uint8_t *data, size_t size)
{
	struct cert *certs;
	const char *why;
	int n = certs_parse(data, size, &certs, &why);

	if (n >= 0)
		certs_free(certs, n);
	else if (!why || !*why)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config c = { 0 };
	char *text;

	if (!size)
		return 0;
	text = calloc(1, size);
	memcpy(text, data + 1, size - 1);
	switch (*data) {
	case 'g':
		if (config_groups(&c, "fuzz", text) && c.nr_rules)
			abort();
		break;
	case 'b':
		config_blocks(&c, "fuzz", text);
		break;
	case 'p':
		if (config_policy(&c, "fuzz", text) && c.policy_set)
			abort();
		break;
	case 'c':
		certificates(data + 1, size - 1);
		break;
	default:
		words(text);
	}
	config_free(&c);
	free(text);
	return 0;
}
