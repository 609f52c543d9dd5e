// SPDX-License-Identifier: LGPL-2.1-or-later
/* SHA-256: the identity under which the kernel knows a model. */
#include <errno.h>
#include <openssl/evp.h>

#include "cli.h"

int digest_hex(const void *data, size_t bytes, char out[TEXT_DIGEST_LEN])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (!EVP_Digest(data, bytes, md, &len, EVP_sha256(), NULL) ||
	    len != (TEXT_DIGEST_LEN - 1) / 2)
		return -EIO;
	text_hex(md, len, out);
	return 0;
}
