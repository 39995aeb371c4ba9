/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that outlive hostd (conf/fdstore.h says how they come and go). The store is hostd's
 * memory of what runs: with it the next hostd goes on with the kernels of the last. It can also be
 * what makes hostd fail; so after FDSTORE_TRIES starts that did not become stable it is emptied,
 * and that hostd begins with nothing.
 */
#ifndef ANCHORHOLD_INIT_FDSTORE_H
#define ANCHORHOLD_INIT_FDSTORE_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/fdstore.h"

#define FDSTORE_TRIES 5u

struct fdstore {
	int socket; /* our end, while a hostd runs; -1 */
	unsigned tries; /* starts since the last that became stable */
	bool stable;	/* the hostd of now has said so */
	size_t count;
	struct fdstore_row rows[FDSTORE_ROWS_MAX];
};

void fdstore_init(struct fdstore *store);

/*
 * For a start: a new pair, and the table of what is kept. Both of *ret_socket and *ret_table are the
 * caller's to close once the child has them; -errno, and there are none. True in *ret_emptied where
 * this was one try too many.
 */
int fdstore_begin(struct fdstore *store, int *ret_socket, int *ret_table, bool *ret_emptied);

/* What has come, without waiting. 0, or -errno of the last that was refused. */
int fdstore_take(struct fdstore *store);

/* hostd has ended: what it sent before is taken, and the pair closed. As fdstore_take. */
int fdstore_end(struct fdstore *store);

/* Closes all that is kept. */
void fdstore_clear(struct fdstore *store);

#endif
