/* SPDX-License-Identifier: Apache-2.0 */
#include "environments/lua/interp.h"

#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "environments/lua/display.h"
#include "environments/lua/input.h"
#include "environments/lua/shell.h"
#include "environments/lua/stream.h"
#ifdef ANCHORHOLD_HOSTILE
#include "environments/lua/hostile.h"
#endif

#define WAIT_MS 100		/* how late an interrupt may be found that came just before a wait */
#define STACK_SIZE (4u << 20) /* address space only; musl's default is 128 KiB */

/* os.exit([CODE]): what was printed goes out first; the process ends behind our back. */
static int os_exit(lua_State *lua)
{
	int code = lua_isboolean(lua, 1) ? !lua_toboolean(lua, 1) : (int)luaL_optinteger(lua, 1, 0);

	outgoing_byte(&interp_of(lua)->outgoing, OUTGOING_EXIT, (uint8_t)code);
	while (pause() < 0)
		;
	return 0;
}

static int open_libraries(lua_State *lua)
{
	luaL_openlibs(lua);
	run_open(lua);
	stream_open(lua);
	input_open(lua);
	display_open(lua);
#ifdef ANCHORHOLD_HOSTILE
	hostile_open(lua);
#endif
	lua_getglobal(lua, LUA_OSLIBNAME);
	lua_pushcfunction(lua, os_exit);
	lua_setfield(lua, -2, "exit");
	return 0;
}

static int lua_new(struct interp *interp)
{
	interp->lua = luaL_newstate();
	if (!interp->lua)
		return -ENOMEM;
	*(struct interp **)lua_getextraspace(interp->lua) = interp;
	interp->running = interp->lua;
	lua_pushcfunction(interp->lua, open_libraries);
	return lua_pcall(interp->lua, 0, 0, 0) == LUA_OK ? 0 : -ENOMEM;
}

static int give_up(void *arg)
{
	struct interp *interp = arg;

	return atomic_load(&interp->interrupted);
}

static void work(struct interp *interp, struct frames *frames)
{
	struct link_slice kind = frames_get(frames, 0);
	bool aborted = kind.len == 1 && kind.data[0] == WORK_ABORT;
	struct request request;

	/* Not from our client, or not a message: no answer. */
	if (request_take(&interp->outgoing.session, frames, 1, &request) == 0) {
		shell_handle(interp, &request, aborted);
		request_clear(&request);
	}
	outgoing_byte(&interp->outgoing, OUTGOING_DONE, 0);
}

static void *thread_main(void *arg)
{
	struct interp *interp = arg;
	struct frames frames;

	if (run_thread_init(interp) < 0)
		abort();
	frames_init(&frames);
	for (;;) {
		int rc = frames_recv(&frames, interp->work, 0);

		if (rc == 0)
			work(interp, &frames);
		else if (rc != -EINTR && rc != -EAGAIN)
			return NULL;
		frames_clear(&frames);
	}
}

static int pairs_take(struct interp *interp, struct sockets *sockets)
{
	int timeout_ms = WAIT_MS;

	interp->work = sockets->pair[PAIR_WORK_INTERP];
	interp->input = sockets->pair[PAIR_INPUT_INTERP];
	interp->outgoing.socket = interp->work;
	interp->outgoing.wait = give_up;
	interp->outgoing.wait_arg = interp;
	if (zmq_setsockopt(interp->work, ZMQ_SNDTIMEO, &timeout_ms, sizeof(timeout_ms)) < 0 ||
	    zmq_setsockopt(interp->input, ZMQ_RCVTIMEO, &timeout_ms, sizeof(timeout_ms)) < 0)
		return -errno;
	return 0;
}

static int thread_start(struct interp *interp)
{
	pthread_attr_t attributes;
	int rc;

	rc = pthread_attr_init(&attributes);
	if (rc == 0)
		rc = pthread_attr_setstacksize(&attributes, STACK_SIZE);
	if (rc == 0)
		rc = pthread_create(&interp->thread, &attributes, thread_main, interp);
	pthread_attr_destroy(&attributes);
	return -rc;
}

int interp_start(struct sockets *sockets, const struct session *session,
		 struct interp **ret_interp)
{
	struct interp *interp = calloc(1, sizeof(*interp));
	int rc = -ENOMEM;

	if (!interp)
		return rc;
	atomic_init(&interp->executing, false);
	atomic_init(&interp->interrupted, false);
	interp->outgoing.session = *session;
	interp->outgoing.session.thread = 'i';
	rc = pairs_take(interp, sockets);
	if (rc == 0)
		rc = lua_new(interp);
	if (rc == 0)
		rc = thread_start(interp);
	if (rc < 0) {
		if (interp->lua)
			lua_close(interp->lua);
		free(interp);
		return rc;
	}
	*ret_interp = interp;
	return 0;
}
