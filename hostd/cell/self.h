/* SPDX-License-Identifier: Apache-2.0 */
/* A cell as its own two files know it: cell.c, its life, and cell_network.c, its network. */
#ifndef ANCHORHOLD_CELL_SELF_H
#define ANCHORHOLD_CELL_SELF_H

#include "hostd/cell/host.h"
#include "hostd/cell/kept.h"
#include "hostd/cell/usage.h"

#define CELL_NO_SLOT CELL_SLOTS_MAX

struct cell {
	struct cell_host *host;
	struct cell *next; /* in the host's list */
	char project[CELL_NAME_MAX];
	unsigned slot;
	struct cgroup cgroup;
	struct kept kept;
	bool has_kept;
	int environment; /* O_PATH */
	int workspace;	 /* O_PATH; -1: none */
	bool workspace_write, workspace_exec;
	struct cell_limits limits;
	enum cell_network network;
	const struct filter *filter; /* the host's */
	char **argv, **env;
	int pidfd, exit_fd; /* of the running incarnation; -1 */
	pid_t pid;	    /* the same, as long as it is not reaped */
	uint64_t oom_kills; /* as the incarnation began */
	struct egress_cell egress;
	struct cell_usage usage; /* of its cgroup as the cell began: not its own */
};

#endif
