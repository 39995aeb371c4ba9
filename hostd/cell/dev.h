/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cell's /dev: a read-only tmpfs of its own, so that no inode is shared with the node or
 * another cell, with nodes that the monitor itself made: there is no source to be checked.
 */
#ifndef ANCHORHOLD_CELL_DEV_H
#define ANCHORHOLD_CELL_DEV_H

#include <stdint.h>

/* In the monitor: the tmpfs with nodes, links, and mount points for pts and shm. */
int dev_new(int *ret_fd);

/* Its null, proven to be that device: a write-only drain must not turn out to be a file. */
int dev_open_null(int dev);

/* In the child, with `dev` attached: its own devpts, and memory for shm. */
int dev_mount(int dev, uint64_t shm_bytes);

#endif
