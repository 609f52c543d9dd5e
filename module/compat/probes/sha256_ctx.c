// SPDX-License-Identifier: GPL-2.0
/* The library's state is struct sha256_ctx, formerly struct sha256_state. */
#include <crypto/sha2.h>
#include <linux/module.h>

void probe(struct sha256_ctx *ctx, u8 *out);
void probe(struct sha256_ctx *ctx, u8 *out)
{
	sha256_init(ctx);
	sha256_final(ctx, out);
}

MODULE_LICENSE("GPL");
