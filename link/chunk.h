/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting a message (a parts blob) into IN or OUT chunks, joining them again, and the credit
 * that bounds what is under way to a session. No I/O.
 *
 * Order: on one stream (IN: kernel and channel of one sender; OUT: kernel and session) the chunks
 * of a message follow each other without another message's between them. Streams interleave.
 */
#ifndef ANCHORHOLD_LINK_CHUNK_H
#define ANCHORHOLD_LINK_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link/bytes.h"
#include "link/wire.h"

/* ---- memory shared by many streams ---- */

struct link_budget {
	size_t used;
	size_t max;
};

/* -ENOBUFS where it would exceed max; nothing is taken then. */
int link_budget_take(struct link_budget *budget, size_t bytes);
void link_budget_give(struct link_budget *budget, size_t bytes);

/* ---- cutting ---- */

struct link_cut {
	struct link_chunk next; /* all but its data */
	const uint8_t *data;	/* the whole message, borrowed until the cut is done */
};

/*
 * Begins to cut data. head gives kernel_id, incarnation, session, epoch, seq and channel.
 * -EMSGSIZE where len is 0 or over LINK_MESSAGE_MAX.
 */
int link_cut_start(struct link_cut *cut, const struct link_chunk *head, const uint8_t *data,
		   size_t len);

bool link_cut_done(const struct link_cut *cut);

/*
 * The next chunk, of at most limit (credit) and LINK_CHUNK_MAX bytes. -EAGAIN where limit is 0,
 * -ENODATA where the message is done.
 */
int link_cut_next(struct link_cut *cut, size_t limit, struct link_chunk *ret_chunk);

/* ---- joining: one object a stream ---- */

struct link_join;

/* ceiling: bytes of one message (at most LINK_MESSAGE_MAX); budget is borrowed for life. */
int link_join_new(size_t ceiling, struct link_budget *budget, struct link_join **ret_join);
void link_join_free(struct link_join *join);

/*
 * Takes the stream's next chunk. *ret_message has data NULL while the message is incomplete;
 * else it is the whole message, valid until the next call on this join (a message of one chunk
 * is not copied: it then points into the chunk's frame).
 *
 * A chunk of offset 0 begins a message; one that begins while another is in progress, or that
 * does not continue it exactly (kernel, incarnation, session, epoch, channel, seq, total,
 * offset), drops the message in progress and gives -EBADMSG. -EMSGSIZE: total is over the
 * ceiling. -ENOBUFS: the budget is exhausted; -ENOMEM. After an error, later chunks of the same
 * message give -ECANCELED: it was already reported.
 */
int link_join_add(struct link_join *join, const struct link_chunk *chunk,
		  struct link_slice *ret_message);

/* Forgets what is in progress (the connection was lost) and gives memory back. */
void link_join_reset(struct link_join *join);

/* Bytes it holds of the budget. */
size_t link_join_held(const struct link_join *join);

/* ---- credit ---- */

struct link_credit {
	uint32_t left; /* bytes; at most LINK_WINDOW_MAX */
};

/* More was granted. It saturates at LINK_WINDOW_MAX: a peer cannot lift the ceiling. */
void link_credit_grant(struct link_credit *credit, uint64_t bytes);

/* -EAGAIN where less than bytes is left; nothing is taken then. */
int link_credit_take(struct link_credit *credit, size_t bytes);

#endif
