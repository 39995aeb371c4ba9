/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two files of relay_kernel share; nothing else includes it.
 *
 *	relay_kernel.c	   its life: looking for the sockets, proving iopub, the heartbeat
 *	relay_kernel_io.c  messages to and from the sockets
 */
#ifndef ANCHORHOLD_HOSTD_RELAY_KERNEL_SELF_H
#define ANCHORHOLD_HOSTD_RELAY_KERNEL_SELF_H

#include "hostd/relay_kernel.h"
#include "hostd/relay_socket.h"
#include "link/jupyter.h"
#include "link/parts.h"

enum {
	RELAY_SLOTS = JUPYTER_HB + 1, /* sockets by port; 0 is unused */
	RELAY_PORTS = JUPYTER_HB,
};

extern const enum jupyter_port relay_ports[RELAY_PORTS];

struct input {
	struct input *next;
	enum link_channel channel;
	uint64_t session;
	size_t len;
	uint8_t blob[];
};

struct relay_kernel {
	struct relay_kernel_setup setup;
	uint32_t incarnation;
	uint64_t began_ms; /* to look for its sockets */
	struct jupyter_key key;
	void *sockets[RELAY_SLOTS];
	bool awake[RELAY_SLOTS]; /* to be looked at: by port; to ask each for nothing costs */
	void *watch; /* of iopub's connection */
	bool watch_awake;
	bool cut;    /* it was down since it was up */

	bool answered; /* a probe was, on control or shell */
	bool published; /* something came on iopub */
	bool ready;
	bool replaces;
	bool retired;
	unsigned probes;
	char probe_id[MESSAGE_ID_LEN + 1]; /* msg_id of every probe: their outputs stay here */

	char settle_id[MESSAGE_ID_LEN + 1]; /* of the question that comes behind the old relay's */

	unsigned beats_missed;
	uint64_t bad;
	uint64_t too_large;

	struct input *inputs; /* in order of arrival; a channel that is full is passed over */
	size_t inputs_bytes;
	size_t inputs_count;

	struct loop_timer timer; /* look, probe, beat: one after the other */
	struct relay_frames frames;
};

/* Signs and sends at once. -EAGAIN: the mark is reached. */
int relay_kernel_parts(struct relay_kernel *kernel, enum jupyter_port port, uint64_t session,
		       const struct link_parts *parts);

/* Called after each message of a probe; the next is near once one was answered. */
void relay_kernel_prove(struct relay_kernel *kernel);

#endif
