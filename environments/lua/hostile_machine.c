/* SPDX-License-Identifier: Apache-2.0 */
/* Straining the cell and the sockets' folder. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "environments/lua/hostile.h"
#include "environments/lua/run.h"

static int result(lua_State *lua, int rc)
{
	if (rc >= 0) {
		lua_pushinteger(lua, rc);
		return 1;
	}
	luaL_pushfail(lua);
	lua_pushstring(lua, strerror(errno));
	return 2;
}

/* symlink(TARGET, PATH): PATH is removed first. */
static int link_over(lua_State *lua)
{
	const char *target = luaL_checkstring(lua, 1), *path = luaL_checkstring(lua, 2);

	unlink(path);
	return result(lua, symlink(target, path));
}

/* listen(PATH [, FLOOD]): PATH becomes a socket that takes connections and says nothing, or, with
 * FLOOD, sends zeros for ever. */
static void *accept_main(void *arg)
{
	int fd = (int)(intptr_t)arg & 0xffff, noisy = (int)(intptr_t)arg >> 16;
	static const char zeros[65536];

	for (;;) {
		int peer = accept(fd, NULL, NULL);

		while (peer >= 0 && noisy && send(peer, zeros, sizeof(zeros), MSG_NOSIGNAL) > 0)
			;
	}
	return NULL;
}

static int listen_over(lua_State *lua)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len;
	const char *path = luaL_checklstring(lua, 1, &len);
	int noisy = lua_toboolean(lua, 2), fd;
	pthread_t thread;

	luaL_argcheck(lua, len < sizeof(address.sun_path), 1, "too long");
	memcpy(address.sun_path, path, len);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 64) < 0)
		return result(lua, -1);
	return result(lua, -pthread_create(&thread, NULL, accept_main,
					   (void *)(intptr_t)(fd | noisy << 16)));
}

/* connect(PATH, COUNT): connections that are opened and left so; the number that came about. */
static int half_open(lua_State *lua)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len;
	const char *path = luaL_checklstring(lua, 1, &len);
	lua_Integer count = luaL_optinteger(lua, 2, 1), made = 0;

	luaL_argcheck(lua, len < sizeof(address.sun_path), 1, "too long");
	memcpy(address.sun_path, path, len);
	for (lua_Integer i = 0; i < count; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
			break;
		made++;
	}
	lua_pushinteger(lua, made);
	return 1;
}

/* endless(PATH): a false iopub at PATH that greets as one, then sends one message whose
 * parts never end: ZMTP 3.0 with the NULL mechanism, by hand. */
static int greet(int peer)
{
	static const unsigned char greeting[64] = {
		0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'N', 'U', 'L', 'L'};
	static const unsigned char ready[] = {4,   25,  5,   'R', 'E', 'A', 'D', 'Y', 11,
					      'S', 'o', 'c', 'k', 'e', 't', '-', 'T', 'y',
					      'p', 'e', 0,   0,	  0,   3,   'P', 'U', 'B'};
	char theirs[256];

	return send(peer, greeting, sizeof(greeting), MSG_NOSIGNAL) < 0 ||
			       recv(peer, theirs, 64, MSG_WAITALL) != 64 ||
			       send(peer, ready, sizeof(ready), MSG_NOSIGNAL) < 0 ||
			       recv(peer, theirs, sizeof(theirs), 0) <= 0
		       ? -1
		       : 0;
}

static void *endless_main(void *arg)
{
	int fd = (int)(intptr_t)arg;
	unsigned char part[2 + 255] = {1, 255}; /* MORE, short; flags, length, body */

	for (;;) {
		int peer = accept(fd, NULL, NULL);

		if (peer >= 0 && greet(peer) == 0)
			while (send(peer, part, sizeof(part), MSG_NOSIGNAL) > 0)
				;
		if (peer >= 0)
			close(peer);
	}
	return NULL;
}

static int endless(lua_State *lua)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len;
	const char *path = luaL_checklstring(lua, 1, &len);
	pthread_t thread;
	int fd;

	luaL_argcheck(lua, len < sizeof(address.sun_path), 1, "too long");
	memcpy(address.sun_path, path, len);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 64) < 0)
		return result(lua, -1);
	return result(lua, -pthread_create(&thread, NULL, endless_main, (void *)(intptr_t)fd));
}

static char *kept; /* the newest of a chain */

/* memory(MIB): so much, touched and kept. */
static int memory(lua_State *lua)
{
	lua_Integer mib = luaL_checkinteger(lua, 1);

	for (lua_Integer i = 0; i < mib; i++) {
		char *block = malloc(1 << 20);

		if (!block)
			return result(lua, -1);
		memset(block, 1, 1 << 20);
		memcpy(block, &kept, sizeof(kept));
		kept = block;
	}
	return result(lua, 0);
}

static void *spin_main(void *arg)
{
	volatile unsigned long *count = arg;

	for (;;)
		(*count)++;
	return NULL;
}

/* spin(THREADS): threads that count for ever. */
static int spin(lua_State *lua)
{
	static unsigned long count;
	lua_Integer threads = luaL_optinteger(lua, 1, 1);
	pthread_t thread;

	for (lua_Integer i = 0; i < threads; i++) {
		int rc = pthread_create(&thread, NULL, spin_main, &count);

		if (rc != 0)
			return errno = rc, result(lua, -1);
	}
	return result(lua, 0);
}

/* fork_bomb(): every child forks until it is refused, then waits for ever. */
static int fork_bomb(lua_State *lua)
{
	pid_t first = fork();

	if (first != 0)
		return result(lua, first);
	for (;;)
		if (fork() < 0)
			usleep(1000);
}

/* files(PATH, COUNT): open descriptors kept; the number that came about. */
static int files(lua_State *lua)
{
	const char *path = luaL_checkstring(lua, 1);
	lua_Integer count = luaL_checkinteger(lua, 2), made = 0;

	while (made < count && open(path, O_RDONLY | O_CLOEXEC) >= 0)
		made++;
	lua_pushinteger(lua, made);
	return 1;
}

/* exit(CODE): at once, nothing flushed. */
static int exit_now(lua_State *lua)
{
	_exit((int)luaL_optinteger(lua, 1, 0));
	return 0;
}

/* signal(NUMBER): to itself, its default action restored. */
static int signal_self(lua_State *lua)
{
	int number = (int)luaL_checkinteger(lua, 1);
	sigset_t set;

	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	return result(lua, kill(getpid(), number));
}

/* syscall(NUMBER, ARG...): up to six integers; the result, or fail, the error's text and number. */
static int system_call(lua_State *lua)
{
	long arg[6] = {0};
	long rc;

	for (int i = 0; i < 6; i++)
		arg[i] = (long)luaL_optinteger(lua, i + 2, 0);
	rc = syscall((long)luaL_checkinteger(lua, 1), arg[0], arg[1], arg[2], arg[3], arg[4],
		     arg[5]);
	if (rc >= 0) {
		lua_pushinteger(lua, rc);
		return 1;
	}
	rc = errno;
	luaL_pushfail(lua);
	lua_pushstring(lua, strerror((int)rc));
	lua_pushinteger(lua, rc);
	return 3;
}

static const luaL_Reg functions[] = {
	{"symlink", link_over}, {"listen", listen_over}, {"connect", half_open},
	{"endless", endless},	{"memory", memory},	 {"spin", spin},
	{"fork_bomb", fork_bomb}, {"files", files},	 {"exit", exit_now},
	{"signal", signal_self}, {"syscall", system_call}, {NULL, NULL},
};

void hostile_machine_open(lua_State *lua)
{
	luaL_setfuncs(lua, functions, 0);
}
