/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/spawn.h"

#include "hostd/cell/coresched.h"
#include "hostd/cell/idmap.h"
#include "hostd/cell/namespaces.h"
#include "hostd/cell/sys.h"
#include "hostd/cell/util.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define SPAWN_TIMEOUT_MS 30000 /* an emulated CPU takes a second */

static void plan_free(struct cell_plan *plan)
{
	for (int i = 0; i < PLAN_FDS; i++)
		if (i != PLAN_OUTPUT)
			fd_close(&plan->fd[i]);
}

/* Read-only and without programs, unless the description says otherwise. */
static int plan_workspace(const struct spawn_place *place, struct cell_plan *plan)
{
	uint64_t attributes = SYS_ATTR_NOSUID | SYS_ATTR_NODEV;

	if (!plan->workspace_write)
		attributes |= SYS_ATTR_RDONLY;
	if (!plan->workspace_exec)
		attributes |= SYS_ATTR_NOEXEC;
	return idmap_new(place->workspace, attributes, &plan->fd[PLAN_WORKSPACE]);
}

/* The environment is cloned from home, where it is mounted; the rest inside the keeper. Ends
 * in the nursery, where the child is to be born; the caller leads back home. */
static int plan_mounts(const struct spawn_place *place, struct cell_plan *plan)
{
	static const enum plan_fd target[KEPT_MOUNTS] = {PLAN_DEV, PLAN_TMP, PLAN_HOME,
							 PLAN_SOCKETS};
	const uint64_t attributes = SYS_ATTR_RDONLY | SYS_ATTR_NOSUID | SYS_ATTR_NODEV;
	int result = sys_open_tree_clone(place->environment, "");

	if (result < 0)
		return result;
	plan->fd[PLAN_ENVIRONMENT] = result;
	result = sys_mount_setattr(plan->fd[PLAN_ENVIRONMENT], 0, attributes,
				   SYS_PROPAGATION_PRIVATE);
	if (result == 0 && place->workspace >= 0)
		result = plan_workspace(place, plan);
	if (result == 0)
		result = mountns_enter(place->host->ns.keeper);
	for (int i = 0; result == 0 && i < KEPT_MOUNTS; i++)
		result = kept_clone(place->kept, (enum kept_mount)i, &plan->fd[target[i]]);
	return result < 0 ? result : mountns_enter(place->host->ns.nursery);
}

/* The parent's ends of what the child talks through. */
struct spawn_ends {
	int channel, exit_fd, go_fd, pidfd, mounts;
	pid_t pid;
};

static int open_channels(struct spawn_ends *ends, struct cell_plan *plan)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ends->channel = pair[0];
	plan->fd[PLAN_CHANNEL] = pair[1];
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	ends->exit_fd = pair[0];
	plan->fd[PLAN_EXIT] = pair[1];
	/* No pipe: writing to one whose reader has died is a signal to the monitor. The text is one
	 * message, for whose end its reader need not wait. */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	plan->fd[PLAN_GO] = pair[0];
	ends->go_fd = pair[1];
	return 0;
}

/* Waits for exec, which closes the channel, or for the step that failed. */
static int await_exec(const struct spawn_ends *ends, struct cell_error *ret_error)
{
	struct pollfd poll_fd = {.fd = ends->channel, .events = POLLIN};
	struct cell_error error;
	ssize_t n;
	int ready, saved;

	do
		ready = poll(&poll_fd, 1, SPAWN_TIMEOUT_MS);
	while (ready < 0 && errno == EINTR);
	if (ready <= 0)
		return step_fail(ret_error, "child", ready < 0 ? -errno : -ETIMEDOUT);
	n = recv(ends->channel, &error, sizeof(error), 0);
	saved = errno;
	if (n == 0)
		return 0;
	/* A reset: it ended before it read 'go'. Its word, if it left one, is behind that. */
	if (n < 0 && saved == ECONNRESET &&
	    recv(ends->channel, &error, sizeof(error), 0) == sizeof(error))
		n = sizeof(error);
	if (n < 0)
		return step_fail(ret_error, "child died", -saved);
	if (n != sizeof(error) || error.error <= 0)
		return step_fail(ret_error, "child", -EPROTO);
	error.step[sizeof(error.step) - 1] = '\0';
	return step_fail(ret_error, error.step, -error.error);
}

/* What only the parent can do for a child that is there and waits. */
static int equip(const struct spawn_place *place, struct cell_plan *plan, struct spawn_ends *ends,
		 struct cell_error *ret_error)
{
	int result = 0;

	if (place->cookie)
		result = coresched_give(ends->pid, place->sibling);
	if (result < 0)
		return step_fail(ret_error, "core scheduling", result);
	result = namespaces_map(place->host->proc, ends->pid, place->uid);
	if (result < 0)
		return step_fail(ret_error, "uid map", result);
	/* Only now is there a user namespace with a map; the child attaches nothing before 'mapped'. */
	if (plan->fd[PLAN_WORKSPACE] >= 0)
		result = idmap_apply(plan->fd[PLAN_WORKSPACE], place->host->proc, ends->pid);
	if (result < 0)
		return step_fail(ret_error, "workspace", result);
	result = namespaces_mounts(place->host->proc, ends->pid, &ends->mounts);
	if (result < 0)
		return step_fail(ret_error, "mount namespace", result);
	trace_mark(plan->trace, "spawn: maps");
	/* The kernel's first line may already need it, and the child has no hand in it. One that
	 * failed already has no network any more; its own word follows. */
	if (place->egress_cell)
		result = egress_attach(place->egress, place->egress_cell, ends->pidfd);
	return result < 0 && result != -ESRCH ? step_fail(ret_error, "egress: link", result) : 0;
}

/*
 * exec and death both close the channel, so a child that was killed while it built (by its
 * memory limit) would count as running; but then its pidfd is readable, and cell_reap tells.
 */
static int start_child(const struct spawn_place *place, struct cell_plan *plan,
		       struct spawn_ends *ends, struct cell_error *ret_error)
{
	const char mapped = PLAN_MAPPED;
	int result = plan_mounts(place, plan);

	trace_mark(plan->trace, "spawn: clone mounts");
	if (result == 0) {
		ends->pid = namespaces_clone(place->cgroup, &ends->pidfd);
		if (ends->pid == 0)
			child_run(plan);
		result = ends->pid < 0 ? ends->pid : 0;
	}
	trace_mark(plan->trace, "spawn: clone3");
	mountns_leave(&place->host->ns);
	if (result < 0)
		return step_fail(ret_error, ends->pid < 0 ? "clone" : "mounts", result);
	fd_close(&plan->fd[PLAN_CHANNEL]); /* else the child's end never closes */
	result = equip(place, plan, ends, ret_error);
	if (result < 0)
		return result;
	/* A child that failed already has closed its end, and left its word in ours. */
	if (send(ends->channel, &mapped, 1, MSG_NOSIGNAL) != 1 && errno != EPIPE)
		return step_fail(ret_error, "channel", -errno);
	return await_exec(ends, ret_error);
}

/* A child that failed, or may hang: nothing of it may stay. */
static void abandon(struct spawn_ends *ends)
{
	siginfo_t info;

	if (ends->pid > 0) {
		(void)sys_pidfd_send_signal(ends->pidfd, SIGKILL);
		while (waitid(P_PIDFD, (id_t)ends->pidfd, &info, WEXITED) < 0 && errno == EINTR)
			;
	}
	fd_close(&ends->pidfd);
	fd_close(&ends->exit_fd);
	fd_close(&ends->go_fd);
	fd_close(&ends->mounts);
}

int spawn(const struct spawn_place *place, struct cell_plan *plan, struct spawned *ret_spawned,
	  struct cell_error *ret_error)
{
	struct spawn_ends ends = {-1, -1, -1, -1, -1, 0};
	int result = open_channels(&ends, plan);

	if (result < 0)
		step_fail(ret_error, "channel", result);
	else
		result = start_child(place, plan, &ends, ret_error);
	plan_free(plan);
	fd_close(&ends.channel);
	if (result < 0) {
		abandon(&ends);
		return result;
	}
	*ret_spawned = (struct spawned){
		.pidfd = ends.pidfd,
		.exit_fd = ends.exit_fd,
		.pid = ends.pid,
		.go_fd = ends.go_fd,
		.mounts = ends.mounts,
	};
	return 0;
}
