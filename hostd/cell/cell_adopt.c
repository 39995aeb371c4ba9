/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cell of an earlier monitor's. Nothing of it is made anew: what is there is found by its slot and
 * its id and held against the note, and what does not agree is not adopted. What nobody adopts is
 * ended and removed.
 */
#include "hostd/cell/self.h"

#include "hostd/cell/namespaces.h"
#include "hostd/cell/sys.h"
#include "hostd/cell/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cell_write_note(const struct cell *cell, struct cell_note *ret_note, int ret_fds[2])
{
	*ret_note = (struct cell_note){
		.slot = cell->slot,
		.oom_kills = cell->oom_kills,
		.egress_rules = cell->egress.rules,
		.egress_cut = cell->egress.cut,
	};
	ret_fds[0] = cell->pidfd;
	ret_fds[1] = cell->exit_fd;
}

/* The process behind a pidfd, as we number it; 0: it has ended, -EBADF: it is no pidfd. */
static int pid_of(int proc, int pidfd, pid_t *ret_pid)
{
	char path[48], text[512];
	const char *line;
	long pid;
	int result;

	snprintf(path, sizeof(path), "thread-self/fdinfo/%d", pidfd);
	/* Not below it: thread-self is a magic link. */
	CLEANUP_FD int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	result = n < 0 ? -errno : 0;
	if (result < 0)
		return result;
	text[n] = '\0';
	line = strstr(text, "\nPid:");
	if (!line)
		return -EBADF;
	pid = strtol(line + 5, NULL, 10);
	*ret_pid = pid > 0 ? (pid_t)pid : 0;
	return 0;
}

/*
 * Where what ran has ended, whatever else is in the cgroup is of an incarnation that the earlier
 * monitor had just begun: nobody knows its key.
 */
static int check_processes(struct cell *cell, struct cell_error *ret_error)
{
	pid_t pid = 0;
	int result = 0;

	if (cell->pidfd >= 0)
		result = pid_of(cell->host->proc, cell->pidfd, &pid);
	if (result == 0 && pid > 0 && !cgroup_holds(cell->cgroup.cell, pid))
		result = -ESRCH;
	if (result == 0 && pid == 0)
		result = cgroup_clear(cell->cgroup.cell, 0);
	if (result == 0 && pid > 0)
		result = namespaces_mounts(cell->host->proc, pid, &cell->mounts);
	cell->pid = pid;
	return result < 0 ? step_fail(ret_error, "adopt: processes", result) : 0;
}

static int find_all(struct cell *cell, const struct cell_spec *spec,
		    struct cell_error *ret_error)
{
	int result = cell_copy_spec(cell, spec);

	if (result < 0)
		return step_fail(ret_error, "adopt: copy", result);
	result = host_filter(cell->host, spec->profile, spec->network, &cell->filter);
	if (result < 0)
		return step_fail(ret_error, "adopt: seccomp", result);
	result = cgroup_adopt(cell->host->cells, spec->id, &cell->cgroup);
	if (result < 0)
		return step_fail(ret_error, "adopt: cgroup", result);
	result = check_processes(cell, ret_error);
	if (result < 0)
		return result;
	result = kept_adopt(&cell->host->ns, cell->slot, &cell->kept);
	if (result < 0)
		return step_fail(ret_error, "adopt: memory file systems", result);
	cell->has_kept = true;
	result = egress_adopt(&cell->host->egress, &cell->egress, spec->egress);
	return result < 0 ? step_fail(ret_error, "adopt: egress", result) : 0;
}

static bool slot_known(void *ctx, unsigned slot)
{
	const struct cell_host *host = ctx;

	for (const struct cell *cell = host->first; cell; cell = cell->next)
		if (cell->slot == slot)
			return true;
	return false;
}

int cell_adopt(struct cell_host *host, const struct cell_spec *spec, const struct cell_note *note,
	       int fds[2], struct cell **ret_cell, struct cell_error *ret_error)
{
	struct cell *cell;
	int result = cell_check(spec, ret_error);

	if (result < 0)
		return result;
	if (note->slot >= CELL_SLOTS_MAX || slot_known(host, note->slot))
		return step_fail(ret_error, "adopt: slot", -EINVAL);
	cell = cell_alloc(host);
	if (!cell)
		return step_fail(ret_error, "memory", -ENOMEM);
	cell->slot = cell->egress.slot = note->slot;
	cell->oom_kills = note->oom_kills;
	cell->egress.rules = note->egress_rules;
	cell->egress.cut = note->egress_cut;
	cell->pidfd = fd_take(&fds[0]);
	cell->exit_fd = fd_take(&fds[1]);
	result = find_all(cell, spec, ret_error);
	if (result < 0) {
		cell_forget(cell); /* what there is of it is for cell_host_settle */
		return result;
	}
	uids_mark(&host->uids, cell->slot);
	*ret_cell = cell;
	return 0;
}

int cell_clear_relays(const struct cell *cell, int pidfd, struct cell_error *ret_error)
{
	pid_t pid = 0;
	int result = pidfd < 0 ? 0 : pid_of(cell->host->proc, pidfd, &pid);

	if (result == 0)
		result = cgroup_clear(cell->cgroup.relay, pid);

	return result < 0 ? step_fail(ret_error, "adopt: relay", result) : 0;
}

/* ---- what nobody adopted ---- */

static bool name_known(void *ctx, const char *name)
{
	const struct cell_host *host = ctx;

	for (const struct cell *cell = host->first; cell; cell = cell->next)
		if (strcmp(cell->cgroup.name, name) == 0)
			return true;
	return false;
}

/* Processes first, as in cell_free; their uids are looked for once they are gone. */
int cell_host_settle(struct cell_host *host, struct cell_error *ret_error)
{
	int result = cgroup_sweep(host->cells, name_known, host);

	host->resumed = false;
	if (result < 0)
		return step_fail(ret_error, "settle: cgroups", result);
	result = kept_settle(&host->ns, slot_known, host);
	if (result < 0)
		return step_fail(ret_error, "settle: mounts", result);
	result = egress_settle(&host->egress, slot_known, host);
	if (result < 0)
		return step_fail(ret_error, "settle: egress", result);
	result = uids_again(&host->uids);
	for (const struct cell *cell = host->first; cell; cell = cell->next)
		uids_mark(&host->uids, cell->slot);
	return result < 0 ? step_fail(ret_error, "settle: uids", result) : 0;
}
