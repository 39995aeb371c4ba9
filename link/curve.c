/* SPDX-License-Identifier: Apache-2.0 */
#include "link/curve.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <mbedtls/md.h>
#include <zmq.h>

#include "link/secret.h"

/*
 * Keys that are printed where everybody can read them: the pairs of zmq_curve(7), which are in
 * thousands of programs, and those of libzmq's own fuzzers.
 */
static const char *const published[] = {
	"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
	"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
	"{{k*81)yMWEF{/BxdMd[5RL^qRFxBgoL<8m.D^KD", "N?Gmik8R[2ACw{b7*[-$S6[4}aO#?DB?#=<OQPc7",
	"3.9-xXwy{g*w72TP*3iB9IJJRxlBH<ufTAvPd2>C", "T}t5GLq%&Qm1)y3ywu-}pY3KEA//{^Ut!M1ut+B4",
};

/* Points of small order on curve25519: with them the shared secret is a constant. Compared
 * without the top bit, which is ignored when a point is read. */
static const uint8_t small_order[][CURVE_KEY_LEN] = {
	{0x01},
	{0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
	 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
	 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
	{0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1,
	 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c,
	 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
	{0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
	{0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
	{0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
};

/* ---- text ---- */

static bool z85_text(const char *text, size_t len)
{
	static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0' || strchr(alphabet, text[i]) == NULL)
			return false;
	return true;
}

/* 40 characters to 32 bytes. Five characters can say more than 32 bits: only what encodes back
 * to the same text is a key. */
static int z85_key(const char *text, struct curve_key *ret_key)
{
	char copy[CURVE_TEXT_LEN + 1], again[CURVE_TEXT_LEN + 1];
	int error = 0;

	memcpy(copy, text, CURVE_TEXT_LEN);
	copy[CURVE_TEXT_LEN] = '\0';
	if (!z85_text(copy, CURVE_TEXT_LEN) || zmq_z85_decode(ret_key->bytes, copy) == NULL ||
	    zmq_z85_encode(again, ret_key->bytes, CURVE_KEY_LEN) == NULL ||
	    !secret_equal(copy, again, CURVE_TEXT_LEN))
		error = -EBADMSG;
	secret_wipe(copy, sizeof(copy));
	secret_wipe(again, sizeof(again));
	return error;
}

int curve_key_parse(const char *text, size_t len, struct curve_key *ret_key)
{
	int error = -EBADMSG;

	if (len == CURVE_TEXT_LEN + 1 && text[CURVE_TEXT_LEN] == '\n')
		len--;
	if (len == CURVE_TEXT_LEN)
		error = z85_key(text, ret_key);
	if (error == 0)
		error = curve_key_check(ret_key);
	if (error != 0)
		secret_wipe(ret_key, sizeof(*ret_key));
	return error;
}

void curve_key_format(const struct curve_key *key, char ret_text[CURVE_TEXT_LEN + 1])
{
	/* cannot fail: 32 is a multiple of 4 */
	zmq_z85_encode(ret_text, key->bytes, CURVE_KEY_LEN);
}

/* ---- judging ---- */

static bool all_equal(const struct curve_key *key)
{
	uint8_t differ = 0;

	for (size_t i = 1; i < CURVE_KEY_LEN; i++)
		differ = (uint8_t)(differ | (key->bytes[i] ^ key->bytes[0]));
	return differ == 0;
}

int curve_key_check(const struct curve_key *key)
{
	struct curve_key other = *key;
	bool bad = all_equal(key);

	for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
		if (z85_key(published[i], &other) == 0)
			bad |= secret_equal(other.bytes, key->bytes, CURVE_KEY_LEN);
	}
	other = *key;
	other.bytes[CURVE_KEY_LEN - 1] &= 0x7f;
	for (size_t i = 0; i < sizeof(small_order) / sizeof(small_order[0]); i++)
		bad |= secret_equal(other.bytes, small_order[i], CURVE_KEY_LEN);
	secret_wipe(&other, sizeof(other));
	return bad ? -EKEYREJECTED : 0;
}

/* ---- pairs ---- */

int curve_pair_from_secret(const struct curve_key *secret, struct curve_pair *ret_pair)
{
	char secret_text[CURVE_TEXT_LEN + 1], public_text[CURVE_TEXT_LEN + 1];
	int error = curve_key_check(secret);

	curve_key_format(secret, secret_text);
	if (error == 0 && zmq_curve_public(public_text, secret_text) != 0)
		error = -EIO;
	if (error == 0)
		error = curve_key_parse(public_text, CURVE_TEXT_LEN, &ret_pair->public_key);
	if (error == 0)
		ret_pair->secret_key = *secret;
	else
		curve_pair_wipe(ret_pair);
	secret_wipe(secret_text, sizeof(secret_text));
	return error;
}

int curve_pair_make(struct curve_pair *ret_pair)
{
	char secret_text[CURVE_TEXT_LEN + 1], public_text[CURVE_TEXT_LEN + 1];
	int error = zmq_curve_keypair(public_text, secret_text) == 0 ? 0 : -EIO;

	if (error == 0)
		error = curve_key_parse(public_text, CURVE_TEXT_LEN, &ret_pair->public_key);
	if (error == 0)
		error = curve_key_parse(secret_text, CURVE_TEXT_LEN, &ret_pair->secret_key);
	if (error != 0)
		curve_pair_wipe(ret_pair);
	secret_wipe(secret_text, sizeof(secret_text));
	return error;
}

void curve_key_print(const struct curve_key *key, char ret_print[CURVE_PRINT_LEN + 1])
{
	const mbedtls_md_info_t *info = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
	uint8_t hash[32] = {0};
	size_t at = 0;

	/* Cannot fail: SHA-256 is in every build. Zeros would match no key's print. */
	if (info == NULL || mbedtls_md(info, key->bytes, CURVE_KEY_LEN, hash) != 0)
		memset(hash, 0, sizeof(hash));
	for (size_t i = 0; i < 16; i += 2)
		at += (size_t)snprintf(ret_print + at, CURVE_PRINT_LEN + 1 - at, "%s%02x%02x",
				       i > 0 ? "-" : "", hash[i], hash[i + 1]);
}

void curve_pair_wipe(struct curve_pair *pair)
{
	secret_wipe(pair, sizeof(*pair));
}
