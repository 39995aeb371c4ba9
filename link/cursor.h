/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequences. Two pure objects, no allocation:
 *
 * struct link_guard, the kernel's side of IN: per (incarnation, epoch, channel) a message is
 * accepted only with exactly the next sequence, so none is carried out twice and none is
 * skipped unnoticed.
 *
 * struct link_cursors, the reading side of a kernel's output log: who is attached, how far each
 * has got, and from which entry on the log must be kept. The log itself is the caller's.
 */
#ifndef ANCHORHOLD_LINK_CURSOR_H
#define ANCHORHOLD_LINK_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link/chunk.h"
#include "link/wire.h"

/* ---- guard of IN ---- */

#define LINK_EPOCHS_MAX 16u /* senders remembered a kernel; the least recently used is evicted */

struct link_guard_epoch {
	uint64_t epoch; /* 0: free row */
	uint64_t used;	/* the guard's clock when it last accepted */
	uint64_t last[LINK_CHANNELS];
};

struct link_guard {
	uint32_t incarnation;
	uint64_t clock;
	struct link_guard_epoch epochs[LINK_EPOCHS_MAX];
};

/* Forgets every epoch: a new incarnation has seen nothing. */
void link_guard_start(struct link_guard *guard, uint32_t incarnation);

/*
 * May the message that begins with this chunk be taken? Called once a message, at offset 0; 0
 * consumes the sequence, whatever becomes of the message afterwards. A sender's first message
 * has sequence 1.
 * -ESTALE: another incarnation. -EALREADY: a duplicate. -ENODATA: a gap. -EINVAL: epoch 0, or
 * not a channel to the kernel (shell, control, stdin).
 */
int link_guard_accept(struct link_guard *guard, const struct link_chunk *chunk);

/* ---- cursors over a log ---- */

#define LINK_SESSIONS_MAX 64u /* sessions attached to one kernel */

/* Sessions whose numbers differ in the highest 16 bits alone are of one client, one after another. */
#define LINK_CLIENT(session) ((session) & UINT64_C(0xffffffffffff))

struct link_cursor {
	uint64_t session;   /* 0: free row */
	uint64_t sent;	    /* passed: sent or not for this session */
	uint64_t delivered; /* the last one really sent */
	uint64_t acked;	    /* the client has everything up to here; <= sent */
	uint64_t lost;	    /* entries dropped before they were sent, not yet told */
	struct link_credit credit;
};

/* Where a session was when it left. It holds the log until it is taken, dropped or expired. */
struct link_place {
	uint64_t session; /* 0: free */
	uint64_t acked;
	uint64_t lost; /* entries dropped since, or before and not yet told */
	uint64_t since; /* the clock when it left, or when somebody came back after that */
	uint64_t moves; /* .moves when it left: those of one loss have the same */
};

struct link_cursors {
	uint64_t first; /* the oldest entry the log still has; end + 1 where it is empty */
	uint64_t end;	/* the newest entry; entries are numbered without gaps */
	uint64_t clock; /* the caller's, of the last link_cursors_expire() */
	uint64_t moves; /* grows where a session attaches or acknowledges */
	bool orphaned;	/* nobody is attached, and a stranger would begin at .orphan */
	uint64_t orphan;
	uint64_t orphan_lost; /* entries dropped since then */
	struct link_cursor row[LINK_SESSIONS_MAX];
	struct link_place place[LINK_SESSIONS_MAX]; /* of sessions that left; the oldest goes */
};

/*
 * An empty log whose first entry gets the number end + 1. A log that was lost and is begun anew
 * starts above every number the old one can have reached, so that an old cursor is seen to be a
 * gap and never taken for another entry.
 */
void link_cursors_start(struct link_cursors *cursors, uint64_t end);

/* The log grew by one: its number. */
uint64_t link_cursors_append(struct link_cursors *cursors);

/*
 * ATTACH. resume 1: goes on after attach.cursor; of a session attached before as of a new one.
 * resume 0: where this session's client left; else where the last one stopped if it left nobody
 * behind, or the slowest of those that left with it; else at the end.
 * *ret_lost is how many entries between that place and the log's first are gone: the reader must
 * be told. -ESTALE: the cursor is beyond the log (it belongs to another). -EEXIST: resume 0 of a
 * session that is attached. -ENOSPC: LINK_SESSIONS_MAX. -EINVAL: session 0.
 */
int link_cursors_attach(struct link_cursors *cursors, const struct link_attach *attach,
			uint64_t *ret_lost);

/* -ENOENT where it is not attached. What it has not acknowledged stays for who comes next. */
int link_cursors_detach(struct link_cursors *cursors, uint64_t session);

/* The stream to all of them is lost. Who comes next as a stranger starts at the slowest. */
void link_cursors_detach_all(struct link_cursors *cursors);

/* The row of a session; NULL where it is not attached. Valid until the next attach or detach. */
struct link_cursor *link_cursors_find(struct link_cursors *cursors, uint64_t session);

/* The next attached row after `after` (NULL: the first), round and round; NULL where none is
 * attached. For serving sessions in turn. */
struct link_cursor *link_cursors_next(struct link_cursors *cursors,
				      const struct link_cursor *after);

/* An entry addressed to `to` (0: to all) is for this reader. What is addressed to a session that
 * is not attached is for everybody, so that a reply whose asker reconnected is not lost. */
bool link_cursors_wants(struct link_cursors *cursors, const struct link_cursor *row, uint64_t to);

/* Entry row->sent + 1 was sent completely (delivered) or is not for this reader. */
void link_cursors_passed(struct link_cursors *cursors, struct link_cursor *row, bool delivered);

/* CURSOR. -ENOENT: not attached; -ERANGE: beyond what was sent. Going back changes nothing. */
int link_cursors_ack(struct link_cursors *cursors, uint64_t session, uint64_t seq);

/*
 * The oldest entry that somebody may still need; everything below may be freed. Nobody attached
 * and nobody expected back: end + 1.
 */
uint64_t link_cursors_needed(const struct link_cursors *cursors);

/* The same for those attached alone: who is away does not hold up those who are here. */
uint64_t link_cursors_needed_here(const struct link_cursors *cursors);

/*
 * Tells the time. Places are forgotten once somebody was attached for `age` without their
 * session coming back; with nobody attached they stay.
 */
void link_cursors_expire(struct link_cursors *cursors, uint64_t now, uint64_t age);

/*
 * Entries below `first` are gone. Where they were still needed, each reader behind is moved on
 * and its .lost grows; the number of readers so hurt is returned. With
 * first = link_cursors_needed() it is 0.
 */
size_t link_cursors_dropped(struct link_cursors *cursors, uint64_t first);

#endif
