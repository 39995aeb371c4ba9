/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rich output.
 *
 *	display(VALUE [, OPTIONS])    shows any value
 *	display{["text/html"] = "<b>x</b>", ["text/plain"] = "x"}    a bundle by media type
 *	clear_output([WAIT])
 *
 * OPTIONS: id (a string; a later display with update = true and the same id replaces it),
 * update, metadata (a table). A value whose metatable has __mimebundle (a function of the
 * value that returns a bundle) is shown by it, as a result too.
 */
#ifndef ANCHORHOLD_LUA_DISPLAY_H
#define ANCHORHOLD_LUA_DISPLAY_H

#include <jansson.h>
#include <lua.h>

void display_open(lua_State *lua);

/*
 * Replaces the value at the top by its bundle: a table whose keys are media types. May raise.
 * display_bundle_json() makes JSON of it and raises nothing; NULL where it is not JSON.
 */
void display_bundle(lua_State *lua);
json_t *display_bundle_json(lua_State *lua, int index);

#endif
