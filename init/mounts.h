/* SPDX-License-Identifier: Apache-2.0 */
/* The node's file systems: the kernel's own first, then the disk's. */
#ifndef ANCHORHOLD_INIT_MOUNTS_H
#define ANCHORHOLD_INIT_MOUNTS_H

#include "init/log.h"

/*
 * Mounts proc, sys, dev, run and the cgroup tree. Nothing works without one of them. Returns 0,
 * or -errno with the target that failed in *ret_target.
 */
int mounts_kernel(const char **ret_target);

/*
 * Waits for the disk's partitions, grows the last, mounts /state and /work. Says what is
 * wrong. Returns 0 or -errno.
 */
int mounts_disk(struct log *log);

/* Unmounts the disk's file systems, or makes them read-only where they are busy. */
void mounts_release(struct log *log);

#endif
