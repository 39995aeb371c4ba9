/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mounts that a cell keeps over restarts. They hang in the keeper namespace under the
 * slot's number, since only an attached mount can be cloned, and each spawn gets clones.
 */
#ifndef ANCHORHOLD_CELL_KEPT_H
#define ANCHORHOLD_CELL_KEPT_H

#include "hostd/cell/mountns.h"

#include <stdbool.h>
#include <stdint.h>

enum kept_mount { KEPT_DEV, KEPT_TMP, KEPT_HOME, KEPT_SOCKETS, KEPT_MOUNTS };

struct kept {
	int mount[KEPT_MOUNTS]; /* -1: not made */
	unsigned slot;
};

#define KEPT_NONE {-1, -1, -1, -1}

/* The descriptors alone. */
void kept_close(struct kept *kept);

/* Call from home, return at home. A failure leaves nothing. */
int kept_new(const struct mountns *ns, unsigned slot, uint64_t tmpfs_bytes, struct kept *ret_kept);

/* Those that an earlier monitor made for the slot; all of them are there, or -errno. */
int kept_adopt(const struct mountns *ns, unsigned slot, struct kept *ret_kept);

/* Unmounts those of every slot that is not `known`. Call from home, return at home. */
int kept_settle(const struct mountns *ns, bool (*known)(void *ctx, unsigned slot), void *ctx);

/*
 * Unmounts. -EBUSY where one is still in use after that time: then all of them are there, and this
 * can be called again. A process that was just cloned has copies of our descriptors until its exec.
 */
int kept_free(const struct mountns *ns, struct kept *kept, unsigned timeout_ms);

/* Takes them out of the keeper all the same; what is in use lives on. */
void kept_detach(const struct mountns *ns, struct kept *kept);

/* A detached clone in *ret_fd. Call from inside the keeper. */
int kept_clone(const struct kept *kept, enum kept_mount which, int *ret_fd);

#endif
