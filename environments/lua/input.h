/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the user: io.read() and io.lines() without a file read lines from the notebook,
 * input(PROMPT [, PASSWORD]) asks for one.
 */
#ifndef ANCHORHOLD_LUA_INPUT_H
#define ANCHORHOLD_LUA_INPUT_H

#include <lua.h>

void input_open(lua_State *lua);

#endif
