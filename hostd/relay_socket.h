/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay's ZeroMQ sockets to its kernel, every ceiling set before they connect.
 *
 * What libzmq may hold is messages x frame size: a kernel that sends nothing but huge messages
 * to readers that do not read fills its relay's memory.max and loses its relay, as it would lose
 * its own process at its own limit. A kernel of ordinary habits is stopped by the marks long
 * before.
 */
#ifndef ANCHORHOLD_HOSTD_RELAY_SOCKET_H
#define ANCHORHOLD_HOSTD_RELAY_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

#include "link/jupyter.h"

#define RELAY_ROUTING_LEN 16u
#define RELAY_RCVHWM 16
#define RELAY_SNDHWM 64
#define RELAY_FRAME_MAX (32 * 1024 * 1024) /* libzmq drops the connection above it */

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

/*
 * A PAIR that tells of the socket's connection; made before it connects, closed (zmq_close) before
 * the socket is.
 */
int relay_watch_new(void *zmq, void *socket, void **ret_watch);

enum relay_watch { RELAY_WATCH_NONE, RELAY_WATCH_UP, RELAY_WATCH_DOWN };

/* The next event; never blocks. */
enum relay_watch relay_watch_next(void *watch);

/* ZMQ_POLLIN and ZMQ_POLLOUT as they are now. */
unsigned relay_socket_events(void *socket);
int relay_socket_fd(void *socket);

#endif
