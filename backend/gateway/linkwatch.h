/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libzmq tells of the link's connections only to its socket monitor: those that broke ZMTP or
 * CURVE, before a key was shown or after, with the peer's address where it is our patched libzmq;
 * and those that were accepted, so that who gets in and then says nothing can be ended.
 */
#ifndef ANCHORHOLD_GATEWAY_LINKWATCH_H
#define ANCHORHOLD_GATEWAY_LINKWATCH_H

#include <stdint.h>

#include "link/mark.h"

struct linkwatch;

/* The peer, "an unknown address" where libzmq does not say, and what it did, as a sentence. */
typedef void (*linkwatch_failed)(void *arg, const char *address, const char *what);

/* A peer that said nothing; its connection is being ended. */
typedef void (*linkwatch_silent)(void *arg, const char *address);

/* Watches socket, before it binds. Freed before the socket is closed. 0 or -errno. */
int linkwatch_new(void *zmq, void *socket, linkwatch_failed failed, void *arg,
		  struct linkwatch **ret_watch);
void linkwatch_free(struct linkwatch *watch);

/* The socket to poll for ZMQ_POLLIN; belongs to the watch. */
void *linkwatch_socket(const struct linkwatch *watch);

/* Takes all that waits. */
void linkwatch_run(struct linkwatch *watch, uint64_t now_ms);

/* This connection has said who it is: it may stay. */
void linkwatch_spoke(struct linkwatch *watch, const struct link_mark *mark);

/* Ends those that did not within LINK_SILENT_MS of being accepted. */
void linkwatch_sweep(struct linkwatch *watch, uint64_t now_ms, linkwatch_silent silent, void *arg);

#endif
