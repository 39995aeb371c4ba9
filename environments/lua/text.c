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
