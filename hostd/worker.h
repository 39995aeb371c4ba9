/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker, seen from the monitor: one process of our own binary in a role, with a pair for typed
 * messages and a pipe for its log lines. Nothing else of it is trusted or read.
 */
#ifndef ANCHORHOLD_HOSTD_WORKER_H
#define ANCHORHOLD_HOSTD_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "hostd/ipc.h"
#include "hostd/loop.h"

enum worker_role { WORKER_LINK = 1, WORKER_RELAY = 2 };

/* How far a worker has come; requests.def says what it may ask in which. */
enum worker_phase {
	WORKER_OPEN = 1,  /* link: always; relay: its kernel is not ready */
	WORKER_READY = 2, /* relay: its kernel is */
	WORKER_DYING = 4, /* relay: its kernel is gone */
};

#define WORKER_RULES_MAX 16u

struct worker;

struct worker_spec {
	enum worker_role role;
	char who[32];	/* in log lines: "link", "relay 5" */
	uid_t uid;
	int cgroup_fd; /* a directory of the cgroup tree to start in, -1: the monitor's; borrowed */
	int root_fd;   /* becomes IPC_ROOT_FD, -1: none; borrowed */
	int filter_fd; /* becomes IPC_FILTER_FD; borrowed */
	/* A checked message; a negative return ends the worker. */
	int (*message)(void *owner, struct worker *worker, struct ipc_message *message);
	/* It is gone and reaped; the owner frees it, now or later. */
	void (*gone)(void *owner, struct worker *worker);
	void *owner;
};

struct worker {
	struct worker_spec spec;
	enum worker_phase phase;
	struct loop *loop;
	pid_t pid; /* 0: gone */
	bool adopted; /* an earlier monitor's child: init reaps it */
	int pidfd;
	int ipc_fd;
	int log_fd;
	/* Rates of request.c, by row. */
	struct {
		uint64_t second;
		uint32_t count;
	} rates[WORKER_RULES_MAX];
	uint32_t backlog; /* messages beyond a rate that are no fault: of when there was no monitor */
	uint64_t log_second;
	uint32_t log_lines;
	size_t line_len;
	char line[512];
	struct ipc_message *message; /* the receive buffer, the monitor's one; borrowed */
};

/* Starts the process. program is the binary's path. 0 or -errno. */
int worker_new(struct loop *loop, const char *program, const struct worker_spec *spec,
	       struct ipc_message *buffer, struct worker **ret_worker);

/* What the next monitor needs of a worker. All are borrowed. */
#define WORKER_FDS 3
void worker_fds(const struct worker *worker, int ret_fds[WORKER_FDS]);

/*
 * The worker of an earlier monitor behind worker_fds, which are taken. Of a worker that has ended
 * meanwhile gone() tells. root_fd and filter_fd of the spec are not used. 0 or -errno.
 */
int worker_adopt(struct loop *loop, const struct worker_spec *spec, int fds[WORKER_FDS],
		 enum worker_phase phase, struct ipc_message *buffer, struct worker **ret_worker);

/* One message to it. A worker that does not read is ended: its queue is its own ceiling. */
int worker_send(struct worker *worker, enum ipc_type type, const void *body, int fd);

/* Kills it; gone() is called from the loop. */
void worker_end(struct worker *worker, const char *why);

/* After gone(), or before the monitor exits (then it is killed and waited for). NULL is fine. */
void worker_free(struct worker *worker);

#endif
