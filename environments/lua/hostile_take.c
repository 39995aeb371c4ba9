/* SPDX-License-Identifier: Apache-2.0 */
/* Taking what a cell has, one kind at a time, until it is refused. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "environments/lua/hostile.h"
#include "environments/lua/run.h"

#define BLOCK (1u << 20)
#define CHECK_EACH 256 /* between two looks whether the run was interrupted */
#define NAME_PAD 200   /* long names, so that a directory entry is as dear as it can be */
#define THREAD_STACK (16u << 10)

struct take {
	const char *path;
	lua_Integer made;
	int kept[2]; /* a descriptor that several turns use; -1 before the first */
};

static const char block[BLOCK];

static int outcome(long rc)
{
	return rc < 0 ? -errno : 0;
}

/* A child that waits for ever. */
static int take_child(struct take *take)
{
	pid_t pid = fork();

	(void)take;
	if (pid == 0)
		for (;;)
			(void)sleep(1000);
	return outcome(pid);
}

static void *wait_main(void *arg)
{
	for (;;)
		(void)sleep(1000); /* pause(2) is refused, and would be a busy loop */
	return arg;
}

static int take_thread(struct take *take)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int rc;

	(void)take;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, THREAD_STACK);
	rc = pthread_create(&thread, &attributes, wait_main, NULL);
	pthread_attr_destroy(&attributes);
	return -rc;
}

/* Every other one with other rights, or they would become one. The first few are given back at
 * the end: malloc itself needs some to say what came of it. */
static int take_map(struct take *take)
{
	static void *first[64];
	const lua_Integer spare = sizeof(first) / sizeof(first[0]);
	int protection = take->made % 2 ? PROT_READ : PROT_READ | PROT_WRITE;
	void *at = mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int rc = at == MAP_FAILED ? -errno : 0;

	if (rc == 0 && take->made < spare)
		first[take->made] = at;
	for (lua_Integer i = 0; rc < 0 && i < spare; i++)
		munmap(first[i], 4096);
	return rc;
}

static int take_descriptor(struct take *take)
{
	return outcome(open(take->path, O_RDONLY | O_CLOEXEC));
}

/* Each filled to the brim: a pipe's pages are the kernel's. */
static int take_pipe(struct take *take)
{
	int fd[2];

	(void)take;
	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	(void)fcntl(fd[1], F_SETPIPE_SZ, BLOCK);
	while (write(fd[1], block, 65536) > 0)
		;
	return errno == EAGAIN ? 0 : -errno;
}

static int take_eventfd(struct take *take)
{
	(void)take;
	return outcome(eventfd(0, EFD_CLOEXEC));
}

/* One event descriptor, watched once more by each new instance. */
static int take_epoll(struct take *take)
{
	struct epoll_event event = {.events = EPOLLIN};
	int fd;

	if (take->kept[0] < 0)
		take->kept[0] = eventfd(0, EFD_CLOEXEC);
	fd = epoll_create1(EPOLL_CLOEXEC);
	if (fd < 0)
		return -errno;
	return outcome(epoll_ctl(fd, EPOLL_CTL_ADD, take->kept[0], &event));
}

static int take_inotify(struct take *take)
{
	int fd = inotify_init1(IN_CLOEXEC);

	if (fd < 0)
		return -errno;
	return outcome(inotify_add_watch(fd, take->path, IN_ALL_EVENTS));
}

static int take_timer(struct take *take)
{
	struct sigevent event = {.sigev_notify = SIGEV_NONE};
	timer_t timer;

	(void)take;
	return outcome(timer_create(CLOCK_MONOTONIC, &event, &timer));
}

/* As near as the profile lets come to a timer: one signal after the other, as fast as it goes. */
static int take_itimer(struct take *take)
{
	struct itimerval value = {.it_interval = {.tv_usec = 1}, .it_value = {.tv_usec = 1}};

	(void)take;
	signal(SIGALRM, SIG_IGN);
	return outcome(syscall(SYS_setitimer, 0, &value, NULL));
}

static int take_timerfd(struct take *take)
{
	struct itimerspec value = {.it_interval = {.tv_nsec = 1}, .it_value = {.tv_nsec = 1}};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	(void)take;
	if (fd < 0)
		return -errno;
	return outcome(timerfd_settime(fd, 0, &value, NULL));
}

/* A MiB each. */
static int take_memfd(struct take *take)
{
	int fd = (int)syscall(SYS_memfd_create, "m", 0);

	(void)take;
	if (fd < 0)
		return -errno;
	return outcome(write(fd, block, sizeof(block)));
}

/* Both ways full, nobody reads. */
static int take_socket(struct take *take)
{
	int fd[2];

	(void)take;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		while (write(fd[i], block, 65536) > 0)
			;
	return errno == EAGAIN ? 0 : -errno;
}

/* Descriptors that are in nobody's table: each is sent and closed, never received. */
static int take_inflight(struct take *take)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec byte = {.iov_base = (void *)(uintptr_t)block, .iov_len = 1};
	struct msghdr message = {.msg_iov = &byte, .msg_iovlen = 1,
				 .msg_control = &control, .msg_controllen = sizeof(control)};
	int fd = open(take->path, O_RDONLY | O_CLOEXEC);
	int rc = -1;

	if (fd < 0)
		return -errno;
	memset(&control, 0, sizeof(control));
	control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
					  .cmsg_len = CMSG_LEN(sizeof(int))};
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	for (int turn = 0; turn < 2 && rc < 0; turn++) {
		if (take->kept[0] >= 0)
			rc = (int)sendmsg(take->kept[0], &message, MSG_DONTWAIT);
		if (rc < 0 && (take->kept[0] < 0 || errno == EAGAIN) &&
		    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, take->kept) < 0)
			break;
		if (rc < 0 && errno == ETOOMANYREFS)
			break;
	}
	rc = outcome(rc);
	close(fd);
	return rc;
}

/* Bytes that do not touch, so that none joins another. */
static int take_lock(struct take *take)
{
	struct flock lock = {.l_type = F_WRLCK, .l_start = take->made * 2, .l_len = 1};

	if (take->kept[0] < 0)
		take->kept[0] = open(take->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return outcome(fcntl(take->kept[0], F_SETLK, &lock));
}

static void name_make(const struct take *take, char *name, size_t size)
{
	snprintf(name, size, "%s/%0*lld", take->path, NAME_PAD, (long long)take->made);
}

static int take_file(struct take *take)
{
	char name[NAME_PAD + 64];
	int fd;

	name_make(take, name, sizeof(name));
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* What is not there is remembered too, by the kernel. */
static int take_absent(struct take *take)
{
	char name[NAME_PAD + 64];
	struct stat st;

	name_make(take, name, sizeof(name));
	return stat(name, &st) == 0 || errno == ENOENT ? 0 : -errno;
}

/* A MiB of one file. */
static int take_space(struct take *take)
{
	ssize_t n;

	if (take->kept[0] < 0)
		take->kept[0] = open(take->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	n = write(take->kept[0], block, sizeof(block));
	if (n >= 0 && n < (ssize_t)sizeof(block))
		return -ENOSPC;
	return outcome(n);
}

static const struct {
	const char *name;
	int (*take)(struct take *take);
} kinds[] = {
	{"child", take_child},	   {"thread", take_thread},   {"map", take_map},
	{"descriptor", take_descriptor}, {"pipe", take_pipe}, {"eventfd", take_eventfd},
	{"epoll", take_epoll},	   {"inotify", take_inotify}, {"timer", take_timer},
	{"itimer", take_itimer},   {"timerfd", take_timerfd}, {"memfd", take_memfd},
	{"socket", take_socket},   {"inflight", take_inflight}, {"lock", take_lock},
	{"file", take_file},	   {"absent", take_absent},   {"space", take_space},
};

/* take(KIND, COUNT [, PATH]): so many, kept for good; how many came about, and what
 * ended it, by its text and number. */
static int take(lua_State *lua)
{
	const char *name = luaL_checkstring(lua, 1);
	lua_Integer count = luaL_checkinteger(lua, 2);
	struct take taken = {.path = luaL_optstring(lua, 3, "/"), .kept = {-1, -1}};
	size_t kind = 0;
	int rc = 0;

	while (kind < sizeof(kinds) / sizeof(kinds[0]) && strcmp(kinds[kind].name, name) != 0)
		kind++;
	luaL_argcheck(lua, kind < sizeof(kinds) / sizeof(kinds[0]), 1, "no such kind");
	while (taken.made < count) {
		rc = kinds[kind].take(&taken);
		if (rc < 0)
			break;
		if (++taken.made % CHECK_EACH == 0)
			run_check(lua);
	}
	lua_pushinteger(lua, taken.made);
	lua_pushstring(lua, rc < 0 ? strerror(-rc) : "enough");
	lua_pushinteger(lua, -rc);
	return 3;
}

static const luaL_Reg functions[] = {{"take", take}, {NULL, NULL}};

void hostile_take_open(lua_State *lua)
{
	luaL_setfuncs(lua, functions, 0);
}
