/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CURVE keys: parsing, making, refusing the ones the world knows. Nothing here reads a file:
 * callers hand over the bytes they read and wipe them.
 *
 * All functions return 0 or a negative errno. On failure the outputs are wiped.
 */
#ifndef ANCHORHOLD_LINK_CURVE_H
#define ANCHORHOLD_LINK_CURVE_H

#include <stddef.h>
#include <stdint.h>

#define CURVE_KEY_LEN 32u
#define CURVE_TEXT_LEN 40u /* Z85 characters of a key */
#define CURVE_PRINT_LEN 39u /* characters of a fingerprint */

struct curve_key {
	uint8_t bytes[CURVE_KEY_LEN];
};

struct curve_pair {
	struct curve_key public_key;
	struct curve_key secret_key; /* wipe with curve_pair_wipe() */
};

/*
 * A key as it stands in a file or a configuration: exactly 40 Z85 characters, one newline may
 * follow. -EBADMSG where it is anything else; -EKEYREJECTED where the key is published or weak
 * (curve_key_check).
 */
int curve_key_parse(const char *text, size_t len, struct curve_key *ret_key);

/* The 40 characters and a NUL. */
void curve_key_format(const struct curve_key *key, char ret_text[CURVE_TEXT_LEN + 1]);

/* -EKEYREJECTED: one of the keys printed in zmq_curve(7) or in libzmq's tests, a key of all
 * equal bytes, or a public key of small order. */
int curve_key_check(const struct curve_key *key);

/* The pair of a secret key. -EKEYREJECTED as above, for either half. */
int curve_pair_from_secret(const struct curve_key *secret, struct curve_pair *ret_pair);

/* A new pair from the kernel's random numbers. -EIO where libzmq has none. */
int curve_pair_make(struct curve_pair *ret_pair);

void curve_pair_wipe(struct curve_pair *pair);

/*
 * What people compare a public key by, and what every frame of a connection carries: the first 16
 * bytes of its SHA-256, in hex, as 0123-4567-... An identifier, as in link_identifier_ok().
 */
void curve_key_print(const struct curve_key *key, char ret_print[CURVE_PRINT_LEN + 1]);

#endif
