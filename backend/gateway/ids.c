/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/ids.h"

#include "link/cursor.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

void ids_uuid_make(uint8_t ret_id[LINK_ID_LEN])
{
	randombytes_buf(ret_id, LINK_ID_LEN);
	ret_id[6] = (uint8_t)((ret_id[6] & 0x0f) | 0x40);
	ret_id[8] = (uint8_t)((ret_id[8] & 0x3f) | 0x80);
}

void ids_uuid_format(const uint8_t id[LINK_ID_LEN], char ret_text[IDS_TEXT_LEN + 1])
{
	static const char HEX[] = "0123456789abcdef";
	size_t at = 0;

	for (size_t i = 0; i < LINK_ID_LEN; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			ret_text[at++] = '-';
		ret_text[at++] = HEX[id[i] >> 4];
		ret_text[at++] = HEX[id[i] & 15];
	}
	ret_text[at] = '\0';
}

void ids_uuid_make_text(char ret_text[IDS_TEXT_LEN + 1])
{
	uint8_t id[LINK_ID_LEN];

	ids_uuid_make(id);
	ids_uuid_format(id, ret_text);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int ids_uuid_parse(const char *text, uint8_t ret_id[LINK_ID_LEN])
{
	size_t digits = 0;

	if (strlen(text) != IDS_TEXT_LEN)
		return -EINVAL;
	for (size_t i = 0; i < IDS_TEXT_LEN; i++) {
		int value = hex_value(text[i]);

		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text[i] != '-')
				return -EINVAL;
			continue;
		}
		if (value < 0)
			return -EINVAL;
		if (digits % 2 == 0)
			ret_id[digits / 2] = (uint8_t)(value << 4);
		else
			ret_id[digits / 2] = (uint8_t)(ret_id[digits / 2] | value);
		digits++;
	}
	return 0;
}

void ids_token_make(char ret_token[IDS_TOKEN_LEN + 1])
{
	uint8_t random[IDS_TOKEN_LEN / 2];

	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(ret_token, IDS_TOKEN_LEN + 1, random, sizeof(random));
	sodium_memzero(random, sizeof(random));
}

bool ids_token_ok(const char *text)
{
	for (size_t i = 0; i < IDS_TOKEN_LEN; i++)
		if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
			return false;
	return text[IDS_TOKEN_LEN] == '\0';
}

bool ids_name_ok(const char *text)
{
	size_t len = 0;

	for (; text[len] != '\0'; len++) {
		bool alnum = (text[len] >= 'a' && text[len] <= 'z') ||
			     (text[len] >= '0' && text[len] <= '9');

		if (len == 63 || !(alnum || (text[len] == '-' && len > 0)))
			return false;
	}
	return len > 0;
}

uint64_t ids_random64(void)
{
	uint64_t value;

	do
		randombytes_buf(&value, sizeof(value));
	while (value == 0);
	return value;
}

uint64_t ids_session(const uint8_t kernel[LINK_ID_LEN], const char *client, uint16_t serial)
{
	uint8_t hash[crypto_generichash_BYTES];
	uint64_t value;

	crypto_generichash(hash, sizeof(hash), (const uint8_t *)client, strlen(client), kernel,
			   LINK_ID_LEN);
	memcpy(&value, hash, sizeof(value));
	value = LINK_CLIENT(value);
	return (value == 0 ? 1 : value) | (uint64_t)serial << 48;
}
