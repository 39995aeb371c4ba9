/* SPDX-License-Identifier: Apache-2.0 */
/* What a kernel has of its project: the workspace, and in strict mode the environment's pages. */
#include <errno.h>
#include <stdio.h>

#include "hostd/cell/util.h"
#include "hostd/log.h"
#include "hostd/monitor.h"

#define WORKSPACE_MIB 1024u
#define WORKSPACE_INODES 65536u

/* A node without them still serves kernels that ask for none. */
void workspaces_start(struct monitor *monitor)
{
	const char *step = "";
	int r;

	monitor->workspaces.dir = -1;
	if (monitor->paths->environments)
		strict_sweep();
	if (!monitor->paths->workspaces)
		return;
	r = workspaces_open(monitor->paths->workspaces, &monitor->workspaces, &step);
	if (r < 0)
		log_error(r, "%s", step);
}

int kernel_environment(struct kernel *kernel, struct cell_spec *spec,
		       struct cell_error *ret_error)
{
	struct monitor *monitor = kernel->monitor;
	const char *step = "";
	int r;

	spec->environment_fd = kernel->environment->root_fd;
	if (!kernel->limits.strict)
		return 0;
	r = strict_take(&monitor->stricts, monitor->paths->environments,
			&kernel->environment->manifest, kernel->project, &kernel->strict, &step);
	if (r < 0)
		return step_fail(ret_error, step, r);
	spec->environment_fd = kernel->strict->root_fd;
	return 0;
}

int kernel_workspace(struct kernel *kernel, struct cell_spec *spec, struct cell_error *ret_error)
{
	const struct link_start *limits = &kernel->limits;
	const struct workspace_quota quota = {
		.bytes = (uint64_t)(limits->workspace_mib ? limits->workspace_mib : WORKSPACE_MIB)
			 << 20,
		.inodes = limits->workspace_inodes ? limits->workspace_inodes : WORKSPACE_INODES,
	};
	const char *step = "";
	int r;

	if (limits->workspace == LINK_WORKSPACE_NONE)
		return 0;
	r = workspace_open(&kernel->monitor->workspaces, kernel->project, &quota,
			   &kernel->workspace, &step);
	if (r < 0)
		return step_fail(ret_error, step, r);
	spec->workspace_fd = kernel->workspace.fd;
	spec->workspace_write = limits->workspace == LINK_WORKSPACE_WRITE;
	spec->workspace_exec = limits->workspace_exec != 0;
	return 0;
}
