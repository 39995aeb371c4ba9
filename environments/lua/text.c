/* SPDX-License-Identifier: Apache-2.0 */
#include "environments/lua/text.h"

#include <string.h>

#include "link/json_scan.h"

static const uint8_t replacement[TEXT_CLEAN_FACTOR] = {0xef, 0xbf, 0xbd};

size_t text_clean(const char *data, size_t len, char *ret)
{
	const uint8_t *at = (const uint8_t *)data, *end = at + len;
	size_t size = 0;

	while (at < end) {
		size_t run = json_utf8_sequence(at, end);

		memcpy(ret + size, run ? at : replacement, run ? run : sizeof(replacement));
		size += run ? run : sizeof(replacement);
		at += run ? run : 1;
	}
	return size;
}

/* What stands for a byte that may not stand for itself; its length. */
static size_t escape(uint8_t byte, char ret[TEXT_QUOTED_FACTOR])
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt", digits[] = "0123456789ABCDEF";
	const char *found = byte == '\0' ? NULL : strchr(from, byte);

	ret[0] = '\\';
	if (found) {
		ret[1] = to[found - from];
		return 2;
	}
	memcpy(ret + 1, "u00", 3);
	ret[4] = digits[byte >> 4];
	ret[5] = digits[byte & 15];
	return 6;
}

size_t text_quote(const char *data, size_t len, char *ret)
{
	const uint8_t *at = (const uint8_t *)data, *end = at + len;
	size_t size = 0;

	while (at < end) {
		size_t run = json_plain(at, end);

		memcpy(ret + size, at, run);
		size += run;
		at += run;
		if (at == end)
			break;
		if (*at < 0x20 || *at == '"' || *at == '\\') {
			size += escape(*at++, ret + size);
			continue;
		}
		run = json_utf8_sequence(at, end);
		memcpy(ret + size, run ? at : replacement, run ? run : sizeof(replacement));
		size += run ? run : sizeof(replacement);
		at += run ? run : 1;
	}
	return size;
}
