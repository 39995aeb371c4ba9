/* SPDX-License-Identifier: Apache-2.0 */
#include "environments/lua/names.h"

#include <lauxlib.h>
#include <string.h>

#define INDEX_DEPTH 8 /* of a chain of __index tables */

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

size_t names_offset(const char *text, size_t len, size_t points)
{
	size_t at = 0;

	for (; at < len && points > 0; points--)
		do
			at++;
		while (at < len && is_continuation(text[at]));
	return at;
}

size_t names_points(const char *text, size_t bytes)
{
	size_t points = 0;

	for (size_t i = 0; i < bytes; i++)
		points += !is_continuation(text[i]);
	return points;
}

bool names_byte(char c, bool plain)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')
		return true;
	return !plain && (c == '.' || c == ':');
}

size_t names_begin(const char *text, size_t end)
{
	size_t begin = end;

	while (begin > 0 && names_byte(text[begin - 1], false))
		begin--;
	return begin;
}

/* Replaces the table at the top by its entry of the name at the top; nil where there is none. */
static bool member(lua_State *lua, const char *name, size_t len)
{
	for (int depth = 0; depth < INDEX_DEPTH && names_members(lua); depth++) {
		lua_pushlstring(lua, name, len);
		if (lua_rawget(lua, -2) != LUA_TNIL) {
			lua_replace(lua, -3);
			lua_pop(lua, 1);
			return true;
		}
		lua_pop(lua, 1);
		lua_replace(lua, -2);
		if (!lua_getmetatable(lua, -1))
			return false;
		lua_pushliteral(lua, "__index");
		lua_rawget(lua, -2);
		lua_replace(lua, -3);
		lua_pop(lua, 1);
	}
	return false;
}

bool names_members(lua_State *lua)
{
	if (lua_istable(lua, -1)) {
		lua_pushvalue(lua, -1);
		return true;
	}
	if (!lua_getmetatable(lua, -1))
		return false;
	lua_pushliteral(lua, "__index");
	lua_rawget(lua, -2);
	lua_remove(lua, -2);
	if (lua_istable(lua, -1))
		return true;
	lua_pop(lua, 1);
	return false;
}

bool names_resolve(lua_State *lua, const char *name, size_t len)
{
	lua_pushglobaltable(lua);
	while (len > 0) {
		size_t word = 0;

		while (word < len && names_byte(name[word], true))
			word++;
		if (word == 0 || !member(lua, name, word)) {
			lua_pop(lua, 1);
			return false;
		}
		name += word;
		len -= word;
		if (len > 0) { /* a separator; behind it a word is expected */
			name++;
			if (--len == 0)
				break;
		}
	}
	return true;
}
