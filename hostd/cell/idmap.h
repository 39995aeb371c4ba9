/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory of the host's as a mount of the cell's own: what on disk belongs to one fixed
 * owner belongs, through this mount, to the cell's uid, and what the cell makes is the fixed
 * owner's on disk. So no uid of a cell ever stands on a disk.
 */
#ifndef ANCHORHOLD_CELL_IDMAP_H
#define ANCHORHOLD_CELL_IDMAP_H

#include <stdint.h>
#include <sys/types.h>

/* A detached mount of the directory with these SYS_ATTR_*; call from where it is mounted. */
int idmap_new(int directory, uint64_t attributes, int *ret_mount);

/*
 * Maps the mount by the child's user namespace, whose one uid inside is the owner on disk. The
 * child may hold the mount already, but cannot have attached it yet.
 */
int idmap_apply(int mount, int proc, pid_t child);

#endif
