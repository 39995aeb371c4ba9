/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "environments/lua/assist.h"
#include "environments/lua/names.h"

#define MATCHES_MAX 500u

static const char *const keywords[] = {
	"and",	 "break", "do",	 "else", "elseif", "end",    "false", "for",  "function", "goto", "if",
	"in",	 "local", "nil", "not",	 "or",	   "repeat", "return", "then", "true",	   "until",
	"while",
};

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A sorted copy without repetitions. */
static json_t *sorted(const json_t *names)
{
	size_t count = json_array_size(names);
	const char **list = calloc(count ? count : 1, sizeof(*list));
	json_t *ret = json_array();

	for (size_t i = 0; list && i < count; i++)
		list[i] = json_string_value(json_array_get(names, i));
	if (list)
		qsort(list, count, sizeof(*list), compare);
	for (size_t i = 0; list && i < count; i++)
		if (i == 0 || strcmp(list[i], list[i - 1]))
			json_array_append_new(ret, json_string(list[i]));
	free(list);
	return ret;
}

static void keywords_add(json_t *names, const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (!strncmp(keywords[i], word, len))
			json_array_append_new(names, json_string(keywords[i]));
}

/* The string keys of the table at the top, and of what stands behind it by __index. */
static void members_add(lua_State *lua, json_t *names, const char *prefix, size_t prefix_len,
			const char *word, size_t len)
{
	lua_pushnil(lua);
	while (lua_next(lua, -2) && json_array_size(names) < MATCHES_MAX) {
		const char *key = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : NULL;
		bool plain = key && *key != '\0';

		for (const char *c = key; plain && *c; c++)
			plain = names_byte(*c, true);
		if (plain && !strncmp(key, word, len))
			json_array_append_new(names, json_sprintf("%.*s%s", (int)prefix_len,
								  prefix, key));
		lua_pop(lua, 1);
	}
}

static void levels_add(lua_State *lua, json_t *names, const char *chain, size_t prefix_len,
		       size_t chain_len)
{
	int top = lua_gettop(lua);

	if (!names_resolve(lua, chain, prefix_len))
		return;
	for (int depth = 0; depth < 8 && names_members(lua); depth++) {
		members_add(lua, names, chain, prefix_len, chain + prefix_len,
			    chain_len - prefix_len);
		/* On to the metatable of the table just read, which names_members() pushed. */
		lua_settop(lua, top + 1 + 1);
		lua_replace(lua, top + 1);
		if (!lua_getmetatable(lua, top + 1))
			break;
		lua_pushliteral(lua, "__index");
		lua_rawget(lua, -2);
		lua_replace(lua, top + 1);
		lua_settop(lua, top + 1);
	}
	lua_settop(lua, top);
}

json_t *assist_complete(lua_State *lua, const json_t *content)
{
	const json_t *code = json_object_get(content, "code");
	const json_t *cursor = json_object_get(content, "cursor_pos");
	const char *text = json_is_string(code) ? json_string_value(code) : "";
	size_t len = strlen(text);
	size_t at = json_is_integer(cursor) && json_integer_value(cursor) >= 0
			    ? names_offset(text, len, (size_t)json_integer_value(cursor))
			    : len;
	size_t begin = names_begin(text, at), prefix = at;
	json_t *names = json_array(), *matches;

	while (prefix > begin && names_byte(text[prefix - 1], true))
		prefix--;
	if (names && lua_checkstack(lua, 16)) {
		if (prefix == begin && at > begin)
			keywords_add(names, text + begin, at - begin);
		levels_add(lua, names, text + begin, prefix - begin, at - begin);
	}
	matches = sorted(names);
	json_decref(names);
	return json_pack("{s:s, s:o, s:I, s:I, s:{}}", "status", "ok", "matches", matches,
			 "cursor_start", (json_int_t)names_points(text, begin), "cursor_end",
			 (json_int_t)names_points(text, at), "metadata");
}
