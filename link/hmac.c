/* SPDX-License-Identifier: Apache-2.0 */
#include "link/hmac.h"

#include <errno.h>
#include <string.h>

#include <mbedtls/md.h>

#include "link/secret.h"
#include "link/sha_ni.h"

_Static_assert(HMAC_KEY_LEN == SHA_BLOCK_LEN, "the key is neither hashed nor padded");

static int by_mbedtls(const uint8_t *key, const struct link_slice pieces[], size_t count,
		      uint8_t ret[HMAC_LEN])
{
	const mbedtls_md_info_t *info = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
	mbedtls_md_context_t md;
	int error;

	mbedtls_md_init(&md);
	error = info == NULL ? -1 : mbedtls_md_setup(&md, info, 1);
	if (error == 0)
		error = mbedtls_md_hmac_starts(&md, key, HMAC_KEY_LEN);
	for (size_t i = 0; i < count && error == 0; i++)
		error = mbedtls_md_hmac_update(&md, pieces[i].data, pieces[i].len);
	if (error == 0)
		error = mbedtls_md_hmac_finish(&md, ret);
	mbedtls_md_free(&md); /* wipes */
	return error == 0 ? 0 : -EIO;
}

/* ---- by the processor's instructions ---- */

struct hash {
	uint32_t state[SHA_WORDS];
	uint8_t part[SHA_BLOCK_LEN]; /* what does not fill a block yet */
	size_t part_len;
	uint64_t len;
};

static void hash_begin(struct hash *hash)
{
	static const uint32_t first[SHA_WORDS] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};

	memcpy(hash->state, first, sizeof(first));
	hash->part_len = 0;
	hash->len = 0;
}

static void hash_add(struct hash *hash, const uint8_t *data, size_t len)
{
	size_t fill = SHA_BLOCK_LEN - hash->part_len;

	hash->len += len;
	if (hash->part_len > 0 && len >= fill) {
		memcpy(hash->part + hash->part_len, data, fill);
		sha_ni_blocks(hash->state, hash->part, 1);
		hash->part_len = 0;
		data += fill;
		len -= fill;
	}
	if (hash->part_len == 0 && len >= SHA_BLOCK_LEN) {
		sha_ni_blocks(hash->state, data, len / SHA_BLOCK_LEN);
		data += len - len % SHA_BLOCK_LEN;
		len %= SHA_BLOCK_LEN;
	}
	if (len > 0)
		memcpy(hash->part + hash->part_len, data, len);
	hash->part_len += len;
}

static void hash_end(struct hash *hash, uint8_t ret[HMAC_LEN])
{
	static const uint8_t padding[SHA_BLOCK_LEN] = {0x80};
	const uint64_t bits = hash->len * 8;
	const size_t pad = 1 + (SHA_BLOCK_LEN * 2 - 9 - hash->part_len) % SHA_BLOCK_LEN;
	uint8_t length[8];

	for (size_t i = 0; i < sizeof(length); i++)
		length[i] = (uint8_t)(bits >> (56 - 8 * i));
	hash_add(hash, padding, pad);
	hash_add(hash, length, sizeof(length));
	for (size_t i = 0; i < HMAC_LEN; i++)
		ret[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
}

static void hash_key(struct hash *hash, const uint8_t *key, uint8_t with)
{
	uint8_t block[SHA_BLOCK_LEN];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = key[i] ^ with;
	hash_begin(hash);
	hash_add(hash, block, sizeof(block));
	secret_wipe(block, sizeof(block));
}

/* RFC 2104. */
static int by_instructions(const uint8_t *key, const struct link_slice pieces[], size_t count,
			   uint8_t ret[HMAC_LEN])
{
	uint8_t inner[HMAC_LEN];
	struct hash hash;

	if (!sha_ni_there())
		return -ENOTSUP;
	hash_key(&hash, key, 0x36);
	for (size_t i = 0; i < count; i++)
		hash_add(&hash, pieces[i].data, pieces[i].len);
	hash_end(&hash, inner);
	hash_key(&hash, key, 0x5c);
	hash_add(&hash, inner, sizeof(inner));
	hash_end(&hash, ret);
	secret_wipe(&hash, sizeof(hash));
	secret_wipe(inner, sizeof(inner));
	return 0;
}

int hmac_sha256_by(enum hmac_way way, const uint8_t key[HMAC_KEY_LEN],
		   const struct link_slice pieces[], size_t count, uint8_t ret[HMAC_LEN])
{
	return way == HMAC_INSTRUCTIONS ? by_instructions(key, pieces, count, ret)
					: by_mbedtls(key, pieces, count, ret);
}

int hmac_sha256(const uint8_t key[HMAC_KEY_LEN], const struct link_slice pieces[], size_t count,
		uint8_t ret[HMAC_LEN])
{
	return hmac_sha256_by(sha_ni_there() ? HMAC_INSTRUCTIONS : HMAC_MBEDTLS, key, pieces, count,
			      ret);
}
