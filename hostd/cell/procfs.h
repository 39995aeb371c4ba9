/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cell's /proc: new, read-only, other uids' processes invisible, and of what is not a
 * process only what a table names with its reason. The rest is covered by stand-ins that
 * nobody in a cell may open; /proc/sys by a small tree of copied values.
 */
#ifndef ANCHORHOLD_CELL_PROCFS_H
#define ANCHORHOLD_CELL_PROCFS_H

#include <stdbool.h>
#include <stddef.h>

#define PROCFS_MASKS_MAX 96u
#define PROCFS_NAME_MAX 48u

/* The names below this kernel's /proc that a cell must not see. */
struct procfs_masks {
	size_t count;
	struct procfs_mask {
		char name[PROCFS_NAME_MAX];
		bool directory;
	} mask[PROCFS_MASKS_MAX];
};

/* Lists `proc`; -E2BIG where a ceiling does not do: then no cell is built. */
int procfs_masks_init(struct procfs_masks *masks, int proc);

/* Fills the nursery's root: /proc itself (only next to a fully visible one may a user
 * namespace mount another), the stand-ins, the copied sysctls. Then makes it read-only. */
int procfs_nursery_fill(int root);

/* In the cell's child, in its copy of the nursery: mounts a new procfs on `proc` below
 * `root` and covers what the masks name. */
int procfs_mount(int root, const struct procfs_masks *masks);

#endif
