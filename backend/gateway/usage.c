/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/usage.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "link/wire.h"

static const char *key_of(const uint8_t *text, size_t len)
{
	const char *key;

	for (size_t i = 0; (key = link_usage_key(i)) != NULL; i++)
		if (strlen(key) == len && memcmp(key, text, len) == 0)
			return key;
	return NULL;
}

static bool number_of(const uint8_t *text, size_t len, json_int_t *ret_value)
{
	json_int_t value = 0;

	if (len == 0 || len > 19 || (len > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9' ||
		    __builtin_mul_overflow(value, (json_int_t)10, &value) ||
		    __builtin_add_overflow(value, (json_int_t)(text[i] - '0'), &value))
			return false;
	}
	*ret_value = value;
	return true;
}

static int line_add(json_t *object, const uint8_t *line, size_t len)
{
	const uint8_t *space = memchr(line, ' ', len);
	json_int_t value;
	const char *key;

	if (space == NULL || space == line ||
	    !number_of(space + 1, len - (size_t)(space - line) - 1, &value))
		return -EBADMSG;
	key = key_of(line, (size_t)(space - line));
	if (key == NULL)
		return 0;
	if (json_object_get(object, key) != NULL)
		return -EBADMSG;
	return json_object_set_new(object, key, json_integer(value));
}

json_t *usage_json(const uint8_t *text, size_t len)
{
	json_t *object = json_object();
	size_t at = 0;

	while (at < len && object != NULL) {
		const uint8_t *end = memchr(text + at, '\n', len - at);

		if (end == NULL || line_add(object, text + at, (size_t)(end - text) - at) < 0) {
			json_decref(object);
			return NULL;
		}
		at = (size_t)(end - text) + 1;
	}
	return object;
}
