/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one bounded output log of a kernel: its messages, numbered without gaps, and for each
 * attached session how far it has got (link/cursor.h). Serves the sessions in turn, a chunk a
 * turn, as far as their credit goes. No I/O.
 *
 * Room is made by readers' acknowledgements. With a reader attached a full log takes nothing more
 * (the caller stops reading the kernel, which waits); with none attached the oldest messages go,
 * and who comes next is told how many by a message on stderr in their place. A reader that left
 * has its place kept, but those who are there do not wait for it: what only it lacks goes first.
 */
#ifndef ANCHORHOLD_HOSTD_OUTLOG_H
#define ANCHORHOLD_HOSTD_OUTLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hostd/message.h"
#include "link/cursor.h"
#include "link/wire.h"

#define OUTLOG_BYTES_MAX (32u * 1024u * 1024u)
#define OUTLOG_ENTRY_COST 128u /* what an entry counts beside its bytes */
#define OUTLOG_AWAY_MS 60000u  /* others being there, a reader's place is kept so long */

/*
 * A later relay's log numbers above all that an earlier one can have used: a reader that comes
 * with an earlier number is told that the log between was lost with its relay.
 */
#define OUTLOG_GENERATION_SHIFT 40u

struct outlog;

/* The first message gets the number base + 1. bytes_max is more than LINK_MESSAGE_MAX. */
int outlog_new(const uint8_t kernel_id[LINK_ID_LEN], size_t bytes_max, uint64_t base,
	       struct outlog **ret_log);
void outlog_free(struct outlog *log);

/*
 * One more message of any size fits under the ceiling. With may_drop this makes room by dropping
 * what no attached reader needs. *ret_dropped (may be NULL) is how many messages went.
 */
bool outlog_room(struct outlog *log, bool may_drop, uint64_t *ret_dropped);

/*
 * Appends; to is the session it answers, 0 for all. Takes message->data and sets it NULL.
 * -ENOBUFS where there is no room, -EMSGSIZE over LINK_MESSAGE_MAX or empty, -ENOMEM.
 */
int outlog_append(struct outlog *log, uint32_t incarnation, enum link_channel channel, uint64_t to,
		  struct message *message);

/* As in link/cursor.h; a session that attaches again begins with a whole message. */
int outlog_attach(struct outlog *log, const struct link_attach *attach);
int outlog_detach(struct outlog *log, uint64_t session);
int outlog_credit(struct outlog *log, uint64_t session, uint64_t bytes);
int outlog_ack(struct outlog *log, uint64_t session, uint64_t seq);
bool outlog_attached(struct outlog *log, uint64_t session);

/* Tells the time, by which places of readers that do not come back are given up. */
void outlog_expire(struct outlog *log, uint64_t now_ms);

/* The stream to the sessions is a new one: what was sent half is sent again from its start when
 * they attach again, and nothing is sent before. */
void outlog_detach_all(struct outlog *log);

/*
 * The next chunk to send and its session. -EAGAIN: nothing to send, or no credit. It stays the
 * next until outlog_sent(); its data lives until the next call of any other function.
 */
int outlog_next(struct outlog *log, struct link_chunk *ret_chunk);
void outlog_sent(struct outlog *log);

/* Every attached reader was sent everything. */
bool outlog_all_sent(struct outlog *log);

/*
 * Every attached reader has acknowledged everything, and so had those that left in the last
 * OUTLOG_AWAY_MS: one whose gateway died is about to come back.
 */
bool outlog_all_acked(struct outlog *log);

size_t outlog_bytes(const struct outlog *log);
uint64_t outlog_end(const struct outlog *log);

#endif
