/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keyring .aioffload, by system calls alone: no libkeyutils, no keyctl. */
#ifndef AIOFFLOAD_COMMON_KEYRING_H
#define AIOFFLOAD_COMMON_KEYRING_H

#include <stddef.h>
#include <stdint.h>

#define KEYRING_NAME	".aioffload"

/*
 * Its serial number. 0, or -errno: -ENOENT there is none (no module) or the
 * caller may not see it.
 */
int keyring_find(int32_t *serial);

/*
 * Add an X.509 certificate in DER form under a description; one that has it
 * already is replaced. NULL: the kernel makes one of the subject's name. 0, or
 * -errno: -EPERM the ring is closed, -EACCES not the caller's to change,
 * -ENOENT or -ENOPKG an algorithm that the kernel lacks.
 */
int keyring_add(int32_t ring, const char *desc, const void *der, size_t bytes);

/*
 * The description of a key whose certificate lies in keys.d: who sees the key
 * knows where it comes from, and aioffloadd takes it out with its file.
 */
#define KEYRING_OURS		"keys.d: "
#define KEYRING_DESC_LEN	160

struct cert;
const char *keyring_describe(const struct cert *cert,
			     char out[KEYRING_DESC_LEN]);

#endif /* AIOFFLOAD_COMMON_KEYRING_H */
