/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cell made ahead of its request. It is made for one description, project and workspace included,
 * and waits inside everything that description asks for: its uid, its root, Landlock, the filter.
 * No tenant's byte has been in it, and it fits no other description. What a request still decides is
 * its id, which is nothing inside, and the limits of its cgroup.
 */
#include "hostd/cell/self.h"

#include "hostd/cell/util.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

int cell_prepare(struct cell *cell, struct cell_error *ret_error)
{
	/* A link to the outside is for who may use it now, and can be cut or changed meanwhile. */
	if (cell->network == CELL_NETWORK_EGRESS)
		return step_fail(ret_error, "prepare: network", -EOPNOTSUPP);
	if (cell->pidfd >= 0)
		return step_fail(ret_error, "prepare", -EBUSY);
	return cell_launch(cell, 1, -1, ret_error);
}

static bool same_file(int a, int b)
{
	struct stat one, other;

	if (a <= 0 || b <= 0)
		return a <= 0 && b <= 0;
	return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

static bool same_strings(char **ours, const char *const *theirs)
{
	size_t i = 0;

	while (ours[i] && theirs[i] && strcmp(ours[i], theirs[i]) == 0)
		i++;
	return !ours[i] && !theirs[i];
}

bool cell_fits(const struct cell *cell, const struct cell_spec *spec)
{
	const struct filter *filter = NULL;

	return cell->go_fd >= 0 && strcmp(cell->project, spec->project) == 0 &&
	       cell->network == spec->network && !spec->egress &&
	       host_filter(cell->host, spec->profile, spec->network, &filter) == 0 &&
	       cell->filter == filter && cell->limits.pids_max == spec->limits.pids_max &&
	       cell->limits.tmpfs_bytes == spec->limits.tmpfs_bytes &&
	       cell->workspace_write == spec->workspace_write &&
	       cell->workspace_exec == spec->workspace_exec &&
	       same_file(cell->environment, spec->environment_fd) &&
	       same_file(cell->workspace, spec->workspace_fd) &&
	       same_strings(cell->argv, spec->argv) && same_strings(cell->env, spec->env);
}

int cell_assign(struct cell *cell, const struct cell_limits *limits, struct cell_error *ret_error)
{
	/* Padding can only make equal ones look different: then they are written once more. */
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
	bool same = memcmp(&cell->limits, limits, sizeof(*limits)) == 0;
	int result = 0;

	if (!same && !(cell->host->lacking & CELL_LACK_CONTROLLERS))
		result = cgroup_limit(&cell->cgroup, limits, cell->host->disk, ret_error);
	if (result < 0)
		return result;
	cell->limits = *limits;
	return 0;
}
