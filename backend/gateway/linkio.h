/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link's sockets: the ROUTER nodes connect to and the ZAP handler that decides who may.
 *
 * libzmq's descriptors are edge-triggered: being readable once, they say no more until
 * everything was taken. So linkio_run() is called after every turn of the loop, whichever
 * descriptor woke it, and always asks the sockets themselves.
 */
#ifndef ANCHORHOLD_GATEWAY_LINKIO_H
#define ANCHORHOLD_GATEWAY_LINKIO_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/gateway/fleet.h"
#include "backend/gateway/options.h"
#include "link/curve.h"

struct linkio;
struct refusals;

#define LINKIO_FDS 3u

/*
 * Makes the sockets and binds. own is wiped by the caller. On failure a sentence is in
 * ret_error.
 */
int linkio_new(const struct options_address *address, const struct curve_pair *own,
	       struct store *store, struct refusals *refusals, struct linkio **ret_linkio, char *ret_error,
	       size_t error_size);
void linkio_free(struct linkio *linkio);

void *linkio_socket(const struct linkio *linkio);
/* The descriptors to watch: the ROUTER's, the ZAP handler's and the watch's. */
void linkio_fds(const struct linkio *linkio, int ret_fd[LINKIO_FDS]);
int linkio_port(const struct linkio *linkio);

/* Takes what has arrived, at most so much that others get their turn. */
void linkio_run(struct linkio *linkio, struct fleet *fleet);

/* Is there something to take? Asked last before waiting: the descriptors may not tell again. */
bool linkio_waiting(const struct linkio *linkio);

#endif
