/* SPDX-License-Identifier: Apache-2.0 */
#include "environments/lua/input.h"

#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "environments/lua/run.h"
#include "environments/lua/value.h"

static int send_question(struct interp *interp, const char *prompt, bool password)
{
	json_t *content = json_pack("{s:o, s:b}", "prompt", json_text(prompt, strlen(prompt)),
				    "password", password);
	int rc = -ENOMEM;

	if (content)
		rc = outgoing_reply(&interp->outgoing, JUPYTER_STDIN, "input_request",
				    interp->request, content);
	json_decref(content);
	return rc;
}

/* Answers to questions that an interrupt made void. */
static void forget_answers(struct interp *interp)
{
	struct frames frames;

	frames_init(&frames);
	while (frames_recv(&frames, interp->input, ZMQ_DONTWAIT) != -EAGAIN)
		frames_clear(&frames);
}

/* Waits for the answer; *ret is its value, a string. -EINTR where the run was interrupted. */
static int receive_answer(struct interp *interp, json_t **ret)
{
	for (;;) {
		struct frames frames;
		struct request request;
		int rc;

		frames_init(&frames);
		rc = frames_recv(&frames, interp->input, 0);
		if (atomic_load(&interp->interrupted)) {
			frames_clear(&frames);
			return -EINTR;
		}
		if (rc < 0 || request_take(&interp->outgoing.session, &frames, 0, &request) < 0)
			continue;
		*ret = json_incref(json_object_get(request.content, "value"));
		rc = !strcmp(request.header.msg_type, "input_reply") && json_is_string(*ret);
		request_clear(&request);
		if (rc)
			return 0;
		json_decref(*ret);
	}
}

/* Pushes the answer; raises where there is none. */
static void ask(lua_State *lua, const char *prompt, bool password)
{
	struct interp *interp = interp_of(lua);
	json_t *answer = NULL;
	int rc;

	if (!interp->request || !interp->allow_stdin)
		luaL_error(lua, "this client cannot be asked for input");
	luaL_checkstack(lua, 4, NULL);
	forget_answers(interp);
	rc = send_question(interp, prompt, password);
	if (rc == 0)
		rc = receive_answer(interp, &answer);
	run_check(lua);
	if (rc < 0)
		luaL_error(lua, "input: %s", strerror(-rc));
	/* Raises at most for want of memory; then the answer is lost with the rest. */
	lua_pushlstring(lua, json_string_value(answer), json_string_length(answer));
	json_decref(answer);
}

static int input_ask(lua_State *lua)
{
	const char *prompt = luaL_optstring(lua, 1, "");

	ask(lua, prompt, lua_toboolean(lua, 2));
	return 1;
}

/* One format of io.read, a line being asked for each. Pushes one value; false: give up. */
static bool read_format(lua_State *lua, const char *format)
{
	if (*format == '*')
		format++;
	ask(lua, "", false);
	switch (*format) {
	case 'n':
		if (!lua_stringtonumber(lua, lua_tostring(lua, -1)))
			luaL_pushfail(lua);
		lua_remove(lua, -2);
		return !lua_isnil(lua, -1);
	case 'L':
	case 'a':
		lua_pushliteral(lua, "\n");
		lua_concat(lua, 2);
		return true;
	default:
		return true;
	}
}

/* io.read(FORMAT...): a count of characters takes them from one line. */
static int io_read(lua_State *lua)
{
	int formats = lua_gettop(lua);

	if (formats == 0) {
		ask(lua, "", false);
		return 1;
	}
	luaL_checkstack(lua, formats, NULL);
	for (int i = 1; i <= formats; i++) {
		if (lua_type(lua, i) == LUA_TNUMBER) {
			size_t len, want = (size_t)luaL_checkinteger(lua, i);

			ask(lua, "", false);
			lua_tolstring(lua, -1, &len);
			lua_pushlstring(lua, lua_tostring(lua, -1), want < len ? want : len);
			lua_remove(lua, -2);
		} else if (!read_format(lua, luaL_checkstring(lua, i))) {
			break;
		}
	}
	return lua_gettop(lua) - formats;
}

static int next_line(lua_State *lua)
{
	ask(lua, "", false);
	return 1;
}

/* io.lines; upvalue 1 is the library's own, which opens files by name. */
static int io_lines(lua_State *lua)
{
	if (lua_isnoneornil(lua, 1)) {
		lua_pushcfunction(lua, next_line);
		return 1;
	}
	lua_pushvalue(lua, lua_upvalueindex(1));
	lua_insert(lua, 1);
	lua_call(lua, lua_gettop(lua) - 1, LUA_MULTRET);
	return lua_gettop(lua);
}

void input_open(lua_State *lua)
{
	lua_pushcfunction(lua, input_ask);
	lua_setglobal(lua, "input");
	lua_getglobal(lua, LUA_IOLIBNAME);
	lua_pushcfunction(lua, io_read);
	lua_setfield(lua, -2, "read");
	lua_getfield(lua, -1, "lines");
	lua_pushcclosure(lua, io_lines, 1);
	lua_setfield(lua, -2, "lines");
	lua_pop(lua, 1);
}
