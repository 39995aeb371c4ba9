/* SPDX-License-Identifier: Apache-2.0 */
/* Matching paths against patterns. Pure. */
#include <string.h>

#include "backend/gateway/routes.h"

static bool word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_';
}

/* Jupyter's own \w+-\w+-\w+-\w+-\w+: five words. */
static bool looks_like_id(const char *text, size_t len)
{
	unsigned words = 1;
	size_t run = 0;

	for (size_t i = 0; i < len; i++) {
		if (word(text[i])) {
			run++;
		} else if (text[i] == '-' && run > 0) {
			words++;
			run = 0;
		} else {
			return false;
		}
	}
	return words == 5 && run > 0;
}

bool route_match(const char *pattern, const char *path,
		 char ret_param[REQUEST_PARAMS_MAX][REQUEST_PARAM_LEN])
{
	unsigned params = 0;

	while (*pattern != '\0') {
		if (*pattern == '*')
			return true;
		if (*pattern == '{') {
			size_t len = strcspn(path, "/");
			bool id = strncmp(pattern, "{id}", 4) == 0;

			if (len == 0 || len >= REQUEST_PARAM_LEN || params == REQUEST_PARAMS_MAX ||
			    (id && !looks_like_id(path, len)))
				return false;
			memcpy(ret_param[params], path, len);
			ret_param[params++][len] = '\0';
			path += len;
			pattern = strchr(pattern, '}') + 1;
			continue;
		}
		if (*pattern++ != *path++)
			return false;
	}
	return *path == '\0' || (path[0] == '/' && path[1] == '\0');
}

const struct route *route_find(const struct route *table, size_t count, enum request_method method,
			       const char *path,
			       char ret_param[REQUEST_PARAMS_MAX][REQUEST_PARAM_LEN],
			       int *ret_status)
{
	*ret_status = 404;
	for (size_t i = 0; i < count; i++) {
		if (!route_match(table[i].pattern, path, ret_param))
			continue;
		if (table[i].methods & (unsigned)method)
			return &table[i];
		*ret_status = 405;
	}
	return NULL;
}
