/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ANCHORHOLD_INIT_SPAWN_H
#define ANCHORHOLD_INIT_SPAWN_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "init/root.h"

struct spawn_limit {
	int resource;
	rlim_t value; /* soft and hard */
};

struct spawn {
	const char *const *argv; /* argv[0] is the program's path */
	const char *const *envp;
	const char *cgroup;		  /* folder below /sys/fs/cgroup */
	int output;			  /* descriptor for 1 and 2; -1: /dev/null. 0 is /dev/null */
	const int *keep;		  /* further descriptors it has, by their numbers */
	size_t keep_count;
	const struct spawn_limit *limits; /* ended by resource -1; NULL: as they are */
	uid_t uid;			  /* 0: stays root with all it has */
	uint64_t capabilities;		  /* of a uid other than 0: these alone, and no way to more */
	/*
	 * All that it sees of the node, in pid, mount, ipc, uts and cgroup namespaces of its own;
	 * NULL: it shares the node's. argv[0] is a path in there.
	 */
	const struct root_row *root;
	const struct sock_filter *calls; /* of a uid other than 0: the kernel's list; NULL: any */
	size_t calls_count;
};

/*
 * Starts a process in its cgroup, in a session of its own, with no descriptor but 0, 1, 2 and those it is to keep.
 * Returns its pid, or -errno. A child that cannot become what was asked for exits with 126
 * before it runs anything.
 */
pid_t spawn_start(const struct spawn *spawn);

/* As spawn_start, but no program is run: returns in the child, too, with 0. */
pid_t spawn_fork(const struct spawn *spawn);

#endif
