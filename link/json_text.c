/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text: UTF-8 and the decoding of strings. */
#include "link/json_scan.h"

#include <errno.h>
#include <string.h>

/* ---- UTF-8 ---- */

size_t json_utf8_sequence(const uint8_t *at, const uint8_t *end)
{
	uint8_t lead = *at;
	size_t len = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	uint8_t low = 0x80, high = 0xbf;

	if (lead > 0xf4 || (size_t)(end - at) < len)
		return 0;
	if (lead == 0xe0)
		low = 0xa0; /* else overlong */
	else if (lead == 0xed)
		high = 0x9f; /* else a surrogate */
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f; /* else over U+10FFFF */
	for (size_t i = 1; i < len; i++) {
		if (at[i] < low || at[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return len;
}

bool json_utf8_ok(const uint8_t *text, size_t len)
{
	const uint8_t *end = text + len;

	while (text < end) {
		size_t step = json_utf8_sequence(text, end);

		if (step == 0)
			return false;
		text += step;
	}
	return true;
}

/* ---- strings ---- */

struct decode {
	const uint8_t *at;
	const uint8_t *end; /* before the closing quote */
	char *to;
	size_t left; /* of to, the NUL included */
};

static uint32_t hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return (uint32_t)c - '0';
	if (c >= 'a' && c <= 'f')
		return (uint32_t)c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? (uint32_t)c - 'A' + 10 : UINT32_MAX;
}

/* Four hex digits; UINT32_MAX where they are not there. */
static uint32_t decode_hex(struct decode *decode)
{
	uint32_t value = 0;

	if (decode->end - decode->at < 4)
		return UINT32_MAX;
	for (int i = 0; i < 4; i++) {
		uint32_t digit = hex_value(*decode->at++);

		if (digit == UINT32_MAX)
			return UINT32_MAX;
		value = value << 4 | digit;
	}
	return value;
}

/* A code point of \uXXXX, or of a surrogate pair of two; UINT32_MAX where it is none. */
static uint32_t decode_unicode(struct decode *decode)
{
	uint32_t high = decode_hex(decode), low;

	if (high < 0xd800 || high > 0xdfff)
		return high;
	if (high > 0xdbff || decode->end - decode->at < 2 || decode->at[0] != '\\' ||
	    decode->at[1] != 'u')
		return UINT32_MAX;
	decode->at += 2;
	low = decode_hex(decode);
	if (low < 0xdc00 || low > 0xdfff)
		return UINT32_MAX;
	return 0x10000 + ((high - 0xd800) << 10 | (low - 0xdc00));
}

static int put(struct decode *decode, const uint8_t *bytes, size_t len)
{
	if (decode->left <= len)
		return -ENOBUFS;
	memcpy(decode->to, bytes, len);
	decode->to += len;
	decode->left -= len;
	return 0;
}

static int put_unicode(struct decode *decode, uint32_t point)
{
	uint8_t bytes[4];
	size_t len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = len - 1; i > 0; i--) {
		bytes[i] = (uint8_t)(0x80 | (point & 0x3f));
		point >>= 6;
	}
	bytes[0] = (uint8_t)(lead[len] | point);
	return put(decode, bytes, len);
}

static int decode_escape(struct decode *decode)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	uint32_t point;

	if (decode->at == decode->end)
		return -EBADMSG;
	if (*decode->at == 'u') {
		decode->at++;
		point = decode_unicode(decode);
		return point == 0 || point == UINT32_MAX ? -EBADMSG : put_unicode(decode, point);
	}
	found = *decode->at == '\0' ? NULL : strchr(from, *decode->at);
	decode->at++;
	return found == NULL ? -EBADMSG : put(decode, (const uint8_t *)&to[found - from], 1);
}

static int decode_next(struct decode *decode)
{
	const uint8_t *at = decode->at;
	size_t step;

	if (*at == '\\') {
		decode->at++;
		return decode_escape(decode);
	}
	step = *at < 0x20 || *at == '"' ? 0 : json_utf8_sequence(at, decode->end);
	if (step == 0)
		return -EBADMSG;
	decode->at += step;
	return put(decode, at, step);
}

int json_string_get(struct link_slice value, char *ret, size_t size)
{
	struct decode decode = {.to = ret, .left = size};
	int error = 0;

	if (size == 0)
		return -ENOBUFS;
	ret[0] = '\0';
	if (value.len < 2 || value.data[0] != '"' || value.data[value.len - 1] != '"')
		return -EBADMSG;
	decode.at = value.data + 1;
	decode.end = value.data + value.len - 1;
	while (error == 0 && decode.at < decode.end)
		error = decode_next(&decode);
	*(error == 0 ? decode.to : ret) = '\0';
	return error;
}
