/* SPDX-License-Identifier: Apache-2.0 */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "environments/lua/assist.h"
#include "environments/lua/execute.h"
#include "environments/lua/message.h"
#include "environments/lua/names.h"
#include "environments/lua/value.h"

#define SOURCE_MAX (16u * 1024u)
#define EOF_MARK "<eof>"

/* The lines first..last of a text; len 0 where it has fewer. */
static struct link_slice lines(const char *text, int first, int last)
{
	const char *from = text, *to;

	for (int line = 1; line < first && from; line++) {
		from = strchr(from, '\n');
		from = from ? from + 1 : NULL;
	}
	to = from;
	for (int line = first; line <= last && to; line++) {
		to = strchr(to, '\n');
		to = to ? to + 1 : NULL;
	}
	if (!from)
		return (struct link_slice){NULL, 0};
	return (struct link_slice){(const uint8_t *)from,
				   to ? (size_t)(to - from) : strlen(from)};
}

/* The text that a chunk was compiled from; NULL where it is not in the history. */
static const char *chunk_text(lua_State *lua, const lua_Debug *debug)
{
	int line;

	if (sscanf(debug->source, EXECUTE_CHUNK_NAME, &line) != 1)
		return NULL;
	return history_input(&interp_of(lua)->history, line);
}

/* Adds what is known of the function at the top, which stays. */
static void function_describe(lua_State *lua, luaL_Buffer *buffer, int function)
{
	struct link_slice source;
	const char *text;
	lua_Debug debug;

	lua_pushvalue(lua, function);
	lua_getinfo(lua, ">Su", &debug);
	if (*debug.what == 'C') {
		luaL_addstring(buffer, "\nBuilt in, written in C.");
		return;
	}
	lua_pushfstring(lua, "\nParameters: %d%s\nDefined: %s:%d", (int)debug.nparams,
			debug.isvararg ? " and more" : "", debug.short_src, debug.linedefined);
	luaL_addvalue(buffer);
	text = chunk_text(lua, &debug);
	if (!text)
		return;
	source = lines(text, debug.linedefined, debug.lastlinedefined);
	if (source.len > 0 && source.len < SOURCE_MAX) {
		luaL_addstring(buffer, "\n\n");
		luaL_addlstring(buffer, (const char *)source.data, source.len);
	}
}

/* In a protected call: (name) -> text, or nil where nothing has that name. */
static int describe(lua_State *lua)
{
	size_t len;
	const char *name = luaL_checklstring(lua, 1, &len);
	luaL_Buffer buffer;
	int type;

	if (len == 0 || !names_resolve(lua, name, len))
		return 0;
	type = lua_type(lua, 2);
	luaL_buffinit(lua, &buffer);
	luaL_addstring(&buffer, name);
	luaL_addstring(&buffer, ": ");
	luaL_addstring(&buffer, lua_typename(lua, type));
	if (type == LUA_TFUNCTION) {
		function_describe(lua, &buffer, 2);
	} else if (type != LUA_TTABLE && type != LUA_TUSERDATA) {
		/* Only types whose text needs no metamethod. */
		luaL_addstring(&buffer, "\nValue: ");
		lua_pushvalue(lua, 2);
		luaL_tolstring(lua, -1, NULL);
		lua_remove(lua, -2);
		luaL_addvalue(&buffer);
	} else if (type == LUA_TTABLE) {
		lua_pushfstring(lua, "\nLength: %d", (int)lua_rawlen(lua, 2));
		luaL_addvalue(&buffer);
	}
	luaL_pushresult(&buffer);
	return 1;
}

/* The name around the cursor; behind an opening parenthesis, the one before it. */
static void name_around(const char *text, size_t at, size_t *ret_begin, size_t *ret_end)
{
	size_t len = strlen(text);

	while (at > 0 && (at == len || !names_byte(text[at], true)) &&
	       !names_byte(text[at - 1], true))
		at--;
	while (at < len && names_byte(text[at], true))
		at++;
	*ret_end = at;
	*ret_begin = names_begin(text, at);
}

json_t *assist_inspect(lua_State *lua, const json_t *content)
{
	const char *text = json_string_value(json_object_get(content, "code"));
	json_int_t cursor = json_integer_value(json_object_get(content, "cursor_pos"));
	json_t *found = NULL;
	size_t begin, end;
	int top = lua_gettop(lua);

	text = text ? text : "";
	name_around(text, names_offset(text, strlen(text), cursor > 0 ? (size_t)cursor : 0), &begin,
		    &end);
	lua_pushcfunction(lua, describe);
	lua_pushlstring(lua, text + begin, end - begin);
	if (lua_pcall(lua, 1, 1, 0) == LUA_OK && lua_type(lua, -1) == LUA_TSTRING)
		found = value_string(lua, -1);
	lua_settop(lua, top);
	if (!found)
		return json_pack("{s:s, s:b, s:{}, s:{}}", "status", "ok", "found", 0, "data",
				 "metadata");
	return json_pack("{s:s, s:b, s:{s:o}, s:{}}", "status", "ok", "found", 1, "data",
			 "text/plain", found, "metadata");
}

static const char *completeness(lua_State *lua, const char *code)
{
	const char *status = "complete", *error;
	size_t len;
	int top = lua_gettop(lua);

	lua_pushfstring(lua, "return %s", code);
	if (luaL_loadbufferx(lua, lua_tostring(lua, -1), lua_rawlen(lua, -1), "=code", "t") ==
		    LUA_OK ||
	    luaL_loadbufferx(lua, code, strlen(code), "=code", "t") == LUA_OK) {
		lua_settop(lua, top);
		return status;
	}
	error = lua_tolstring(lua, -1, &len);
	status = "invalid";
	/* The parser ran out of text: more may make it right. */
	if (error && len >= strlen(EOF_MARK) &&
	    !strcmp(error + len - strlen(EOF_MARK), EOF_MARK))
		status = "incomplete";
	lua_settop(lua, top);
	return status;
}

json_t *assist_is_complete(lua_State *lua, const json_t *content)
{
	const char *code = json_string_value(json_object_get(content, "code"));
	const char *status = completeness(lua, code ? code : "");

	if (!strcmp(status, "incomplete"))
		return json_pack("{s:s, s:s}", "status", status, "indent", "  ");
	return json_pack("{s:s}", "status", status);
}
