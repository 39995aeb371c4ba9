/* SPDX-License-Identifier: Apache-2.0 */
/* Executes a plan: mounts, clone, maps, and the wait for exec. The child's half is child.c. */
#ifndef ANCHORHOLD_CELL_SPAWN_H
#define ANCHORHOLD_CELL_SPAWN_H

#include "hostd/cell/host.h"
#include "hostd/cell/kept.h"
#include "hostd/cell/plan.h"

/* Where the child is put; all borrowed. */
struct spawn_place {
	const struct cell_host *host;
	const struct kept *kept;
	int environment; /* O_PATH, in the monitor's own mount namespace */
	int workspace;	 /* the same; -1: none */
	int cgroup;
	uid_t uid;
	bool cookie;   /* the cores' threads are kept apart by project */
	pid_t sibling; /* of the same project; 0: none runs */
	struct egress *egress;
	struct egress_cell *egress_cell; /* NULL: it has no way out */
};

/*
 * PID 1 of the cell, behind all its walls and waiting for the connection file's text through go_fd;
 * the pipe that its exit status comes through; its mount namespace, which is not taken down before
 * that is closed. The caller's.
 */
struct spawned {
	int pidfd, exit_fd, go_fd, mounts;
	pid_t pid;
};

/*
 * Call from home, returns at home. The plan comes with what it describes but without its
 * descriptors (-1, save PLAN_OUTPUT, which stays the caller's); they are made, and closed, here.
 * On failure the child is dead and reaped.
 */
int spawn(const struct spawn_place *place, struct cell_plan *plan, struct spawned *ret_spawned,
	  struct cell_error *ret_error);

#endif
