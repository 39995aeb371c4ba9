/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ZAP handler: who may connect, decided by key. It is polled in its owner's loop, in the
 * same context as the sockets it guards, and must be made before they bind.
 *
 * Fail closed: a socket made by socket.h enforces its ZAP domain, so that without a handler, or
 * with one whose loop has stopped, no handshake ever completes.
 */
#ifndef ANCHORHOLD_LINK_ZAP_H
#define ANCHORHOLD_LINK_ZAP_H

#include <stdbool.h>

#include "link/curve.h"
#include "link/wire.h"

struct link_zap;

#define LINK_ZAP_KEY "Anchorhold-Key"	    /* metadata of each frame: its key's fingerprint, */
#define LINK_ZAP_STAMP "Anchorhold-Stamp" /* and the stamp, in decimal */

struct link_zap_peer {
	char user[LINK_NAME_MAX]; /* an identifier: the User-Id of every frame of the connection */
	uint64_t stamp;		  /* a number of the caller's, which those frames carry too */
};

/*
 * Is this key let in, and as whom? True fills *ret_peer, which was zeros. address is the peer's IP
 * address as text, for the caller's log. Must not block.
 */
typedef bool (*link_zap_lookup)(void *arg, const struct curve_key *key, const char *address,
				struct link_zap_peer *ret_peer);

/* A published or weak key (curve_key_check()) was shown, and refused without a lookup. */
typedef void (*link_zap_weak)(void *arg, const struct curve_key *key, const char *address);

/* weak may be NULL. -EADDRINUSE where the context has a handler already. */
int link_zap_new(void *ctx, link_zap_lookup lookup, link_zap_weak weak, void *arg,
		 struct link_zap **ret_zap);
void link_zap_free(struct link_zap *zap);

/* The socket to poll for ZMQ_POLLIN; belongs to the handler. */
void *link_zap_socket(const struct link_zap *zap);

/*
 * Answers waiting requests, at most 64 a call. Malformed ones are answered 500, another version,
 * domain or mechanism and keys the lookup does not know 400. Never blocks; 0, or a negative errno
 * where the handler's socket itself failed.
 */
int link_zap_run(struct link_zap *zap);

#endif
