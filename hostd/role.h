/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dropping to a role: what a worker gives up, once, before it reads its first byte.
 *
 * The order is argued in role.c. Every step that fails ends the process: privileges half dropped
 * cannot be restored, and a worker with more than it needs must not run.
 */
#ifndef ANCHORHOLD_HOSTD_ROLE_H
#define ANCHORHOLD_HOSTD_ROLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ROLE_LINK_UID 901u
#define ROLE_RELAY_UID_FIRST 20000u
#define ROLE_RELAY_UID_LAST 24095u

/* One row of a seccomp allow-list; with a mask, only calls whose argument fits are allowed. */
struct role_rule {
	const char *syscall;
	const char *why;
	bool nothing; /* answered as if it were done, without being done */
	unsigned arg; /* of mask and value */
	uint64_t mask; /* 0: any arguments */
	uint64_t value;
};

struct role_policy {
	const struct role_rule *rules;
	size_t count;
};

struct role_spec {
	const char *name;
	uid_t uid; /* and gid */
	bool has_root; /* IPC_ROOT_FD becomes the root; else an empty one is made */
	bool keep_network;
	unsigned fds_max;
	unsigned threads_max;
};

/*
 * Takes IPC_FD, IPC_FILTER_FD (and IPC_ROOT_FD) as inherited, gives up everything else. Afterwards the working
 * directory is the role's root. Does not return where a step fails.
 */
void role_enter(const struct role_spec *spec);

/* The policy as a sealed memfd, the caller's, for any number of workers; or -errno. */
int role_filter_compile(const struct role_policy *policy);

/* For this process and all its threads to come. no_new_privs must be set. */
int role_filter_load(int fd);

extern const struct role_policy role_policy_link;
extern const struct role_policy role_policy_relay;

#endif
