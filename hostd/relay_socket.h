/* SPDX-License-Identifier: Apache-2.0 */
/* The relay's ZeroMQ sockets to its kernel, every ceiling set before they connect. */
#ifndef ANCHORHOLD_HOSTD_RELAY_SOCKET_H
#define ANCHORHOLD_HOSTD_RELAY_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

#include "link/jupyter.h"

#define RELAY_ROUTING_LEN 16u
#define RELAY_HWM 1000
#define RELAY_FRAME_MAX (64 * 1024 * 1024) /* libzmq drops the connection above it */

/* One multipart message as received; frames point into messages. */
struct relay_frames {
	size_t count;
	size_t bytes;
	zmq_msg_t messages[JUPYTER_FRAMES_MAX];
	struct link_slice frames[JUPYTER_FRAMES_MAX];
};

/*
 * A socket of that port, not connected: SUB for iopub, DEALER for the others, with the routing id
 * (shell, control and stdin must have the same: a kernel answers on stdin by shell's).
 */
int relay_socket_new(void *zmq, enum jupyter_port port,
		     const uint8_t routing_id[RELAY_ROUTING_LEN], void **ret_socket);

/* The path of a kernel's socket, relative to the working directory. */
void relay_socket_path(enum jupyter_port port, uint32_t incarnation, char *ret, size_t size);

int relay_socket_connect(void *socket, enum jupyter_port port, uint32_t incarnation);

/*
 * Receives one whole message. -EAGAIN: none; -EMSGSIZE: more frames or bytes than the ceilings,
 * the message is dropped whole (frames->bytes tells how large it was). Clear the frames after use.
 */
int relay_socket_receive(void *socket, struct relay_frames *frames);
void relay_frames_clear(struct relay_frames *frames);

/* Sends all frames as one message, copied. -EAGAIN: the mark is reached, nothing was sent. */
int relay_socket_send(void *socket, const struct link_slice *frames, size_t count);

/* ZMQ_POLLIN and ZMQ_POLLOUT as they are now. */
unsigned relay_socket_events(void *socket);
int relay_socket_fd(void *socket);

#endif
