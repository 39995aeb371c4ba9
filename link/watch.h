/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of a node's connection, from libzmq's socket monitor. Without it a refused key is
 * nothing but silence. Polled in the owner's loop.
 */
#ifndef ANCHORHOLD_LINK_WATCH_H
#define ANCHORHOLD_LINK_WATCH_H

enum link_watch_event {
	LINK_WATCH_NONE = 0,	 /* nothing new */
	LINK_WATCH_UP,		 /* the handshake succeeded: say HELLO */
	LINK_WATCH_DOWN,	 /* a connection that was up is gone; libzmq redials, unless the
				    peer broke its protocol */
	LINK_WATCH_UNREACHABLE,	 /* connecting failed; libzmq tries again */
	LINK_WATCH_REFUSED,	 /* the gateway refused our key */
	LINK_WATCH_WRONG_SERVER, /* the handshake failed otherwise: most likely it holds another
				    key than ours for it; time to try the next pinned one */
};

struct link_watch;

/* Watches socket, before it connects. The watch is freed before the socket is closed. */
int link_watch_new(void *ctx, void *socket, struct link_watch **ret_watch);
void link_watch_free(struct link_watch *watch);

/* The socket to poll for ZMQ_POLLIN; belongs to the watch. */
void *link_watch_socket(const struct link_watch *watch);

/* The next event; LINK_WATCH_NONE where there is none. Never blocks. */
enum link_watch_event link_watch_next(struct link_watch *watch);

#endif
