/* SPDX-License-Identifier: Apache-2.0 */
/* Requests taken off shell when a cell failed, to be answered as aborted one after the other. */
#ifndef ANCHORHOLD_LUA_WAITING_H
#define ANCHORHOLD_LUA_WAITING_H

#include <stdbool.h>

#include "environments/lua/frames.h"

#define WAITING_MAX 256u /* what waits beyond that is not aborted */

struct waiting {
	struct frames *list; /* NULL where there are none */
	size_t at;
	size_t count;
};

/* Takes what waits at the socket. Without memory nothing is taken, and so not aborted. */
void waiting_take(struct waiting *waiting, void *socket);

/* The next one into an empty frames; false: none are left. */
bool waiting_next(struct waiting *waiting, struct frames *ret_frames);

void waiting_clear(struct waiting *waiting);

#endif
