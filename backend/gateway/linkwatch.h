/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handshakes that failed before a key was ever shown: libzmq ends such a connection and says so
 * only to its socket monitor, with neither a name nor an address. The address is the one the
 * descriptor had when it was accepted; where the connection may have ended before that was looked
 * at, and another taken its number, it is not told.
 */
#ifndef ANCHORHOLD_GATEWAY_LINKWATCH_H
#define ANCHORHOLD_GATEWAY_LINKWATCH_H

struct linkwatch;

/* The peer, "an unknown address" where that is not certain, and what it did, as a sentence. */
typedef void (*linkwatch_failed)(void *arg, const char *address, const char *what);

/* Watches socket, before it binds. Freed before the socket is closed. 0 or -errno. */
int linkwatch_new(void *zmq, void *socket, linkwatch_failed failed, void *arg,
		  struct linkwatch **ret_watch);
void linkwatch_free(struct linkwatch *watch);

/* The socket to poll for ZMQ_POLLIN; belongs to the watch. */
void *linkwatch_socket(const struct linkwatch *watch);

/* Takes all that waits. */
void linkwatch_run(struct linkwatch *watch);

#endif
