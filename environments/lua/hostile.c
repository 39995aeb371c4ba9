/* SPDX-License-Identifier: Apache-2.0 */
/* Breaking the protocol. */
#include "environments/lua/hostile.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "environments/lua/run.h"

static void check(lua_State *lua, int rc)
{
	run_check(lua);
	if (rc < 0)
		luaL_error(lua, "hostile: %s", strerror(-rc));
}

/* A proper message on a channel, in answer to the running request, ready to be spoiled. */
static int compose(struct interp *interp, enum jupyter_port port, const char *type,
		   json_t *content, struct frames *frames)
{
	struct link_slice parent = request_parent(interp->request);
	struct session *session = &interp->outgoing.session;
	int rc = -ENOMEM;

	frames_init(frames);
	if (content && port == JUPYTER_IOPUB)
		rc = message_publish(session, type, &parent, content, frames);
	else if (content)
		rc = message_reply(session, type, interp->request, content, frames);
	json_decref(content);
	return rc;
}

static json_t *stream_content(const char *text)
{
	return json_pack("{s:s, s:s}", "name", "stdout", "text", text);
}

static size_t delimiter_at(struct frames *frames)
{
	for (size_t i = 0; i < frames->count; i++) {
		struct link_slice slice = frames_get(frames, i);

		if (slice.len == JUPYTER_DELIMITER_LEN &&
		    !memcmp(slice.data, JUPYTER_DELIMITER, slice.len))
			return i;
	}
	return 0;
}

/* bad_signature(COUNT): iopub messages whose signature is not theirs. */
static int bad_signature(lua_State *lua)
{
	struct interp *interp = interp_of(lua);
	lua_Integer count = luaL_optinteger(lua, 1, 1);

	for (lua_Integer i = 0; i < count; i++) {
		struct frames frames;
		int rc = compose(interp, JUPYTER_IOPUB, "stream", stream_content("forged\n"),
				 &frames);

		if (rc == 0) {
			char *signature =
				zmq_msg_data(&frames.part[delimiter_at(&frames) + 1]);

			signature[0] = signature[0] == '0' ? '1' : '0';
			rc = outgoing_raw(&interp->outgoing, JUPYTER_IOPUB, &frames);
		}
		frames_clear(&frames);
		check(lua, rc);
	}
	return 0;
}

static int frames_copy(struct frames *to, struct frames *from)
{
	int rc = 0;

	frames_init(to);
	for (size_t i = 0; rc == 0 && i < from->count; i++) {
		struct link_slice slice = frames_get(from, i);

		rc = frames_add(to, slice.data, slice.len);
	}
	return rc;
}

/* replay(COUNT, TEXT): one iopub message, made and signed once and sent again and again. */
static int replay(lua_State *lua)
{
	struct interp *interp = interp_of(lua);
	lua_Integer count = luaL_optinteger(lua, 1, 2);
	const char *text = luaL_optstring(lua, 2, "replayed\n");
	struct frames frames, copy;
	int rc = compose(interp, JUPYTER_IOPUB, "stream", stream_content(text), &frames);

	for (lua_Integer i = 0; rc == 0 && i < count; i++) {
		rc = frames_copy(&copy, &frames);
		if (rc == 0)
			rc = outgoing_raw(&interp->outgoing, JUPYTER_IOPUB, &copy);
		frames_clear(&copy);
	}
	frames_clear(&frames);
	check(lua, rc);
	return 0;
}

/* flood(COUNT, SIZE): valid display_data messages of that many bytes of text each. */
static int flood(lua_State *lua)
{
	struct interp *interp = interp_of(lua);
	lua_Integer count = luaL_checkinteger(lua, 1), size = luaL_optinteger(lua, 2, 64);
	char *text = lua_newuserdatauv(lua, (size_t)size + 1, 0);

	memset(text, 'x', (size_t)size);
	text[size] = '\0';
	for (lua_Integer i = 0; i < count; i++) {
		struct frames frames;
		int rc = compose(interp, JUPYTER_IOPUB, "display_data",
				 json_pack("{s:{s:s}, s:{}, s:{}}", "data", "text/plain", text,
					   "metadata", "transient"),
				 &frames);

		if (rc == 0)
			rc = outgoing_raw(&interp->outgoing, JUPYTER_IOPUB, &frames);
		frames_clear(&frames);
		check(lua, rc);
	}
	return 0;
}

/* parts(COUNT, SIZE, PORT): one message with so many buffers behind its content; the channel is
 * iopub where PORT is not given. At most FRAMES_MAX: see endless() for more. */
static int parts(lua_State *lua)
{
	struct interp *interp = interp_of(lua);
	lua_Integer count = luaL_checkinteger(lua, 1), size = luaL_checkinteger(lua, 2);
	enum jupyter_port port = (enum jupyter_port)luaL_optinteger(lua, 3, JUPYTER_IOPUB);
	char *buffer = lua_newuserdatauv(lua, (size_t)size + 1, 0);
	struct frames frames;
	int rc = compose(interp, port, "display_data",
			 json_pack("{s:{}, s:{}, s:{}}", "data", "metadata", "transient"), &frames);

	memset(buffer, 'b', (size_t)size);
	for (lua_Integer i = 0; rc == 0 && i < count; i++)
		rc = frames_add(&frames, buffer, (size_t)size);
	if (rc == 0)
		rc = outgoing_raw(&interp->outgoing, (uint8_t)port, &frames);
	frames_clear(&frames);
	check(lua, rc);
	return 0;
}

/* raw(PORT, PART...): the strings as they are, as one message. */
static int raw(lua_State *lua)
{
	struct interp *interp = interp_of(lua);
	lua_Integer port = luaL_checkinteger(lua, 1);
	struct frames frames;
	int rc = 0;

	for (int i = 2; i <= lua_gettop(lua); i++)
		luaL_checkstring(lua, i);
	frames_init(&frames);
	for (int i = 2; rc == 0 && i <= lua_gettop(lua); i++) {
		size_t len;
		const char *text = lua_tolstring(lua, i, &len);

		rc = frames_add(&frames, text, len);
	}
	if (rc == 0)
		rc = outgoing_raw(&interp->outgoing, (uint8_t)port, &frames);
	frames_clear(&frames);
	check(lua, rc);
	return 0;
}

/* signed(PORT, TYPE, CONTENT): well signed, whatever the JSON text of CONTENT is. */
static int signed_text(lua_State *lua)
{
	struct interp *interp = interp_of(lua);
	enum jupyter_port port = (enum jupyter_port)luaL_checkinteger(lua, 1);
	const char *type = luaL_checkstring(lua, 2);
	size_t len;
	const char *text = luaL_checklstring(lua, 3, &len);
	struct link_parts dicts = {.count = LINK_BUFFERS};
	char signature[JUPYTER_SIGNATURE_LEN + 1];
	struct frames frames;
	size_t at;
	int rc = compose(interp, port, type, json_object(), &frames);

	at = delimiter_at(&frames);
	if (rc == 0) {
		zmq_msg_close(&frames.part[--frames.count]);
		rc = frames_add(&frames, text, len);
	}
	for (uint32_t i = 0; rc == 0 && i < LINK_BUFFERS; i++)
		dicts.part[i] = frames_get(&frames, at + 2 + i);
	if (rc == 0)
		rc = jupyter_sign(&interp->outgoing.session.key, &dicts, signature);
	if (rc == 0) {
		memcpy(zmq_msg_data(&frames.part[at + 1]), signature, JUPYTER_SIGNATURE_LEN);
		rc = outgoing_raw(&interp->outgoing, (uint8_t)port, &frames);
	}
	frames_clear(&frames);
	check(lua, rc);
	return 0;
}

/* json_bomb(DEPTH): signed content nested so deep. */
static int json_bomb(lua_State *lua)
{
	size_t depth = (size_t)luaL_optinteger(lua, 1, 100000);
	char *text = lua_newuserdatauv(lua, depth * 6 + 3, 0);
	size_t at = 0;

	for (size_t i = 0; i < depth; i++, at += 5)
		memcpy(text + at, "{\"a\":", 5);
	text[at++] = '1';
	memset(text + at, '}', depth);
	lua_settop(lua, 1);
	lua_pushcfunction(lua, signed_text);
	lua_pushinteger(lua, JUPYTER_IOPUB);
	lua_pushliteral(lua, "display_data");
	lua_pushlstring(lua, text, at + depth);
	lua_call(lua, 3, 0);
	return 0;
}

/* reply_on(PORT): an execute_reply where it does not belong. */
static int reply_on(lua_State *lua)
{
	struct interp *interp = interp_of(lua);
	enum jupyter_port port = (enum jupyter_port)luaL_checkinteger(lua, 1);
	struct frames frames;
	int rc = compose(interp, port, "execute_reply",
			 json_pack("{s:s, s:i}", "status", "ok", "execution_count", 99), &frames);

	if (rc == 0)
		rc = outgoing_raw(&interp->outgoing, (uint8_t)port, &frames);
	frames_clear(&frames);
	check(lua, rc);
	return 0;
}

/* wrong_ident(IDENT): a reply to the right socket (its routing id stays the first ident), the
 * session named behind it being another's. */
static int wrong_ident(lua_State *lua)
{
	struct interp *interp = interp_of(lua);
	size_t len;
	const char *ident = luaL_checklstring(lua, 1, &len);
	struct frames proper, frames;
	int rc = compose(interp, JUPYTER_SHELL, "execute_reply",
			 json_pack("{s:s, s:i}", "status", "ok", "execution_count", 98), &proper);

	frames_init(&frames);
	if (rc == 0)
		rc = frames_add(&frames, frames_get(&proper, 0).data, frames_get(&proper, 0).len);
	if (rc == 0)
		rc = frames_add(&frames, ident, len);
	if (rc == 0)
		rc = frames_move(&frames, &proper, delimiter_at(&proper));
	if (rc == 0)
		rc = outgoing_raw(&interp->outgoing, JUPYTER_SHELL, &frames);
	frames_clear(&proper);
	frames_clear(&frames);
	check(lua, rc);
	return 0;
}

/* mute(ON): shell requests are carried out but never answered. */
static int mute(lua_State *lua)
{
	interp_of(lua)->mute = lua_isnone(lua, 1) || lua_toboolean(lua, 1);
	return 0;
}

static const luaL_Reg functions[] = {
	{"bad_signature", bad_signature}, {"replay", replay},		{"flood", flood},
	{"parts", parts},		  {"raw", raw},			{"signed", signed_text},
	{"json_bomb", json_bomb},	  {"reply_on", reply_on},	{"wrong_ident", wrong_ident},
	{"mute", mute},			  {NULL, NULL},
};

void hostile_open(lua_State *lua)
{
	luaL_newlib(lua, functions);
	hostile_wire_open(lua);
	hostile_machine_open(lua);
	hostile_take_open(lua);
	hostile_pages_open(lua);
	lua_setglobal(lua, "hostile");
	/* What the incarnation before left is done before anything is answered. */
	if (access(HOSTILE_START, R_OK) == 0 && luaL_dofile(lua, HOSTILE_START) != LUA_OK)
		lua_pop(lua, 1);
}
