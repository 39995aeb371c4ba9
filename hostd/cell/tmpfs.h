/* SPDX-License-Identifier: Apache-2.0 */
/* Size-limited memory file systems, as detached mounts. */
#ifndef ANCHORHOLD_CELL_TMPFS_H
#define ANCHORHOLD_CELL_TMPFS_H

#include <stdint.h>
#include <sys/types.h>

struct tmpfs_spec {
	uint64_t size; /* bytes */
	unsigned inodes;
	unsigned mode;
	uid_t owner; /* and group, as the caller's user namespace counts */
	unsigned attributes; /* SYS_ATTR_* of the mount */
};

/* A detached mount in *ret_fd. Its pages are charged to the cgroup of whoever fills it. */
int tmpfs_new(const struct tmpfs_spec *spec, int *ret_fd);

/* The inodes that go with a size: one for 16 KiB, at least 1024. They are kernel memory. */
unsigned tmpfs_inodes(uint64_t size);

#endif
