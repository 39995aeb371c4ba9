/* SPDX-License-Identifier: Apache-2.0 */
/* A cell as its own files know it: cell.c, its life; cell_network.c, its network; cell_ahead.c. */
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
	struct usage_files usage; /* of the cgroup's */
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
	int mounts; /* its mount namespace, until the end was told; then that is taken down; -1 */
	pid_t pid;  /* the same, as long as it is not reaped */
	int go_fd; /* the connection file is waited for through it; -1: it came, or none runs */
	uint64_t oom_kills; /* as the incarnation began */
	struct egress_cell egress;
	struct cell_error left; /* the first step of its end that failed */
};

/*
 * Makes the incarnation's PID 1, which then waits. output_fd as in struct cell_connection.
 */
int cell_launch(struct cell *cell, uint32_t incarnation, int output_fd,
		struct cell_error *ret_error);

/* In the host's list, with nothing in it; NULL without memory. */
struct cell *cell_alloc(struct cell_host *host);

/* Closes and frees what this process has of it; the cell itself stays. */
void cell_forget(struct cell *cell);

int cell_copy_spec(struct cell *cell, const struct cell_spec *spec);

/* Kills what runs in it and waits, bounded: -EBUSY where that was not enough. */
int cell_stop(struct cell *cell);

#endif
