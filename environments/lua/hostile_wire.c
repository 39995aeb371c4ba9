/* SPDX-License-Identifier: Apache-2.0 */
/* Messages made up from whole cloth, and peers that are not what they should be. */
#include <dirent.h>
#include <errno.h>
#include <lauxlib.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "environments/lua/hostile.h"
#include "environments/lua/run.h"

static const char *const dict_names[LINK_BUFFERS] = {"header", "parent", "metadata", "content"};

/* The strings of the list in the field at the table's top, one frame each. */
static int add_list(lua_State *lua, const char *field, struct frames *frames)
{
	int rc = 0;

	if (lua_getfield(lua, 1, field) == LUA_TTABLE)
		for (lua_Integer i = 1; rc == 0 && lua_rawgeti(lua, -1, i) == LUA_TSTRING; i++) {
			size_t len;
			const char *text = lua_tolstring(lua, -1, &len);

			rc = frames_add(frames, text, len);
			lua_pop(lua, 1);
		}
	lua_settop(lua, 1);
	return rc;
}

/* The text stays the table's, which stays on the stack. */
static struct link_slice text_field(lua_State *lua, const char *field, const char *otherwise)
{
	size_t len = strlen(otherwise);
	const char *text = otherwise;

	if (lua_getfield(lua, 1, field) == LUA_TSTRING)
		text = lua_tolstring(lua, -1, &len);
	lua_pop(lua, 1);
	return (struct link_slice){(const uint8_t *)text, len};
}

static int add_dicts(struct interp *interp, lua_State *lua, struct frames *frames)
{
	struct link_parts dicts = {.count = LINK_BUFFERS};
	char right[JUPYTER_SIGNATURE_LEN + 1];
	struct link_slice signature;
	int rc;

	for (size_t i = 0; i < LINK_BUFFERS; i++)
		dicts.part[i] = text_field(lua, dict_names[i], "{}");
	rc = jupyter_sign(&interp->outgoing.session.key, &dicts, right);
	if (rc < 0)
		return rc;
	signature = text_field(lua, "signature", right);
	rc = frames_add(frames, JUPYTER_DELIMITER, JUPYTER_DELIMITER_LEN);
	if (rc == 0)
		rc = frames_add(frames, signature.data, signature.len);
	for (size_t i = 0; rc == 0 && i < LINK_BUFFERS; i++)
		rc = frames_add(frames, dicts.part[i].data, dicts.part[i].len);
	return rc;
}

/* forge{port, idents = {..}, header, parent, metadata, content, signature, buffers = {..}}: all
 * as they are given; an absent dict is {}, an absent signature the right one. */
static int forge(lua_State *lua)
{
	struct interp *interp = interp_of(lua);
	struct frames frames;
	lua_Integer port;
	int rc;

	luaL_checktype(lua, 1, LUA_TTABLE);
	lua_settop(lua, 1);
	lua_getfield(lua, 1, "port");
	port = luaL_optinteger(lua, -1, JUPYTER_IOPUB);
	lua_settop(lua, 1);
	frames_init(&frames);
	rc = add_list(lua, "idents", &frames);
	if (rc == 0)
		rc = add_dicts(interp, lua, &frames);
	if (rc == 0)
		rc = add_list(lua, "buffers", &frames);
	if (rc == 0)
		rc = outgoing_raw(&interp->outgoing, (uint8_t)port, &frames);
	frames_clear(&frames);
	run_check(lua);
	return rc < 0 ? luaL_error(lua, "forge: %s", strerror(-rc)) : 0;
}

/* request(): the running request's header and its first ident. */
static int request(lua_State *lua)
{
	const struct request *running = interp_of(lua)->request;
	struct link_slice header;

	if (!running)
		return luaL_error(lua, "nothing runs");
	header = request_parent(running);
	lua_pushlstring(lua, (const char *)header.data, header.len);
	lua_pushlstring(lua, (const char *)running->view.ident[0].data,
			running->view.idents_count ? running->view.ident[0].len : 0);
	return 2;
}

static int is_connected(int fd)
{
	struct sockaddr_un peer = {0};
	socklen_t len = sizeof(peer);

	return getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && peer.sun_family == AF_UNIX;
}

/* cut(): every connection ends; the relay finds what is at the paths by then. How many it were. */
static int cut(lua_State *lua)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	lua_Integer count = 0;

	if (!dir)
		return luaL_error(lua, "/proc/self/fd: %s", strerror(errno));
	while ((entry = readdir(dir))) {
		int fd = (int)strtol(entry->d_name, NULL, 10);

		if (fd > 2 && is_connected(fd) && shutdown(fd, SHUT_RDWR) == 0)
			count++;
	}
	closedir(dir);
	lua_pushinteger(lua, count);
	return 1;
}

struct peer {
	int fd;
	unsigned char ready[32];
	size_t ready_len;
	size_t len;
	unsigned char data[]; /* sent for ever, behind the greeting */
};

/* ZMTP 3.0 with the NULL mechanism, by hand. */
static int greet(int fd, const struct peer *peer)
{
	static const unsigned char greeting[64] = {
		0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'N', 'U', 'L', 'L'};
	char theirs[256];

	if (send(fd, greeting, sizeof(greeting), MSG_NOSIGNAL) < 0 ||
	    recv(fd, theirs, 64, MSG_WAITALL) != 64 ||
	    send(fd, peer->ready, peer->ready_len, MSG_NOSIGNAL) < 0)
		return -1;
	return recv(fd, theirs, sizeof(theirs), 0) <= 0 ? -1 : 0;
}

static void *peer_main(void *arg)
{
	struct peer *peer = arg;
	char theirs[256];

	for (;;) {
		int fd = accept(peer->fd, NULL, NULL);

		if (fd >= 0 && greet(fd, peer) == 0) {
			while (peer->len > 0 && send(fd, peer->data, peer->len, MSG_NOSIGNAL) > 0)
				;
			while (recv(fd, theirs, sizeof(theirs), 0) > 0)
				;
		}
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

static void ready_make(struct peer *peer, const char *type, size_t len)
{
	unsigned char *at = peer->ready;
	static const char name[] = "Socket-Type";

	*at++ = 4; /* a command, short */
	*at++ = (unsigned char)(6 + 1 + sizeof(name) - 1 + 4 + len);
	memcpy(at, "\5READY", 6);
	at += 6;
	*at++ = sizeof(name) - 1;
	memcpy(at, name, sizeof(name) - 1);
	at += sizeof(name) - 1;
	memset(at, 0, 3);
	at[3] = (unsigned char)len;
	at += 4;
	memcpy(at, type, len);
	peer->ready_len = (size_t)(at - peer->ready) + len;
}

/* peer(PATH, TYPE, BYTES): a false socket of that ZMTP type at PATH; whoever connects is greeted
 * and gets the bytes again and again. */
static int peer(lua_State *lua)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t path_len, type_len, len;
	const char *path = luaL_checklstring(lua, 1, &path_len);
	const char *type = luaL_checklstring(lua, 2, &type_len);
	const char *data = luaL_optlstring(lua, 3, "", &len);
	struct peer *made;
	pthread_t thread;

	luaL_argcheck(lua, path_len < sizeof(address.sun_path), 1, "too long");
	luaL_argcheck(lua, type_len <= 6, 2, "no socket type");
	made = malloc(sizeof(*made) + len);
	if (!made)
		return luaL_error(lua, "no memory");
	memcpy(address.sun_path, path, path_len);
	memcpy(made->data, data, len);
	made->len = len;
	ready_make(made, type, type_len);
	unlink(path);
	made->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (made->fd < 0 || bind(made->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(made->fd, 64) < 0 || pthread_create(&thread, NULL, peer_main, made) != 0) {
		free(made);
		return luaL_error(lua, "peer: %s", strerror(errno));
	}
	return 0;
}

static const luaL_Reg functions[] = {
	{"forge", forge}, {"request", request}, {"cut", cut}, {"peer", peer}, {NULL, NULL},
};

void hostile_wire_open(lua_State *lua)
{
	luaL_setfuncs(lua, functions, 0);
}
