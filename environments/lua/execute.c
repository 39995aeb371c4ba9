/* SPDX-License-Identifier: Apache-2.0 */
#include "environments/lua/execute.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "environments/lua/display.h"
#include "environments/lua/value.h"

#define TAIL_LINES_MAX 50
#define CHUNK_NAME_MAX 32

struct execution {
	struct interp *interp;
	const struct request *request;
	const char *code;
	json_t *code_json;
	json_t *result; /* text/plain of what it gave, or NULL */
	bool silent;
	bool store;
	bool stop_on_error;
};

static bool flag(const json_t *content, const char *name, bool otherwise)
{
	const json_t *value = json_object_get(content, name);

	return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

/* Compiles the text at the top, and puts what comes of it there: a function or an error. */
static int load_top(lua_State *lua)
{
	char name[CHUNK_NAME_MAX];
	int status;

	snprintf(name, sizeof(name), EXECUTE_CHUNK_NAME, interp_of(lua)->count);
	status = luaL_loadbufferx(lua, lua_tostring(lua, -1), lua_rawlen(lua, -1), name, "t");
	lua_remove(lua, -2);
	return status;
}

/* Statements and then an expression: the last lines are tried as `return ...`. */
static int load_tail(lua_State *lua, const char *code)
{
	size_t at = strlen(code);

	for (int lines = 0; lines < TAIL_LINES_MAX && at > 0; lines++) {
		while (at > 0 && code[at - 1] != '\n')
			at--;
		if (at == 0)
			break;
		lua_pushlstring(lua, code, at);
		lua_pushfstring(lua, "%sreturn %s", lua_tostring(lua, -1), code + at);
		lua_remove(lua, -2);
		if (load_top(lua) == LUA_OK)
			return LUA_OK;
		lua_pop(lua, 1);
		at--;
	}
	return LUA_ERRSYNTAX;
}

/*
 * Pushes the compiled code or the error: an expression, statements, or statements and an
 * expression. The error is that of the statements, which is what was written.
 */
static int load_any(lua_State *lua, const char *code)
{
	lua_pushfstring(lua, "return %s", code);
	if (load_top(lua) == LUA_OK)
		return LUA_OK;
	lua_pop(lua, 1);
	lua_pushstring(lua, code);
	if (load_top(lua) == LUA_OK)
		return LUA_OK;
	if (load_tail(lua, code) == LUA_OK) {
		lua_remove(lua, -2);
		return LUA_OK;
	}
	return LUA_ERRSYNTAX;
}

/*
 * In a run: (code) -> nothing, or a bundle and its text. Making the result's text may run
 * metamethods, so it belongs to the run as much as the code.
 */
static int run_code(lua_State *lua)
{
	const char *code = luaL_checkstring(lua, 1);
	int results;

	if (load_any(lua, code) != LUA_OK)
		return lua_error(lua);
	lua_call(lua, 0, LUA_MULTRET);
	results = lua_gettop(lua) - 1;
	if (results == 0)
		return 0;
	if (results == 1) {
		display_bundle(lua);
		lua_getfield(lua, -1, "text/plain");
		return 2;
	}
	for (int i = 2; i <= results + 1; i++) {
		luaL_checkstack(lua, 8, NULL);
		value_push_text(lua, i);
		lua_replace(lua, i);
		if (i > 2) {
			lua_pushfstring(lua, "%s\t%s", lua_tostring(lua, 2), lua_tostring(lua, i));
			lua_replace(lua, 2);
		}
	}
	lua_createtable(lua, 0, 1);
	lua_pushvalue(lua, 2);
	lua_setfield(lua, -2, "text/plain");
	lua_pushvalue(lua, 2);
	return 2;
}

static void publish(struct execution *run, const char *type, json_t *content)
{
	if (content && !run->silent)
		outgoing_publish(&run->interp->outgoing, type, run->request, content);
	json_decref(content);
}

static void publish_result(struct execution *run)
{
	lua_State *lua = run->interp->lua;

	if (lua_gettop(lua) < 2 || !lua_istable(lua, -2))
		return;
	run->result = value_string(lua, -1);
	publish(run, "execute_result",
		json_pack("{s:i, s:o, s:{}}", "execution_count", run->interp->count, "data",
			  display_bundle_json(lua, -2), "metadata"));
}

static const char *const outcome_names[] = {
	[RUN_SYNTAX] = "SyntaxError",	   [RUN_ERROR] = "Error",
	[RUN_MEMORY] = "OutOfMemory", [RUN_INTERRUPTED] = "Interrupted",
};

/* ename, evalue and traceback of the two strings that run_call() left; pops them. */
static json_t *error_content(lua_State *lua, enum run_outcome outcome)
{
	json_t *lines = json_array(), *value = value_string(lua, -1), *trace;

	if (lua_rawlen(lua, -2) > 0 && outcome != RUN_SYNTAX) {
		trace = value_string(lua, -2);
		json_array_append_new(lines, json_sprintf("%s: %s", outcome_names[outcome],
							  json_string_value(value)));
		json_array_append_new(lines, trace);
	} else {
		json_array_append_new(lines, json_sprintf("%s: %s", outcome_names[outcome],
							  json_string_value(value)));
	}
	lua_pop(lua, 2);
	return json_pack("{s:s, s:o, s:o}", "ename", outcome_names[outcome], "evalue", value,
			 "traceback", lines);
}

/* Whether the code was never run: it does not compile in any of the three readings. */
static enum run_outcome outcome_refine(struct interp *interp, const char *code,
				       enum run_outcome outcome)
{
	int top = lua_gettop(interp->lua);

	if (outcome != RUN_ERROR)
		return outcome;
	if (load_any(interp->lua, code) != LUA_OK)
		outcome = RUN_SYNTAX;
	lua_settop(interp->lua, top);
	return outcome;
}

/* One expression for the user, after the run: its bundle, or its error. */
static json_t *user_expression(struct interp *interp, const char *code)
{
	lua_State *lua = interp->lua;
	enum run_outcome outcome;
	json_t *ret;

	lua_pushcfunction(lua, run_code);
	lua_pushstring(lua, code);
	outcome = run_call(interp, 1, 2);
	if (outcome == RUN_OK) {
		json_t *data = display_bundle_json(lua, -2);

		ret = json_pack("{s:s, s:o, s:{}}", "status", "ok", "data",
				data ? data : json_object(), "metadata");
		lua_pop(lua, 2);
		return ret;
	}
	ret = error_content(lua, outcome);
	json_object_set_new(ret, "status", json_string("error"));
	return ret;
}

static json_t *user_expressions(struct interp *interp, const json_t *content)
{
	json_t *asked = json_object_get(content, "user_expressions"), *code;
	json_t *ret = json_object();
	const char *name;

	json_object_foreach (asked, name, code) {
		if (json_is_string(code))
			json_object_set_new(ret, name,
					    user_expression(interp, json_string_value(code)));
	}
	return ret;
}

static json_t *reply_error(struct execution *run, enum run_outcome outcome)
{
	json_t *content = error_content(run->interp->lua, outcome);
	json_t *reply = json_deep_copy(content);

	publish(run, "error", content);
	json_object_set_new(reply, "status", json_string("error"));
	json_object_set_new(reply, "execution_count", json_integer(run->interp->count));
	json_object_set_new(reply, "user_expressions", json_object());
	json_object_set_new(reply, "payload", json_array());
	return reply;
}

static json_t *run_and_reply(struct execution *run)
{
	struct interp *interp = run->interp;
	enum run_outcome outcome;

	lua_settop(interp->lua, 0);
	lua_pushcfunction(interp->lua, run_code);
	lua_pushstring(interp->lua, run->code);
	outcome = run_call(interp, 1, LUA_MULTRET);
	if (outcome != RUN_OK)
		return reply_error(run, outcome_refine(interp, run->code, outcome));
	publish_result(run);
	lua_settop(interp->lua, 0);
	return json_pack("{s:s, s:i, s:o, s:[]}", "status", "ok", "execution_count", interp->count,
			 "user_expressions", user_expressions(interp, run->request->content),
			 "payload");
}

json_t *execute(struct interp *interp, const struct request *request, bool *ret_abort)
{
	json_t *code = json_object_get(request->content, "code"), *reply;
	struct execution run = {
		.interp = interp,
		.request = request,
		.code_json = code,
		.code = json_is_string(code) ? json_string_value(code) : "",
		.silent = flag(request->content, "silent", false),
		.stop_on_error = flag(request->content, "stop_on_error", true),
	};

	run.store = flag(request->content, "store_history", true) && !run.silent;
	interp->allow_stdin = flag(request->content, "allow_stdin", true);
	if (run.store)
		interp->count++;
	publish(&run, "execute_input",
		json_pack("{s:s, s:i}", "code", run.code, "execution_count", interp->count));
	reply = run_and_reply(&run);
	if (run.store && json_is_string(code))
		history_add(&interp->history, interp->count, code, run.result);
	json_decref(run.result);
	*ret_abort = run.stop_on_error && reply &&
		     strcmp(json_string_value(json_object_get(reply, "status")), "ok") != 0;
	return reply;
}
