/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's five sockets, seen from its relay; one object an incarnation.
 *
 * The sockets lie in the working directory as kINC-1..kINC-5, made by the kernel: everything
 * behind them is hostile. Messages from it are verified, checked against the ceilings and handed
 * on as parts blobs; what fails is counted and dropped. Messages for it are signed here, and held
 * until iopub is proven: a subscription that is not yet in place loses output without a word.
 */
#ifndef ANCHORHOLD_HOSTD_RELAY_KERNEL_H
#define ANCHORHOLD_HOSTD_RELAY_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hostd/ipc.h"
#include "hostd/loop.h"
#include "hostd/message.h"
#include "link/wire.h"

#define RELAY_INPUT_MAX (LINK_MESSAGE_MAX + 4u * 1024u * 1024u) /* bytes that wait for the kernel */
#define RELAY_INPUTS_MAX 1024u				       /* messages that do */

struct relay_kernel;

struct relay_kernel_calls {
	/* May a message from the kernel be taken now? Asked before each that waits is read. */
	bool (*room)(void *ctx);
	/* One was read, valid or not. */
	void (*passed)(void *ctx, size_t bytes);
	/* One message; to is the session it answers or 0. Takes message->data. */
	void (*message)(void *ctx, enum link_channel channel, uint64_t to, struct message *message);
	void (*ready)(void *ctx);
	/* Of a relay that replaces another: what that one had sent on shell has been carried out. */
	void (*settled)(void *ctx);
	void (*event)(void *ctx, enum ipc_relay_event_kind kind, uint64_t count);
};

struct relay_kernel_setup {
	void *zmq;	   /* a context; borrowed for life */
	struct loop *loop; /* borrowed for life */
	const struct relay_kernel_calls *calls;
	void *ctx;
};

/* Opens its ends of the five sockets; it can be done before there is a kernel. */
int relay_kernel_new(const struct relay_kernel_setup *setup, struct relay_kernel **ret_kernel);

/*
 * Once: from now on it looks for the kernel's. key: IPC_HMAC_LEN hex digits, copied. replaces: another
 * relay spoke with this incarnation before.
 */
void relay_kernel_begin(struct relay_kernel *kernel, uint32_t incarnation, const char *key,
			bool replaces);

/* Closes the sockets at once and wipes the key; nothing of this incarnation comes afterwards. */
void relay_kernel_free(struct relay_kernel *kernel);

/*
 * A message from a session, as a parts blob, which is copied. -EBADMSG or -EMSGSIZE where it is
 * none, -EINVAL for iopub, -ENOBUFS where too much waits for the kernel.
 */
int relay_kernel_send(struct relay_kernel *kernel, enum link_channel channel, uint64_t session,
		      const uint8_t *blob, size_t len);

/* A request of the relay's own on control, not held: shutdown_request, interrupt_request. */
int relay_kernel_order(struct relay_kernel *kernel, const char *type, const char *content);

/*
 * Its process is gone: what its sockets still hold goes to these calls (ctx stays), nothing is
 * sent or probed any more.
 */
void relay_kernel_retire(struct relay_kernel *kernel, const struct relay_kernel_calls *calls);

/* Moves what can be moved; true where another call would move more at once. */
bool relay_kernel_pump(struct relay_kernel *kernel);

bool relay_kernel_ready(const struct relay_kernel *kernel);

#endif
