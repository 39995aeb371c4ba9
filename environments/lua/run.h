/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the interpreter's thread: its state, and running Lua under control.
 *
 * Lua raises errors by longjmp. Rule of this folder: a C function that Lua calls holds nothing
 * that must be released while it calls anything of Lua that can raise.
 */
#ifndef ANCHORHOLD_LUA_RUN_H
#define ANCHORHOLD_LUA_RUN_H

#include <lua.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "environments/lua/history.h"
#include "environments/lua/interp.h"
#include "environments/lua/outgoing.h"

struct interp {
	lua_State *lua;
	lua_State *volatile running; /* the coroutine that runs; read by the signal handler */
	pthread_t thread;
	atomic_bool executing;
	atomic_bool interrupted;
	void *work;
	void *input;
	struct outgoing outgoing;
	struct history history;
	const struct request *request; /* in progress; NULL between two */
	int count;		       /* execution_count */
	bool allow_stdin;
	bool own_output; /* io.output() chose a file */
	bool mute;	 /* hostile builds: answer nothing */
};

enum run_outcome { RUN_OK, RUN_SYNTAX, RUN_ERROR, RUN_MEMORY, RUN_INTERRUPTED };

/* The state that a Lua state belongs to. */
struct interp *interp_of(lua_State *lua);

/*
 * Calls the function below `arguments` values on the stack, as a run that can be interrupted.
 * RUN_OK leaves `results` values (or LUA_MULTRET); everything else the error's text and, below
 * it, its traceback, both strings.
 */
enum run_outcome run_call(struct interp *interp, int arguments, int results);

/* Raises where the run was interrupted. C functions that wait call it. */
void run_check(lua_State *lua);

/* Makes the calling thread the interpreter's: interrupts reach it from now on. -errno. */
int run_thread_init(struct interp *interp);

/* Replaces coroutine.resume and .wrap by ones that keep `running` true. */
void run_open(lua_State *lua);

#endif
