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

void hostile_open(lua_State *lua);

/* The half that strains the machine: processes, memory, files. Adds to the table at the top. */
void hostile_machine_open(lua_State *lua);

#endif
