/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two files of relay share; nothing else includes it.
 *
 *	relay.c	      its life: set-up, the monitor's orders, the loop
 *	relay_calls.c what its kernel's sockets and its sessions call
 */
#ifndef ANCHORHOLD_HOSTD_RELAY_SELF_H
#define ANCHORHOLD_HOSTD_RELAY_SELF_H

#include <stdbool.h>

#include "hostd/ipc.h"
#include "hostd/loop.h"
#include "hostd/outlog.h"
#include "hostd/relay_kernel.h"
#include "hostd/relay_limits.h"
#include "hostd/relay_stream.h"

struct relay {
	int ipc_fd;
	struct loop *loop;
	void *zmq;
	int exit_code;
	bool set_up;

	uint32_t incarnation;
	struct outlog *log;
	struct relay_stream *stream;
	struct relay_kernel *first;  /* made while the relay waits for its set-up */
	struct relay_kernel *kernel; /* NULL: dead */
	struct relay_kernel *old;    /* the incarnation before, until its last output is in */
	struct relay_limits limits;

	struct loop_timer fence_timer;
	bool died;
	char died_text[LINK_TEXT_MAX]; /* why, for the user; "" */
	bool drained; /* told the monitor */
	struct loop_timer end_timer;

	bool full; /* the log is, and was told */
	struct ipc_message message;
};

/* To the monitor; a failure ends the role. ctx is the relay. */
void relay_report(void *ctx, enum ipc_type type, const void *body);

/* Into the output log; takes message->data. */
void relay_append(struct relay *relay, uint32_t incarnation, enum link_channel channel, uint64_t to,
		  struct message *message);

/* Tells the monitor that its kernel is ready. */
void relay_calls_ready(void *ctx);

/* The node's own word on the kernel's state, into the log. */
void relay_append_status(struct relay *relay, const char *state);

/* Nothing more comes from the incarnation before. */
void relay_old_end(struct relay *relay);

/* Of the running incarnation, of the one before it, of one that has died. */
extern const struct relay_kernel_calls relay_kernel_calls;
extern const struct relay_kernel_calls relay_old_calls;
extern const struct relay_kernel_calls relay_dead_calls;

/* A message of a session for the kernel; ctx is the relay. */
int relay_input(void *ctx, enum link_channel channel, uint64_t session, const uint8_t *blob,
		size_t len);

#endif
