/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Lua prints: print, io.write, io.stdout and io.stderr become streams of the notebook.
 * io.output(FILE) still sends io.write to a file.
 */
#ifndef ANCHORHOLD_LUA_STREAM_H
#define ANCHORHOLD_LUA_STREAM_H

#include <lua.h>

/* Replaces the library's functions. */
void stream_open(lua_State *lua);

#endif
