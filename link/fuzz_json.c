/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text: json_check() and json_members() agree on what is an object, a member's raw value is
 * JSON by itself and lies inside the text, and a string that decodes is valid UTF-8.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "link/json_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void value_check(const uint8_t *data, size_t size, struct link_slice value)
{
	enum json_kind kind;
	char text[64];

	if (value.data == NULL)
		return;
	require(value.data >= data && value.data + value.len <= data + size && value.len > 0);
	require(json_check(value.data, value.len, &kind) == 0);
	require(kind == json_kind_of(value));
	if (kind == JSON_STRING && json_string_get(value, text, sizeof(text)) == 0)
		require(json_utf8_ok((uint8_t *)text, strlen(text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"a", "msg_id", "header", "content"};
	struct link_slice value[4];
	enum json_kind kind = JSON_NULL;
	int checked = json_check(data, size, &kind);
	int membered = json_members(data, size, names, 4, value);
	char text[16];

	if (membered == 0)
		require(checked == 0 && kind == JSON_OBJECT);
	for (size_t i = 0; i < 4; i++) {
		require(membered == 0 || value[i].data == NULL);
		value_check(data, size, value[i]);
	}
	json_string_get((struct link_slice){data, size}, text, sizeof(text));
	require(json_utf8_ok((uint8_t *)text, strlen(text)));
	return 0;
}
