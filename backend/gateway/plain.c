/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/plain.h"

#include <stdint.h>

#include "link/json_scan.h"

void plain_text(char *text, size_t len)
{
	if (json_utf8_ok((const uint8_t *)text, len))
		return;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] >= 0x80)
			text[i] = '?';
}
