/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cell's life. What is checked (check.c) and described here (a plan) is executed by spawn.c on
 * the monitor's side and by child.c, which argues the order of the steps, on the cell's.
 */
#include "hostd/cell/self.h"

#include "hostd/cell/plan.h"
#include "hostd/cell/spawn.h"
#include "hostd/cell/strings.h"
#include "hostd/cell/sys.h"
#include "hostd/cell/util.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILL_TIMEOUT_MS 5000
#define KEPT_TIMEOUT_MS 1000u

int cell_copy_spec(struct cell *cell, const struct cell_spec *spec)
{
	memcpy(cell->project, spec->project, sizeof(cell->project));
	cell->limits = spec->limits;
	cell->network = spec->network;
	cell->argv = strings_copy(spec->argv);
	cell->env = strings_copy(spec->env);
	cell->environment = fcntl(spec->environment_fd, F_DUPFD_CLOEXEC, 0);
	if (!cell->argv || !cell->env)
		return -ENOMEM;
	cell->workspace_write = spec->workspace_write;
	cell->workspace_exec = spec->workspace_exec;
	if (spec->workspace_fd > 0) {
		cell->workspace = fcntl(spec->workspace_fd, F_DUPFD_CLOEXEC, 0);
		if (cell->workspace < 0)
			return -errno;
	}
	return cell->environment < 0 ? -errno : 0;
}

/*
 * What stays over restarts. The slot first, since the uids in all that follows come from it;
 * the cgroup next, as its name is taken where this id still runs.
 */
static int build(struct cell *cell, const struct cell_spec *spec, struct cell_error *ret_error)
{
	int result = cell_copy_spec(cell, spec);

	if (result < 0)
		return step_fail(ret_error, "copy", result);
	result = host_filter(cell->host, spec->profile, spec->network, &cell->filter);
	if (result < 0)
		return step_fail(ret_error, "seccomp: compile", result);
	result = uids_take(&cell->host->uids, &cell->slot);
	if (result < 0)
		return step_fail(ret_error, "slot", result);
	cell->egress.slot = cell->slot;
	trace_mark(cell->host->trace, "new: copy, filter, slot");
	result = cgroup_new(cell->host->cells, spec->id, &spec->limits, cell->host->disk,
			    cell->host->lacking, &cell->cgroup, ret_error);
	if (result < 0)
		return result;
	trace_mark(cell->host->trace, "new: cgroups");
	result = kept_new(&cell->host->ns, cell->slot, spec->limits.tmpfs_bytes, &cell->kept);
	if (result < 0)
		return step_fail(ret_error, "memory file systems", result);
	cell->has_kept = true;
	trace_mark(cell->host->trace, "new: memory file systems");
	if (spec->network == CELL_NETWORK_EGRESS)
		result = egress_set(&cell->host->egress, &cell->egress, spec->egress);
	return result < 0 ? step_fail(ret_error, "egress: rules", result) : 0;
}

struct cell *cell_alloc(struct cell_host *host)
{
	struct cell *cell = calloc(1, sizeof(*cell));

	if (!cell)
		return NULL;
	cell->host = host;
	cell->next = host->first;
	host->first = cell;
	cell->slot = CELL_NO_SLOT;
	cell->environment = cell->workspace = -1;
	cell->pidfd = cell->exit_fd = cell->go_fd = cell->mounts = -1;
	cell->cgroup = (struct cgroup){.base = -1, .relay = -1, .cell = -1};
	cell->usage = (struct usage_files)USAGE_FILES_NONE;
	cell->kept = (struct kept){.mount = KEPT_NONE};
	return cell;
}

int cell_new(struct cell_host *host, const struct cell_spec *spec, struct cell **ret_cell,
	     struct cell_error *ret_error)
{
	struct cell *cell;
	int result = cell_check(spec, ret_error);

	if (result < 0)
		return result;
	cell = cell_alloc(host);
	if (!cell)
		return step_fail(ret_error, "memory", -ENOMEM);
	result = build(cell, spec, ret_error);
	if (result < 0) {
		(void)cell_free(cell, NULL);
		return result;
	}
	*ret_cell = cell;
	return 0;
}

static bool ends_within(int pidfd, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
	int ready;

	do
		ready = poll(&poll_fd, 1, timeout_ms);
	while (ready < 0 && errno == EINTR);
	return ready == 1;
}

int cell_stop(struct cell *cell)
{
	struct cell_exit unused;

	if (cell->pidfd < 0)
		return 0;
	(void)cell_kill(cell);
	return ends_within(cell->pidfd, KILL_TIMEOUT_MS) ? cell_reap(cell, &unused) : -EBUSY;
}

int cell_sockets_mount(const struct cell *cell, int *ret_fd, struct cell_error *ret_error)
{
	int result = mountns_enter(cell->host->ns.keeper);

	if (result < 0)
		return step_fail(ret_error, "sockets", result);
	result = kept_clone(&cell->kept, KEPT_SOCKETS, ret_fd);
	mountns_leave(&cell->host->ns);
	return result < 0 ? step_fail(ret_error, "sockets", result) : 0;
}

uid_t cell_relay_uid(const struct cell *cell)
{
	return uids_relay(cell->slot);
}

int cell_relay_cgroup(const struct cell *cell)
{
	return cell->cgroup.relay;
}

int cell_pidfd(const struct cell *cell)
{
	return cell->pidfd;
}

/* As waitpid would have told it of PID 1 itself. */
static int status_of(const siginfo_t *info)
{
	return info->si_code == CLD_EXITED ? (info->si_status & 0xff) << 8
					   : info->si_status & 0x7f;
}

int cell_reap(struct cell *cell, struct cell_exit *ret_exit)
{
	siginfo_t info;
	int32_t status;

	memset(&info, 0, sizeof(info));
	if (cell->pidfd < 0)
		return -ESRCH;
	if (waitid(P_PIDFD, (id_t)cell->pidfd, &info, WEXITED | WNOHANG) < 0) {
		/* An adopted cell's PID 1 is init's child. Its own word is in the pipe; one that left
		 * none did not get to it, and of signals only SIGKILL reaches a PID 1. */
		if (errno != ECHILD)
			return -errno;
		if (!ends_within(cell->pidfd, 0))
			return -EAGAIN;
		info = (siginfo_t){.si_code = CLD_KILLED};
		info.si_status = SIGKILL;
		info.si_pid = 1;
	}
	if (info.si_pid == 0)
		return -EAGAIN;
	/* cell-init is the only writer and dead, so this does not block; it may have been
	 * killed before it wrote. Four bytes, all that is read, whoever wrote them. */
	if (read(cell->exit_fd, &status, sizeof(status)) == sizeof(status))
		ret_exit->status = status;
	else
		ret_exit->status = status_of(&info);
	ret_exit->oom = cgroup_oom_kills(&cell->cgroup) > cell->oom_kills;
	(void)egress_detach(&cell->host->egress, &cell->egress);
	fd_close(&cell->exit_fd);
	fd_close(&cell->go_fd);
	fd_close(&cell->pidfd);
	return 0;
}

void cell_usage(struct cell *cell, unsigned parts, struct cell_usage *ret_usage)
{
	/* The cgroup was made for this cell: its counters began at 0 with it. */
	*ret_usage = (struct cell_usage){0};
	usage_read(cell->cgroup.cell, &cell->usage, cell->host->disk, parts, ret_usage);
}

uid_t cell_uid(const struct cell *cell)
{
	return uids_cell(cell->slot);
}

int cell_notice_open(const struct cell *cell, enum cell_notice notice)
{
	static const char *const files[CELL_NOTICES] = {"memory.events", "pids.events"};

	return sys_open_beneath(cell->cgroup.cell, files[notice], O_RDONLY, 0);
}

void cell_notice_clear(int notice_fd)
{
	char text[256];

	/* The kernel tells of changes since the file was last read. */
	(void)!pread(notice_fd, text, sizeof(text), 0);
}

int cell_interrupt(struct cell *cell)
{
	return cell->pidfd < 0 ? -ESRCH : sys_pidfd_send_signal(cell->pidfd, SIGINT);
}

/*
 * The death of PID 1 is that of its PID namespace, which nothing leaves. cgroup.kill would do the
 * same, but since Linux 6.14 (and stable releases before it) every clone3 into a cgroup that was
 * ever killed dies at birth: it compares the cgroup's count of kills with the parent's cgroup's.
 * So that is only for the end, in cgroup_remove.
 */
int cell_kill(struct cell *cell)
{
	return cell->pidfd < 0 ? -ESRCH : sys_pidfd_send_signal(cell->pidfd, SIGKILL);
}

void cell_forget(struct cell *cell)
{
	struct cell **at = &cell->host->first;

	while (*at && *at != cell)
		at = &(*at)->next;
	if (*at)
		*at = cell->next;
	fd_close(&cell->pidfd);
	fd_close(&cell->exit_fd);
	fd_close(&cell->go_fd);
	fd_close(&cell->mounts);
	fd_close(&cell->environment);
	fd_close(&cell->workspace);
	usage_close(&cell->usage);
	cgroup_close(&cell->cgroup);
	kept_close(&cell->kept);
	strings_free(cell->argv);
	strings_free(cell->env);
	free(cell);
}

/* A step of the end: they are all taken, and the first that failed is told. */
static void freed(struct cell *cell, const char *step, int done)
{
	trace_mark(cell->host->trace, step);
	if (done < 0 && cell->left.error == 0)
		(void)step_fail(&cell->left, step, done);
}

/* Processes first, whose cgroup can only go when they are gone; then the mounts that they used. */
void cell_close(struct cell *cell)
{
	freed(cell, "close: processes", cell_stop(cell));
	fd_close(&cell->mounts);
	trace_mark(cell->host->trace, "close: mount namespace");
	/* A relay that has not come to its exec yet holds them too: then it is for cell_free. */
	if (cell->has_kept && kept_free(&cell->host->ns, &cell->kept, 0) == 0)
		cell->has_kept = false;
	trace_mark(cell->host->trace, "close: mounts");
	usage_close(&cell->usage);
	cgroup_remove_cell(&cell->cgroup);
	trace_mark(cell->host->trace, "close: cgroup");
}

static int free_kept(struct cell *cell)
{
	int result = 0;

	if (!cell->has_kept)
		return 0;
	result = kept_free(&cell->host->ns, &cell->kept, KEPT_TIMEOUT_MS);
	if (result < 0)
		kept_detach(&cell->host->ns, &cell->kept);
	cell->has_kept = false;
	return result;
}

/*
 * The removal of the cgroup proves that no process of the cell, its relay included, is left. Only
 * with all of it gone is the slot, and with it the uid, given back.
 */
int cell_free(struct cell *cell, struct cell_error *ret_error)
{
	int result;

	if (!cell)
		return 0;
	cell_close(cell);
	freed(cell, "free: cgroup", cgroup_remove(&cell->cgroup));
	freed(cell, "free: mounts", free_kept(cell));
	freed(cell, "free: network", egress_free(&cell->host->egress, &cell->egress));
	result = -cell->left.error;
	if (result == 0 && cell->slot != CELL_NO_SLOT)
		uids_give(&cell->host->uids, cell->slot);
	if (result < 0 && ret_error)
		*ret_error = cell->left;
	cell_forget(cell);
	return result;
}
