/* SPDX-License-Identifier: Apache-2.0 */
#include "environments/lua/value.h"

#include <lauxlib.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "environments/lua/message.h"

#define TEXT_DEPTH 3
#define TEXT_ENTRIES 50
#define JSON_DEPTH 32

static void push_table(lua_State *lua, int index, int depth);

static bool has_tostring(lua_State *lua, int index)
{
	if (luaL_getmetafield(lua, index, "__tostring") == LUA_TNIL)
		return false;
	lua_pop(lua, 1);
	return true;
}

static bool is_name(const char *text, size_t len)
{
	if (len == 0 || (*text >= '0' && *text <= '9'))
		return false;
	return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") ==
	       len;
}

/* As it would be written in Lua, where that is possible. */
static void push_inner(lua_State *lua, int index, int depth)
{
	if (lua_type(lua, index) == LUA_TSTRING) {
		lua_getglobal(lua, "string");
		lua_getfield(lua, -1, "format");
		lua_pushliteral(lua, "%q");
		lua_pushvalue(lua, index);
		lua_call(lua, 2, 1);
		lua_remove(lua, -2);
	} else if (lua_type(lua, index) == LUA_TTABLE && !has_tostring(lua, index)) {
		push_table(lua, index, depth);
	} else {
		luaL_tolstring(lua, index, NULL);
	}
}

/* The key at `index` as a table constructor has it, "" where it is the next of the array part. */
static void push_key(lua_State *lua, int index, lua_Integer position)
{
	size_t len;
	const char *text;

	if (lua_isinteger(lua, index) && lua_tointeger(lua, index) == position) {
		lua_pushliteral(lua, "");
		return;
	}
	if (lua_type(lua, index) == LUA_TSTRING) {
		text = lua_tolstring(lua, index, &len);
		if (is_name(text, len)) {
			lua_pushfstring(lua, "%s = ", text);
			return;
		}
	}
	push_inner(lua, index, TEXT_DEPTH);
	lua_pushfstring(lua, "[%s] = ", lua_tostring(lua, -1));
	lua_remove(lua, -2);
}

static void push_table(lua_State *lua, int index, int depth)
{
	int entries = 0;
	int table = lua_absindex(lua, index);

	luaL_checkstack(lua, 12, NULL);
	if (depth >= TEXT_DEPTH) {
		lua_pushliteral(lua, "{...}");
		return;
	}
	lua_pushliteral(lua, "{");
	lua_pushnil(lua);
	while (lua_next(lua, table)) { /* text, key, value */
		int key = lua_absindex(lua, -2);

		if (entries == TEXT_ENTRIES) {
			lua_pop(lua, 2);
			lua_pushliteral(lua, ", ...");
			lua_concat(lua, 2);
			break;
		}
		push_key(lua, key, entries + 1);
		push_inner(lua, key + 1, depth + 1);
		lua_pushfstring(lua, "%s%s%s%s", lua_tostring(lua, key - 1), entries ? ", " : "",
				lua_tostring(lua, -2), lua_tostring(lua, -1));
		lua_replace(lua, key - 1);
		lua_settop(lua, key);
		entries++;
	}
	lua_pushliteral(lua, "}");
	lua_concat(lua, 2);
}

void value_push_text(lua_State *lua, int index)
{
	int absolute = lua_absindex(lua, index);

	if (lua_type(lua, absolute) == LUA_TTABLE && !has_tostring(lua, absolute))
		push_table(lua, absolute, 0);
	else
		luaL_tolstring(lua, absolute, NULL);
}

json_t *value_string(lua_State *lua, int index)
{
	size_t len;
	const char *text = lua_tolstring(lua, index, &len);

	return text ? json_text(text, len) : NULL;
}

static json_t *value_any(lua_State *lua, int index, int depth);

/* All keys are 1..n: as many keys as the border says. */
static bool is_array(lua_State *lua, int table)
{
	lua_Unsigned border = lua_rawlen(lua, table), keys = 0;

	lua_pushnil(lua);
	while (lua_next(lua, table)) {
		lua_pop(lua, 1);
		if (!lua_isinteger(lua, -1) || ++keys > border) {
			lua_pop(lua, 1);
			return false;
		}
	}
	return keys > 0 && keys == border;
}

static json_t *array_json(lua_State *lua, int table, int depth)
{
	json_t *ret = json_array();

	for (lua_Unsigned i = 1; ret && i <= lua_rawlen(lua, table); i++) {
		json_t *value;

		lua_rawgeti(lua, table, (lua_Integer)i);
		value = value_any(lua, lua_gettop(lua), depth + 1);
		lua_pop(lua, 1);
		if (!value || json_array_append_new(ret, value) < 0) {
			json_decref(ret);
			return NULL;
		}
	}
	return ret;
}

static json_t *object_json(lua_State *lua, int table, int depth)
{
	json_t *ret = json_object();

	lua_pushnil(lua);
	while (ret && lua_next(lua, table)) {
		json_t *value = NULL;

		/* Not lua_tostring on other keys: it would change them under lua_next. */
		if (lua_type(lua, -2) == LUA_TSTRING)
			value = value_any(lua, lua_gettop(lua), depth + 1);
		if (!value || json_object_set_new(ret, lua_tostring(lua, -2), value) < 0) {
			json_decref(ret);
			lua_pop(lua, 2);
			return NULL;
		}
		lua_pop(lua, 1);
	}
	return ret;
}

static json_t *number_json(lua_State *lua, int index)
{
	if (lua_isinteger(lua, index))
		return json_integer(lua_tointeger(lua, index));
	return isfinite(lua_tonumber(lua, index)) ? json_real(lua_tonumber(lua, index)) : NULL;
}

static json_t *value_any(lua_State *lua, int index, int depth)
{
	if (depth > JSON_DEPTH || !lua_checkstack(lua, 8))
		return NULL;
	switch (lua_type(lua, index)) {
	case LUA_TNIL:
		return json_null();
	case LUA_TBOOLEAN:
		return json_boolean(lua_toboolean(lua, index));
	case LUA_TNUMBER:
		return number_json(lua, index);
	case LUA_TSTRING:
		return value_string(lua, index);
	case LUA_TTABLE:
		return is_array(lua, index) ? array_json(lua, index, depth)
					    : object_json(lua, index, depth);
	default:
		return NULL;
	}
}

json_t *value_json(lua_State *lua, int index)
{
	return value_any(lua, lua_absindex(lua, index), 0);
}
