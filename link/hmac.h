/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC-SHA256 under a key of one block, as kernels' messages are signed.
 *
 * Each byte that a kernel prints is hashed twice, once by it and once by its relay: this is where
 * most of their time went. Where the processor has instructions for SHA-256 they are used; elsewhere
 * mbedTLS hashes. Both give the same.
 */
#ifndef ANCHORHOLD_LINK_HMAC_H
#define ANCHORHOLD_LINK_HMAC_H

#include <stddef.h>
#include <stdint.h>

#include "link/bytes.h"

#define HMAC_KEY_LEN 64u
#define HMAC_LEN 32u

enum hmac_way {
	HMAC_MBEDTLS,
	HMAC_INSTRUCTIONS, /* the processor's own */
};

/* Over the pieces, one behind the other. 0, or -EIO. */
int hmac_sha256(const uint8_t key[HMAC_KEY_LEN], const struct link_slice pieces[], size_t count,
		uint8_t ret[HMAC_LEN]);

/* The same by one way, for tests: -ENOTSUP where the processor has none. */
int hmac_sha256_by(enum hmac_way way, const uint8_t key[HMAC_KEY_LEN],
		   const struct link_slice pieces[], size_t count, uint8_t ret[HMAC_LEN]);

#endif
