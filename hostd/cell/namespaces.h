/* SPDX-License-Identifier: Apache-2.0 */
/* The six namespaces a cell is born in, the seventh it enters itself, and its uid map. */
#ifndef ANCHORHOLD_CELL_NAMESPACES_H
#define ANCHORHOLD_CELL_NAMESPACES_H

#include <sys/types.h>

/*
 * clone3 into the cgroup. Returns 0 in the child, its pid (in our namespace) in the parent,
 * with a pidfd that the caller owns; or -errno.
 */
int namespaces_clone(int cgroup, int *ret_pidfd);

/* In the parent, while the child waits, what only the parent may write: uid and gid 1000 inside
 * are `uid` outside and there is no other; and the child's place in line when memory is short. */
int namespaces_map(int proc, pid_t child, uid_t uid);

/*
 * Its mount namespace, held: the kernel takes one down on the last process's way to its end,
 * mount by mount, and tells of that end only then. -1 where it has ended already.
 */
int namespaces_mounts(int proc, pid_t child, int *ret_fd);

/* In the child, once mapped: a cgroup namespace rooted at the cgroup it was born in (made by
 * clone3 it would be rooted at the monitor's), and names that say nothing of the node. */
int namespaces_rest(void);

#endif
