/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel as its own worst user: only in the test build `lua-kernel-hostile`.
 *
 * A table `hostile` of functions that break the protocol or strain the cell; what each does is
 * said in hostile.c. Names that send take their counts and sizes as numbers. The shell replies
 * of the executing cell still come, unless hostile.mute() was called.
 */
#ifndef ANCHORHOLD_LUA_HOSTILE_H
#define ANCHORHOLD_LUA_HOSTILE_H

#include <lua.h>

/* Run at the start of an incarnation, before anything is answered. */
#define HOSTILE_START "/home/user/start.lua"

void hostile_open(lua_State *lua);

/* The rest of it; each adds to the table at the top. */
void hostile_wire_open(lua_State *lua);    /* made-up messages, false peers */
void hostile_machine_open(lua_State *lua); /* processes, memory, the sockets' folder */
void hostile_take_open(lua_State *lua);    /* limits, one kind at a time */
void hostile_pages_open(lua_State *lua);   /* the page cache */

#endif
