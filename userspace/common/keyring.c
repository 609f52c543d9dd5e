// SPDX-License-Identifier: LGPL-2.1-or-later
/* See keyring.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "keyring.h"

/*
 * A line of /proc/keys: serial, flags, usage, expiry, permissions, owner,
 * group, type, description. Only the kernel makes keyrings whose names begin
 * with a dot, so owner root is a formality; flags start with I (instantiated),
 * R would be revoked, D dead.
 */
static int parse_line(char *line, int32_t *serial)
{
	static const char want[] = KEYRING_NAME ":";
	unsigned int id = 0, uid = 0;
	char flags[16] = "", type[32] = "", desc[64] = "";

	if (sscanf(line, "%x %15s %*s %*s %*s %u %*s %31s %63[^\n]", &id, flags,
		   &uid, type, desc) != 5)
		return 0;
	if (strcmp(type, "keyring") || uid || flags[0] != 'I' ||
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

int keyring_add(int32_t ring, const void *der, size_t bytes)
{
	/* an empty description: the kernel takes the certificate's name */
	if (syscall(SYS_add_key, "asymmetric", NULL, der, bytes, ring) < 0)
		return -errno;
	return 0;
}
