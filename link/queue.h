/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interleaving queue: messages for many kernels that share one connection.
 *
 * Kernels take turns, one chunk a turn, so a large message for one delays no other. Within a
 * kernel control goes before stdin, stdin before shell, shell before iopub; within a channel
 * messages go in the order they came. Bytes and messages have ceilings, a kernel's and overall,
 * so that one kernel cannot fill it for the others. No I/O.
 */
#ifndef ANCHORHOLD_LINK_QUEUE_H
#define ANCHORHOLD_LINK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link/wire.h"

struct link_queue;

struct link_queue_limits {
	size_t bytes;		/* overall */
	size_t kernel_bytes;	/* of one kernel */
	size_t kernel_messages; /* of one kernel */
};

int link_queue_new(const struct link_queue_limits *limits, struct link_queue **ret_queue);
void link_queue_free(struct link_queue *queue);

/*
 * Copies a whole message. head as in link_cut_start(). -ENOBUFS over a ceiling (nothing is
 * queued), -EMSGSIZE as in link_cut_start(), -EINVAL for an unknown channel, -ENOMEM.
 */
int link_queue_push(struct link_queue *queue, const struct link_chunk *head, const uint8_t *data,
		    size_t len);

/*
 * The next chunk to send, or -ENODATA. It stays the next one until link_queue_pop(): a send that
 * would block is tried again with the same chunk. Its data lives until link_queue_pop() or
 * link_queue_drop().
 */
int link_queue_peek(struct link_queue *queue, struct link_chunk *ret_chunk);

/* The chunk of the last link_queue_peek() was sent. */
void link_queue_pop(struct link_queue *queue);

/* Drops everything for one kernel, a message half sent included; NULL: everything. */
void link_queue_drop(struct link_queue *queue, const uint8_t kernel_id[LINK_ID_LEN]);

size_t link_queue_bytes(const struct link_queue *queue);

#endif
