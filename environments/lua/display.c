/* SPDX-License-Identifier: Apache-2.0 */
#include "environments/lua/display.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "environments/lua/run.h"
#include "environments/lua/value.h"

/* A table is a bundle where all its keys are media types: strings with a slash. */
static bool is_bundle(lua_State *lua, int table)
{
	bool any = false;

	if (lua_type(lua, table) != LUA_TTABLE)
		return false;
	table = lua_absindex(lua, table);
	lua_pushnil(lua);
	while (lua_next(lua, table)) {
		lua_pop(lua, 1);
		if (lua_type(lua, -1) != LUA_TSTRING || !strchr(lua_tostring(lua, -1), '/')) {
			lua_pop(lua, 1);
			return false;
		}
		any = true;
	}
	return any;
}

void display_bundle(lua_State *lua)
{
	int value = lua_gettop(lua);

	luaL_checkstack(lua, 8, NULL);
	if (luaL_getmetafield(lua, value, "__mimebundle") != LUA_TNIL) {
		lua_pushvalue(lua, value);
		lua_call(lua, 1, 1);
		if (!is_bundle(lua, -1))
			luaL_error(lua, "__mimebundle returned no table of media types");
		lua_replace(lua, value);
		return;
	}
	value_push_text(lua, value);
	lua_createtable(lua, 0, 1);
	lua_insert(lua, -2);
	lua_setfield(lua, -2, "text/plain");
	lua_replace(lua, value);
}

json_t *display_bundle_json(lua_State *lua, int index)
{
	return is_bundle(lua, index) ? value_json(lua, index) : NULL;
}

/* The message's content of the bundle at 1 and the options at 2 (a table); raises nothing. */
static json_t *display_content(lua_State *lua)
{
	json_t *content, *metadata, *transient = json_object();

	lua_getfield(lua, 2, "metadata");
	metadata = lua_istable(lua, -1) ? value_json(lua, -1) : NULL;
	if (!json_is_object(metadata)) {
		json_decref(metadata);
		metadata = json_object();
	}
	lua_getfield(lua, 2, "id");
	if (lua_type(lua, -1) == LUA_TSTRING)
		json_object_set_new(transient, "display_id", value_string(lua, -1));
	lua_pop(lua, 2);
	content = json_pack("{s:o, s:o, s:o}", "data", display_bundle_json(lua, 1), "metadata",
			    metadata, "transient", transient);
	if (content && !json_object_get(content, "data")) {
		json_decref(content);
		return NULL;
	}
	return content;
}

static void publish(lua_State *lua, const char *type, json_t *content)
{
	struct interp *interp = interp_of(lua);
	int rc = 0;

	if (interp->request)
		rc = outgoing_publish(&interp->outgoing, type, interp->request, content);
	json_decref(content);
	run_check(lua);
	if (rc < 0)
		luaL_error(lua, "%s: %s", type, strerror(-rc));
}

static int display_show(lua_State *lua)
{
	json_t *content;
	bool update;

	luaL_checkany(lua, 1);
	if (lua_isnoneornil(lua, 2)) {
		lua_settop(lua, 1);
		lua_newtable(lua);
	}
	luaL_checktype(lua, 2, LUA_TTABLE);
	lua_settop(lua, 2);
	if (lua_getmetatable(lua, 2))
		return luaL_argerror(lua, 2, "a plain table expected");
	lua_getfield(lua, 2, "update");
	update = lua_toboolean(lua, -1);
	lua_pop(lua, 1);
	if (!is_bundle(lua, 1)) {
		lua_pushvalue(lua, 1);
		display_bundle(lua);
		lua_replace(lua, 1);
	}
	content = display_content(lua);
	if (!content)
		return luaL_argerror(lua, 1, "cannot be made into JSON");
	publish(lua, update ? "update_display_data" : "display_data", content);
	return 0;
}

static int display_clear(lua_State *lua)
{
	json_t *content = json_pack("{s:b}", "wait", lua_toboolean(lua, 1));

	if (!content)
		return luaL_error(lua, "not enough memory");
	publish(lua, "clear_output", content);
	return 0;
}

void display_open(lua_State *lua)
{
	lua_pushcfunction(lua, display_show);
	lua_setglobal(lua, "display");
	lua_pushcfunction(lua, display_clear);
	lua_setglobal(lua, "clear_output");
}
