/* SPDX-License-Identifier: Apache-2.0 */
/* One multipart ZeroMQ message in memory, of bounded length. */
#ifndef ANCHORHOLD_LUA_FRAMES_H
#define ANCHORHOLD_LUA_FRAMES_H

#include <stddef.h>
#include <zmq.h>

#include "link/jupyter.h"

#define FRAMES_MAX (JUPYTER_FRAMES_MAX + 2u) /* two of our own between the threads */

struct frames {
	size_t count;
	zmq_msg_t part[FRAMES_MAX];
};

/* An empty message; frames_clear() releases what was added and leaves it empty. */
void frames_init(struct frames *frames);
void frames_clear(struct frames *frames);

/* Appends a copy. -EMSGSIZE where it is full, -ENOMEM. */
int frames_add(struct frames *frames, const void *data, size_t len);

/* Moves all parts of `from` from the index on to the end of `to`. -EMSGSIZE leaves both as they were. */
int frames_move(struct frames *to, struct frames *from, size_t index);

struct link_slice frames_get(struct frames *frames, size_t index);

/*
 * Receives one message into an empty frames. -EMSGSIZE where it had more parts than fit (it is
 * read to its end and thrown away), else -errno of zmq; frames is empty after a failure.
 */
int frames_recv(struct frames *frames, void *socket, int flags);

/*
 * Sends and empties. -errno of zmq; after a failure of the first part frames is untouched, so
 * that it can be tried again; libzmq fails at no later part of a message it has begun to take.
 */
int frames_send(struct frames *frames, void *socket, int flags);

#endif
