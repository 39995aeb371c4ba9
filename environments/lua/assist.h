/* SPDX-License-Identifier: Apache-2.0 */
/* What helps while typing: complete, inspect, is_complete. No user code is run for it. */
#ifndef ANCHORHOLD_LUA_ASSIST_H
#define ANCHORHOLD_LUA_ASSIST_H

#include <jansson.h>
#include <lua.h>

/* Contents of the replies to contents of the requests. NULL: no memory. */
json_t *assist_complete(lua_State *lua, const json_t *content);
json_t *assist_inspect(lua_State *lua, const json_t *content);
json_t *assist_is_complete(lua_State *lua, const json_t *content);

#endif
