/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/plan.h"

#include "hostd/cell/credentials.h"
#include "hostd/cell/dev.h"
#include "hostd/cell/landlock.h"
#include "hostd/cell/namespaces.h"
#include "hostd/cell/network.h"
#include "hostd/cell/root.h"
#include "hostd/cell/seccomp.h"
#include "hostd/cell/sockets.h"
#include "hostd/cell/sys.h"
#include "hostd/cell/trace.h"
#include "hostd/cell/util.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define CELL_INIT "/usr/lib/anchorhold/cell-init"
#define FD_ASIDE 256 /* above any number that a kept descriptor is to get */
#define FD_FIRST 3   /* where the plan's descriptors begin, PLAN_EXIT being the first */

/*
 * Each step: why it stands where it stands. A step may rely on those before it, and most
 * cannot be taken later, since every one after `identity` leaves the child with less.
 */

/* First of all, so that nothing of the monitor's is at hand in anything that follows. Two
 * rounds, because a target number may be another's source. */
static int keep_descriptors(struct cell_plan *plan)
{
	for (int i = 0; i < PLAN_FDS; i++) {
		int aside;

		if (plan->fd[i] < 0)
			continue;
		aside = fcntl(plan->fd[i], F_DUPFD_CLOEXEC, FD_ASIDE);
		if (aside < 0) /* the channel's old number still is what this is told through */
			return -errno;
		plan->fd[i] = aside;
	}
	for (int i = 0; i < PLAN_FDS; i++) {
		int target = FD_FIRST + i;

		if (plan->fd[i] < 0)
			(void)close(target);
		else if (dup3(plan->fd[i], target, O_CLOEXEC) < 0)
			return -errno;
		else
			plan->fd[i] = target;
	}
	return sys_close_range(FD_FIRST + PLAN_FDS, ~0u);
}

/* Nothing can be owned or mounted before the uid exists in our user namespace. */
static int await_maps(struct cell_plan *plan)
{
	char go = 0;
	ssize_t n = recv(plan->fd[PLAN_CHANNEL], &go, 1, 0);

	if (n < 0)
		return -errno;
	return n == 1 && go == PLAN_MAPPED ? 0 : -ECANCELED;
}

/* From here all that is made belongs to the cell's uid; the capabilities of the new user
 * namespace stay, as no uid 0 exists in it. */
static int identity(struct cell_plan *plan)
{
	(void)plan;
	return credentials_identity();
}

static int rest_of_namespaces(struct cell_plan *plan)
{
	(void)plan;
	return namespaces_rest();
}

/* Needs CAP_NET_ADMIN in the new network namespace. */
static int network(struct cell_plan *plan)
{
	return network_setup(plan->network);
}

/* In the standard streams' place go nodes of the cell's own /dev, or the given output. They
 * are opened here because the new root is entered and Landlock is not yet there. */
static int standard_streams(struct cell_plan *plan)
{
	CLEANUP_FD int null = dev_open_null(plan->fd[PLAN_DEV]);
	int output = plan->fd[PLAN_OUTPUT] >= 0 ? plan->fd[PLAN_OUTPUT] : null;

	if (null < 0)
		return null;
	if (dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0)
		return -errno;
	return 0;
}

/* Made in here as the cell's uid: the monitor never follows a name in that directory. cell-init
 * gets it open, and fills it with what comes through PLAN_GO. */
static int connection_file(struct cell_plan *plan)
{
	int fd = sockets_new_connection(plan->fd[PLAN_SOCKETS], plan->incarnation);
	int target = FD_FIRST + PLAN_FILE;

	if (fd < 0)
		return fd;
	if (fd != target) { /* most likely it is: the lowest that is free */
		if (dup3(fd, target, O_CLOEXEC) < 0)
			return -errno;
		fd_close(&fd);
	}
	plan->fd[PLAN_FILE] = target;
	return 0;
}

/* Likewise; and whatever the incarnation before left under that name is gone. */
static int resolvers(struct cell_plan *plan)
{
	return sockets_put_resolvers(plan->fd[PLAN_SOCKETS], plan->resolvers, -1);
}

static int limits(struct cell_plan *plan)
{
	return credentials_limits(plan->pids_max);
}

/* A session without a terminal; signals as a program expects them. */
static int session(struct cell_plan *plan)
{
	(void)plan;
	if (setsid() < 0)
		return -errno;
	return credentials_signals();
}

/* After the last capability was used; it also sets no_new_privs for the two that follow. */
static int drop_privileges(struct cell_plan *plan)
{
	(void)plan;
	return credentials_drop();
}

/* After the last mount: a process under Landlock cannot mount. */
static int landlock(struct cell_plan *plan)
{
	if (plan->lacking & CELL_LACK_LANDLOCK)
		return 0;
	return landlock_restrict(plan);
}

/* The descriptors that are meant to go through exec; cell-init closes the last two before it
 * runs the program, which gets none. */
static int pass_descriptors(struct cell_plan *plan)
{
	static const enum plan_fd passed[] = {PLAN_EXIT, PLAN_GO, PLAN_FILE};

	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		if (fcntl(plan->fd[passed[i]], F_SETFD, 0) < 0)
			return -errno;
	return 0;
}

/* Last: the filter allows what a kernel needs, and none of the steps before. */
static int seccomp(struct cell_plan *plan)
{
	return filter_load(plan->filter);
}

static int execute(struct cell_plan *plan)
{
	const char *argv[CELL_ARGS_MAX + 6] = {"cell-init", "3", "4", "5", "--"};
	char file[64];

	/* The incarnation is in its name, so that the kernels of a cell never share one. */
	snprintf(file, sizeof(file), "/run/kernel/connection-%u.json", plan->incarnation);
	for (size_t i = 0; plan->argv[i]; i++)
		argv[5 + i] = strcmp(plan->argv[i], CELL_CONNECTION_FILE) ? plan->argv[i] : file;
	execve(CELL_INIT, (char *const *)argv, (char *const *)plan->env);
	return -errno;
}

static const struct {
	const char *name;
	int (*take)(struct cell_plan *plan);
} steps[] = {
	{"descriptors", keep_descriptors},
	{"maps", await_maps},
	{"identity", identity},
	{"namespaces", rest_of_namespaces},
	{"network", network},
	{"root: assemble", root_assemble},
	{"root: enter", root_enter},
	{"streams", standard_streams},
	{"connection file", connection_file},
	{"resolvers", resolvers},
	{"limits", limits},
	{"session", session},
	{"privileges", drop_privileges},
	{"landlock", landlock},
	{"descriptors to pass", pass_descriptors},
	{"seccomp", seccomp},
	{"exec", execute},
};

void child_run(struct cell_plan *plan)
{
	struct cell_error error;
	int result = 0;
	size_t i = 0;

	memset(&error, 0, sizeof(error));
	while (result == 0 && i < sizeof(steps) / sizeof(steps[0])) {
		result = steps[i].take(plan);
		trace_mark(plan->trace, steps[i++].name);
	}
	snprintf(error.step, sizeof(error.step), "%s", steps[i - 1].name);
	error.error = -result;
	(void)send(plan->fd[PLAN_CHANNEL], &error, sizeof(error), MSG_NOSIGNAL);
	_exit(1);
}
