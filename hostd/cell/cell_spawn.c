/* SPDX-License-Identifier: Apache-2.0 */
/* An incarnation of a cell: described as a plan, which spawn.c executes, and told to go. */
#include "hostd/cell/self.h"

#include "hostd/cell/plan.h"
#include "hostd/cell/spawn.h"
#include "hostd/cell/sys.h"
#include "hostd/cell/util.h"

#include <string.h>
#include <sys/socket.h>

static void plan_describe(const struct cell *cell, uint32_t incarnation, int output_fd,
			  struct cell_plan *plan)
{
	*plan = (struct cell_plan){
		.lacking = cell->host->lacking,
		.trace = cell->host->trace,
		.network = cell->network,
		.workspace_write = cell->workspace_write,
		.workspace_exec = cell->workspace_exec,
		.shm_bytes = cell->limits.tmpfs_bytes,
		.pids_max = cell->limits.pids_max,
		.incarnation = incarnation,
		.resolvers = cell->egress.open ? &cell->egress.policy : NULL,
		.masks = &cell->host->masks,
		.filter = cell->filter,
		.argv = (const char *const *)cell->argv,
		.env = (const char *const *)cell->env,
	};
	for (int i = 0; i < PLAN_FDS; i++)
		plan->fd[i] = -1;
	if (output_fd > 0)
		plan->fd[PLAN_OUTPUT] = output_fd;
}

/* Another cell of the same project that runs; cells of no project are each their own. */
static pid_t sibling(const struct cell *cell)
{
	if (!cell->project[0])
		return 0;
	for (const struct cell *other = cell->host->first; other; other = other->next)
		if (other != cell && other->pidfd >= 0 &&
		    strcmp(other->project, cell->project) == 0)
			return other->pid;
	return 0;
}

int cell_launch(struct cell *cell, uint32_t incarnation, int output_fd,
		struct cell_error *ret_error)
{
	const struct spawn_place place = {
		.host = cell->host,
		.kept = &cell->kept,
		.environment = cell->environment,
		.workspace = cell->workspace,
		.cgroup = cell->cgroup.cell,
		.uid = uids_cell(cell->slot),
		.cookie = cell->host->cookies,
		.sibling = cell->host->cookies ? sibling(cell) : 0,
		.egress = &cell->host->egress,
		.egress_cell = cell->egress.open ? &cell->egress : NULL,
	};
	struct spawned spawned;
	struct cell_plan plan;
	int result;

	fd_close(&cell->mounts);
	plan_describe(cell, incarnation, output_fd, &plan);
	cell->oom_kills = cgroup_oom_kills(&cell->cgroup);
	result = spawn(&place, &plan, &spawned, ret_error);
	if (result < 0) {
		(void)egress_detach(&cell->host->egress, &cell->egress);
		return result;
	}
	cell->pidfd = spawned.pidfd;
	cell->exit_fd = spawned.exit_fd;
	cell->pid = spawned.pid;
	cell->go_fd = spawned.go_fd;
	cell->mounts = spawned.mounts;
	return 0;
}

/* It takes it whole. One that has died meanwhile is told of by its pidfd. */
static int go(struct cell *cell, const struct cell_connection *connection)
{
	ssize_t n = send(cell->go_fd, connection->json, connection->json_len,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
	int result = 0;

	if (n < 0 && errno != EPIPE && errno != ECONNRESET)
		result = -errno;
	else if (n >= 0 && (size_t)n != connection->json_len)
		result = -EIO;
	fd_close(&cell->go_fd);
	return result;
}

int cell_spawn(struct cell *cell, const struct cell_connection *connection,
	       struct cell_error *ret_error)
{
	int result = 0;

	if (connection->json_len == 0 || connection->json_len > CELL_CONNECTION_MAX)
		return step_fail(ret_error, "connection file", -EINVAL);
	if (cell->pidfd >= 0 && (cell->go_fd < 0 || connection->output_fd > 0))
		return step_fail(ret_error, "spawn", -EBUSY);
	if (cell->pidfd < 0)
		result = cell_launch(cell, connection->incarnation, connection->output_fd,
				     ret_error);
	if (result < 0)
		return result;
	result = go(cell, connection);
	trace_mark(cell->host->trace, "spawn: go");
	if (result < 0) {
		(void)cell_stop(cell);
		return step_fail(ret_error, "connection file", result);
	}
	return 0;
}
