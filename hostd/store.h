/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostd's side of the descriptors that init keeps for it (conf/fdstore.h): what this hostd puts
 * there the next one has, if this one is killed.
 */
#ifndef ANCHORHOLD_HOSTD_STORE_H
#define ANCHORHOLD_HOSTD_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "conf/fdstore.h"

struct store {
	int socket; /* -1: nobody keeps anything */
	size_t count; /* of the rows that the last hostd left, and nobody took yet */
	struct fdstore_row rows[FDSTORE_ROWS_MAX];
};

/*
 * What init gave this process, by the environment variable's text (NULL: nothing, which is no
 * error). -errno where that is not what init gives: nothing is then kept, nor left open of it.
 */
int store_open(struct store *store, const char *where);

/* Gives up both what was left and the socket; init keeps what it has. */
void store_close(struct store *store);

/*
 * Takes what was left under this name: `count` descriptors, the caller's from now on. -ENOENT; or
 * -EBADMSG where it is another number of them, which are then closed. The name stays in use at init.
 */
int store_take(struct store *store, const char *name, int *ret_fds, size_t count);

/* What was left and nobody took is closed, here and there. */
void store_settle(struct store *store);

/* Borrow the descriptors. 0 or -errno; 0 where nobody keeps anything. */
int store_put(struct store *store, const char *name, const int *fds, size_t count);
int store_drop(struct store *store, const char *name);
int store_stable(struct store *store);

#endif
