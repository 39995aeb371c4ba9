/* SPDX-License-Identifier: Apache-2.0 */
#include "environments/lua/run.h"

#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>
#include <string.h>

#define HOOK_ALL (LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT)

/* The registry's place of the traceback, while an error is on its way. */
static const char traceback_key;

/* For the signal handler, which is given nothing; set once by each interpreter's thread. */
static _Thread_local struct interp *thread_interp;

struct interp *interp_of(lua_State *lua)
{
	return *(struct interp **)lua_getextraspace(lua);
}

void run_check(lua_State *lua)
{
	if (atomic_load(&interp_of(lua)->interrupted))
		luaL_error(lua, "interrupted");
}

/* Stays set while the run unwinds, so that a pcall on the way meets it again. */
static void hook(lua_State *lua, lua_Debug *debug)
{
	(void)debug;
	if (!atomic_load(&interp_of(lua)->interrupted))
		lua_sethook(lua, NULL, 0, 0); /* of an earlier run that this coroutine slept through */
	run_check(lua);
}

/* lua_sethook is made to be called from a signal handler (lua.c does); nothing else here is. */
static void on_signal(int signal)
{
	(void)signal;
	if (thread_interp && atomic_load(&thread_interp->interrupted))
		lua_sethook(thread_interp->running, hook, HOOK_ALL, 1);
}

int run_thread_init(struct interp *interp)
{
	/* No SA_RESTART: waits must end with EINTR. */
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t others;
	int rc;

	thread_interp = interp;
	if (sigaction(SIGUSR1, &action, NULL) < 0)
		return -errno;
	sigfillset(&others);
	sigdelset(&others, SIGUSR1);
	rc = pthread_sigmask(SIG_SETMASK, &others, NULL);
	return -rc;
}

void interp_interrupt(struct interp *interp)
{
	if (!atomic_load(&interp->executing))
		return;
	atomic_store(&interp->interrupted, true);
	pthread_kill(interp->thread, SIGUSR1);
}

/* The message handler: leaves the text, the traceback kept in the registry for run_call(). */
static int on_error(lua_State *lua)
{
	luaL_tolstring(lua, 1, NULL);
	luaL_traceback(lua, lua, NULL, 1);
	lua_rawsetp(lua, LUA_REGISTRYINDEX, &traceback_key);
	return 1;
}

static enum run_outcome outcome(const struct interp *interp, int status)
{
	if (atomic_load(&interp->interrupted))
		return RUN_INTERRUPTED;
	return status == LUA_ERRMEM ? RUN_MEMORY : RUN_ERROR;
}

/* The error's text on top becomes traceback, text. */
static void error_shape(lua_State *lua)
{
	if (!lua_isstring(lua, -1)) { /* of an error in the message handler */
		lua_pop(lua, 1);
		lua_pushliteral(lua, "error in error handling");
	}
	if (lua_rawgetp(lua, LUA_REGISTRYINDEX, &traceback_key) != LUA_TSTRING) {
		lua_pop(lua, 1);
		lua_pushliteral(lua, "");
	}
	lua_insert(lua, -2);
}

enum run_outcome run_call(struct interp *interp, int arguments, int results)
{
	lua_State *lua = interp->lua;
	int handler = lua_gettop(lua) - arguments;
	enum run_outcome ret = RUN_OK;
	int status;

	lua_pushcfunction(lua, on_error);
	lua_insert(lua, handler);
	lua_pushnil(lua);
	lua_rawsetp(lua, LUA_REGISTRYINDEX, &traceback_key);
	interp->running = lua;
	atomic_store(&interp->interrupted, false);
	atomic_store(&interp->executing, true);
	status = lua_pcall(lua, arguments, results, handler);
	atomic_store(&interp->executing, false);
	if (status != LUA_OK)
		ret = outcome(interp, status);
	atomic_store(&interp->interrupted, false);
	lua_sethook(lua, NULL, 0, 0);
	lua_remove(lua, handler);
	if (status != LUA_OK)
		error_shape(lua);
	return ret;
}

/*
 * Coroutines: a hook belongs to one of them, so the handler must know which one runs. It is set
 * again after each switch, since the signal may have come in between.
 */
static void running_set(struct interp *interp, lua_State *lua)
{
	interp->running = lua;
	if (atomic_load(&interp->interrupted))
		lua_sethook(lua, hook, HOOK_ALL, 1);
}

/* coroutine.resume; upvalue 1 is the library's own. */
static int co_resume(lua_State *lua)
{
	struct interp *interp = interp_of(lua);
	lua_State *coroutine = lua_tothread(lua, 1);

	lua_pushvalue(lua, lua_upvalueindex(1));
	lua_insert(lua, 1);
	if (coroutine)
		running_set(interp, coroutine);
	lua_call(lua, lua_gettop(lua) - 1, LUA_MULTRET);
	running_set(interp, lua);
	return lua_gettop(lua);
}

/* What coroutine.wrap returns; upvalue 1 is resume as above, upvalue 2 the coroutine. */
static int co_call(lua_State *lua)
{
	lua_pushvalue(lua, lua_upvalueindex(1));
	lua_pushvalue(lua, lua_upvalueindex(2));
	lua_rotate(lua, 1, 2);
	lua_call(lua, lua_gettop(lua) - 1, LUA_MULTRET);
	if (lua_toboolean(lua, 1))
		return lua_gettop(lua) - 1;
	lua_settop(lua, 2);
	if (lua_type(lua, 2) == LUA_TSTRING) {
		luaL_where(lua, 1);
		lua_insert(lua, 2);
		lua_concat(lua, 2);
	}
	return lua_error(lua);
}

/* coroutine.wrap; upvalue 1 is resume, upvalue 2 coroutine.create. */
static int co_wrap(lua_State *lua)
{
	luaL_checktype(lua, 1, LUA_TFUNCTION);
	lua_settop(lua, 1);
	lua_pushvalue(lua, lua_upvalueindex(1));
	lua_pushvalue(lua, lua_upvalueindex(2));
	lua_pushvalue(lua, 1);
	lua_call(lua, 1, 1);
	lua_pushcclosure(lua, co_call, 2);
	return 1;
}

void run_open(lua_State *lua)
{
	lua_getglobal(lua, LUA_COLIBNAME);
	lua_getfield(lua, -1, "resume");
	lua_pushcclosure(lua, co_resume, 1);
	lua_pushvalue(lua, -1);
	lua_setfield(lua, -3, "resume");
	lua_getfield(lua, -2, "create");
	lua_pushcclosure(lua, co_wrap, 2);
	lua_setfield(lua, -2, "wrap");
	lua_pop(lua, 1);
}
