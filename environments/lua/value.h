/* SPDX-License-Identifier: Apache-2.0 */
/* Lua values as text and as JSON. */
#ifndef ANCHORHOLD_LUA_VALUE_H
#define ANCHORHOLD_LUA_VALUE_H

#include <jansson.h>
#include <lua.h>

/*
 * Pushes the value as a reader wants to see it: a table without __tostring is shown with its
 * entries, to a bounded depth and length. May raise (metamethods run).
 */
void value_push_text(lua_State *lua, int index);

/*
 * The value as JSON, raw: no metamethod runs and nothing is raised. A table with the keys 1..n
 * and no others is an array. NULL where it holds what JSON has not (functions, other keys, NaN),
 * is too deep (32), or there is no memory.
 */
json_t *value_json(lua_State *lua, int index);

/* The Lua string at the index as JSON text; NULL: no memory. */
json_t *value_string(lua_State *lua, int index);

#endif
