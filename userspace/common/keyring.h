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
 * Add an X.509 certificate in DER form; the key may be there already. 0, or
 * -errno: -EPERM the ring is closed, -EACCES not the caller's to change,
 * -ENOENT or -ENOPKG an algorithm that the kernel lacks.
 */
int keyring_add(int32_t ring, const void *der, size_t bytes);

#endif /* AIOFFLOAD_COMMON_KEYRING_H */
