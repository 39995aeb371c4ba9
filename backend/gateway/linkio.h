/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link's sockets: the ROUTER nodes connect to and the ZAP handler that decides who may.
 *
 * libzmq's descriptors are edge-triggered: being readable once, they say no more until
 * everything was taken, and sending may take an edge too. So linkio_run() is called after every
 * turn of the loop, and the sockets themselves are asked last before waiting.
 */
#ifndef ANCHORHOLD_GATEWAY_LINKIO_H
#define ANCHORHOLD_GATEWAY_LINKIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/gateway/fleet.h"
#include "backend/gateway/options.h"
#include "link/curve.h"

struct linkio;
struct refusals;

enum linkio_fd { LINKIO_ROUTER, LINKIO_ZAP, LINKIO_WATCH, LINKIO_FDS };

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
/* To be set when that descriptor told of something. Lives as long as linkio. */
bool *linkio_ready(struct linkio *linkio, enum linkio_fd fd);
int linkio_port(const struct linkio *linkio);

/* Ends connections that got in and said nothing for LINK_SILENT_MS; called often. */
void linkio_sweep(struct linkio *linkio, uint64_t now_ms);

/* Takes what has arrived, at most so much that others get their turn. */
void linkio_run(struct linkio *linkio, struct fleet *fleet);

/* Is there something to take? Asked last before waiting: the descriptors may not tell again. */
bool linkio_waiting(struct linkio *linkio);

#endif
