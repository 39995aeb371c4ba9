/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the name at the cursor (a.b:c) and what it stands for, without running any code. */
#ifndef ANCHORHOLD_LUA_NAMES_H
#define ANCHORHOLD_LUA_NAMES_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

/* The byte offset of a count of code points, at most len; and the reverse. */
size_t names_offset(const char *text, size_t len, size_t points);
size_t names_points(const char *text, size_t bytes);

/* Bytes of identifiers (plain: no '.' or ':'). */
bool names_byte(char c, bool plain);

/* Where the dotted name that ends at `end` begins; end where there is none. */
size_t names_begin(const char *text, size_t end);

/*
 * Pushes the value of a dotted name, by raw accesses and __index tables from the globals on;
 * false, and nothing pushed, where it is nil or not reachable so. An empty name is the globals.
 */
bool names_resolve(lua_State *lua, const char *name, size_t len);

/* Pushes the table whose entries can be written behind the value at the top; false: none. */
bool names_members(lua_State *lua);

#endif
