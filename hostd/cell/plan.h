/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The description that one spawn executes: everything the child will need, made and checked by
 * the parent. The child only carries it out, and changes nothing but its own descriptors' numbers.
 */
#ifndef ANCHORHOLD_CELL_PLAN_H
#define ANCHORHOLD_CELL_PLAN_H

#include "hostd/cell/cell.h"

struct procfs_masks;
struct filter;
struct egress_policy;
struct trace;

enum plan_fd {
	PLAN_EXIT,	  /* cell-init writes the main child's status here */
	PLAN_GO,	  /* the connection file's text comes here; then cell-init goes on */
	PLAN_FILE,	  /* made by the child: the empty connection file */
	PLAN_CHANNEL,	  /* one end of a SEQPACKET pair: 'mapped' in, a failed step out */
	PLAN_ENVIRONMENT, /* the rest: detached mounts */
	PLAN_DEV,
	PLAN_TMP,
	PLAN_HOME,
	PLAN_SOCKETS,
	PLAN_WORKSPACE, /* -1: none */
	PLAN_OUTPUT, /* stdout and stderr, or -1 */
	PLAN_FDS
};

struct cell_plan {
	int fd[PLAN_FDS];
	unsigned lacking; /* enum cell_lack */
	struct trace *trace;
	enum cell_network network;
	bool workspace_write, workspace_exec;
	uint64_t shm_bytes;
	uint32_t pids_max;
	uint32_t incarnation;
	const struct egress_policy *resolvers; /* NULL: none */
	const struct procfs_masks *masks;
	const struct filter *filter;
	const char *const *argv; /* the kernel's */
	const char *const *env;
};

/*
 * Carries the plan out in a process fresh from clone3 and ends in exec, or sends the failed
 * step through PLAN_CHANNEL and exits: privileges half dropped cannot be restored.
 */
_Noreturn void child_run(struct cell_plan *plan);

/* What goes through PLAN_CHANNEL. */
#define PLAN_MAPPED 'm'

#endif
