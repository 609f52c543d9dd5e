// SPDX-License-Identifier: LGPL-2.1-or-later
/* See keyring.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common.h"
#include "keyring.h"

/*
 * A line of /proc/keys: serial, flags, usage, expiry, permissions, owner,
 * group, type, description. Only the kernel makes keyrings whose names begin
 * with a dot, so owner root is a formality; flags start with I (instantiated),
 * R would be revoked, D dead. One without users is what a module that was
 * unloaded has left, and will be gone in a moment.
 */
static int parse_line(char *line, int32_t *serial)
{
	static const char want[] = KEYRING_NAME ":";
	unsigned int id = 0, users = 0, uid = 0;
	char flags[16] = "", type[32] = "", desc[64] = "";

	if (sscanf(line, "%x %15s %u %*s %*s %u %*s %31s %63[^\n]", &id, flags,
		   &users, &uid, type, desc) != 6)
		return 0;
	if (strcmp(type, "keyring") || uid || !users || flags[0] != 'I' ||
	    strpbrk(flags, "RD") || strncmp(desc, want, sizeof(want) - 1))
		return 0;
	*serial = (int32_t)id;
	return 1;
}

int keyring_find(int32_t *serial)
{
	FILE *f = fopen("/proc/keys", "re");
	char *line = NULL;
	size_t room = 0;
	int found = 0;

	if (!f)
		return -errno;
	while (!found && getline(&line, &room, f) > 0)
		found = parse_line(line, serial);
	free(line);
	fclose(f);
	return found ? 0 : -ENOENT;
}

int keyring_add(int32_t ring, const char *desc, const void *der, size_t bytes)
{
	if (syscall(SYS_add_key, "asymmetric", desc, der, bytes, ring) < 0)
		return -errno;
	return 0;
}

const char *keyring_describe(const struct cert *cert, char out[KEYRING_DESC_LEN])
{
	char id[17];
	int i;

	for (i = 0; i < 8; i++)
		sprintf(id + 2 * i, "%02x", cert->key_id[i]);
	snprintf(out, KEYRING_DESC_LEN, KEYRING_OURS "%s: %s", cert->name, id);
	return out;
}
