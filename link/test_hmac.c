/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ways of hashing against RFC 4231, and against each other over every length around the
 * blocks' ends, cut into pieces anywhere. On a processor without the instructions that way is shown
 * to refuse, and the rest is of mbedTLS alone.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "link/check.h"
#include "link/hmac.h"
#include "link/sha_ni.h"

#define LEN_MAX 1000u

struct vector {
	const char *name;
	uint8_t key[HMAC_KEY_LEN]; /* with the zeros that a shorter one is padded with */
	uint8_t data[64];
	size_t len;
	const char *want;
};

static const struct vector vectors[] = {
	{"RFC 4231, 1",
	 {0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
	  0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b},
	 "Hi There", 8, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
	{"RFC 4231, 2", "Jefe", "what do ya want for nothing?", 28,
	 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	{"RFC 4231, 4",
	 {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13,
	  14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25},
	 {0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd,
	  0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd,
	  0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd,
	  0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd},
	 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
};

static bool is(const uint8_t hash[HMAC_LEN], const char *want)
{
	char text[2 * HMAC_LEN + 1];

	for (size_t i = 0; i < HMAC_LEN; i++)
		snprintf(text + 2 * i, 3, "%02x", hash[i]);
	return strcmp(text, want) == 0;
}

static void test_vectors(struct check *check)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct link_slice whole = {vectors[i].data, vectors[i].len};
		uint8_t hash[HMAC_LEN];

		check->row = vectors[i].name;
		CHECK_EQ(check, hmac_sha256(vectors[i].key, &whole, 1, hash), 0);
		CHECK(check, is(hash, vectors[i].want));
		CHECK_EQ(check, hmac_sha256_by(HMAC_MBEDTLS, vectors[i].key, &whole, 1, hash), 0);
		CHECK(check, is(hash, vectors[i].want));
	}
	check->row = NULL;
}

static void test_refused(struct check *check)
{
	static const uint8_t key[HMAC_KEY_LEN];
	uint8_t hash[HMAC_LEN];

	CHECK_EQ(check, hmac_sha256_by(HMAC_INSTRUCTIONS, key, NULL, 0, hash),
		 sha_ni_there() ? 0 : -ENOTSUP);
}

/* The pieces end anywhere, also where they are empty. */
static void test_pieces(struct check *check)
{
	uint8_t data[LEN_MAX], key[HMAC_KEY_LEN], whole[HMAC_LEN], cut[HMAC_LEN];

	srandom(1);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)random();
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)random();
	for (size_t len = 0; len <= sizeof(data); len++) {
		const size_t first = (size_t)random() % (len + 1);
		const size_t second = first + (size_t)random() % (len - first + 1);
		const struct link_slice one = {data, len};
		const struct link_slice three[] = {
			{data, first}, {data + first, second - first}, {data + second, len - second}};

		CHECK_EQ(check, hmac_sha256_by(HMAC_MBEDTLS, key, &one, 1, whole), 0);
		CHECK_EQ(check, hmac_sha256(key, three, 3, cut), 0);
		CHECK(check, memcmp(whole, cut, sizeof(whole)) == 0);
	}
}

static void test_bit(struct check *check)
{
	uint8_t data[200] = {0}, key[HMAC_KEY_LEN] = {0}, before[HMAC_LEN], after[HMAC_LEN];
	const struct link_slice piece = {data, sizeof(data)};

	CHECK_EQ(check, hmac_sha256(key, &piece, 1, before), 0);
	data[130] ^= 4;
	CHECK_EQ(check, hmac_sha256(key, &piece, 1, after), 0);
	CHECK(check, memcmp(before, after, sizeof(before)) != 0);
	data[130] ^= 4;
	key[63] ^= 1;
	CHECK_EQ(check, hmac_sha256(key, &piece, 1, after), 0);
	CHECK(check, memcmp(before, after, sizeof(before)) != 0);
}

int main(void)
{
	struct check check = {0};

	test_vectors(&check);
	test_refused(&check);
	test_pieces(&check);
	test_bit(&check);
	return CHECK_DONE(&check);
}
