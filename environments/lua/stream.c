/* SPDX-License-Identifier: Apache-2.0 */
#include "environments/lua/stream.h"

#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "environments/lua/run.h"
#include "environments/lua/spool.h"

#define STREAM_TYPE "anchorhold.stream"

static void write_text(lua_State *lua, const char *name, const char *text, size_t len)
{
	struct interp *interp = interp_of(lua);

	while (interp->request && len > 0) {
		size_t take = len < SPOOL_TEXT_MAX ? len : SPOOL_TEXT_MAX;
		int rc;

		run_check(lua);
		rc = outgoing_stream(&interp->outgoing, name, interp->request, text, take);
		run_check(lua);
		if (rc < 0)
			luaL_error(lua, "%s: %s", name, strerror(-rc));
		text += take;
		len -= take;
	}
}

static int stream_print(lua_State *lua)
{
	int arguments = lua_gettop(lua);
	luaL_Buffer buffer;
	size_t len;

	luaL_buffinit(lua, &buffer);
	for (int i = 1; i <= arguments; i++) {
		if (i > 1)
			luaL_addchar(&buffer, '\t');
		luaL_tolstring(lua, i, NULL);
		luaL_addvalue(&buffer);
	}
	luaL_addchar(&buffer, '\n');
	luaL_pushresult(&buffer);
	write_text(lua, "stdout", lua_tolstring(lua, -1, &len), lua_rawlen(lua, -1));
	return 0;
}

static void write_arguments(lua_State *lua, const char *name, int first)
{
	for (int i = first; i <= lua_gettop(lua); i++) {
		size_t len;
		const char *text = luaL_checklstring(lua, i, &len);

		write_text(lua, name, text, len);
	}
}

static const char *stream_name(lua_State *lua)
{
	return *(const char **)luaL_checkudata(lua, 1, STREAM_TYPE);
}

static int stream_write(lua_State *lua)
{
	write_arguments(lua, stream_name(lua), 2);
	lua_settop(lua, 1);
	return 1;
}

static int stream_self(lua_State *lua) /* flush, setvbuf: nothing is kept back here */
{
	stream_name(lua);
	lua_settop(lua, 1);
	return 1;
}

static int stream_refuse(lua_State *lua) /* close, seek, read */
{
	luaL_pushfail(lua);
	lua_pushfstring(lua, "%s is the notebook's", stream_name(lua));
	return 2;
}

static int stream_tostring(lua_State *lua)
{
	lua_pushfstring(lua, "file (%s)", stream_name(lua));
	return 1;
}

static const luaL_Reg stream_methods[] = {
	{"write", stream_write},  {"flush", stream_self},  {"setvbuf", stream_self},
	{"close", stream_refuse}, {"seek", stream_refuse}, {"read", stream_refuse},
	{"lines", stream_refuse}, {NULL, NULL},
};

static void stream_new(lua_State *lua, const char *name)
{
	*(const char **)lua_newuserdatauv(lua, sizeof(name), 0) = name;
	luaL_setmetatable(lua, STREAM_TYPE);
}

/* io.write; upvalue 1 is the library's own. */
static int io_write(lua_State *lua)
{
	if (interp_of(lua)->own_output) {
		lua_pushvalue(lua, lua_upvalueindex(1));
		lua_insert(lua, 1);
		lua_call(lua, lua_gettop(lua) - 1, LUA_MULTRET);
		return lua_gettop(lua);
	}
	write_arguments(lua, "stdout", 1);
	lua_getglobal(lua, LUA_IOLIBNAME);
	lua_getfield(lua, -1, "stdout");
	return 1;
}

/* io.output; upvalue 1 is the library's own. */
static int io_output(lua_State *lua)
{
	struct interp *interp = interp_of(lua);
	bool ours = luaL_testudata(lua, 1, STREAM_TYPE) != NULL;

	if (lua_isnoneornil(lua, 1) ? !interp->own_output : ours) {
		interp->own_output = false;
		lua_getglobal(lua, LUA_IOLIBNAME);
		lua_getfield(lua, -1, "stdout");
		return 1;
	}
	lua_pushvalue(lua, lua_upvalueindex(1));
	lua_insert(lua, 1);
	lua_call(lua, lua_gettop(lua) - 1, 1);
	interp->own_output = true;
	return 1;
}

static void io_replace(lua_State *lua, const char *name, lua_CFunction function)
{
	lua_getfield(lua, -1, name);
	lua_pushcclosure(lua, function, 1);
	lua_setfield(lua, -2, name);
}

void stream_open(lua_State *lua)
{
	luaL_newmetatable(lua, STREAM_TYPE);
	luaL_newlib(lua, stream_methods);
	lua_setfield(lua, -2, "__index");
	lua_pushcfunction(lua, stream_tostring);
	lua_setfield(lua, -2, "__tostring");
	lua_pop(lua, 1);
	lua_pushcfunction(lua, stream_print);
	lua_setglobal(lua, "print");
	lua_getglobal(lua, LUA_IOLIBNAME);
	stream_new(lua, "stdout");
	lua_setfield(lua, -2, "stdout");
	stream_new(lua, "stderr");
	lua_setfield(lua, -2, "stderr");
	io_replace(lua, "write", io_write);
	io_replace(lua, "output", io_output);
	lua_pop(lua, 1);
}
