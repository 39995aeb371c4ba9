/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors over a log. The invariants, tested after every random operation:
 *	first <= end + 1
 *	first - 1 <= acked <= sent <= end and delivered <= sent, for each attached row
 *	first - 1 <= orphan <= end, where orphaned; and then no row is attached
 *	first - 1 <= acked <= end for each place; a client has at most one
 */
#include "link/cursor.h"

#include <errno.h>
#include <string.h>

void link_cursors_start(struct link_cursors *cursors, uint64_t end)
{
	memset(cursors, 0, sizeof(*cursors));
	cursors->first = end + 1;
	cursors->end = end;
}

uint64_t link_cursors_append(struct link_cursors *cursors)
{
	return ++cursors->end;
}

/* ---- sessions ---- */

struct link_cursor *link_cursors_find(struct link_cursors *cursors, uint64_t session)
{
	for (size_t i = 0; i < LINK_SESSIONS_MAX && session != 0; i++)
		if (cursors->row[i].session == session)
			return &cursors->row[i];
	return NULL;
}

struct link_cursor *link_cursors_next(struct link_cursors *cursors, const struct link_cursor *after)
{
	size_t from = after == NULL ? 0 : (size_t)(after - cursors->row) + 1;

	for (size_t i = 0; i < LINK_SESSIONS_MAX; i++) {
		struct link_cursor *row = &cursors->row[(from + i) % LINK_SESSIONS_MAX];

		if (row->session != 0)
			return row;
	}
	return NULL;
}

static struct link_cursor *free_row(struct link_cursors *cursors)
{
	for (size_t i = 0; i < LINK_SESSIONS_MAX; i++)
		if (cursors->row[i].session == 0)
			return &cursors->row[i];
	return NULL;
}

static struct link_place *place_find(struct link_cursors *cursors, uint64_t session)
{
	for (size_t i = 0; i < LINK_SESSIONS_MAX && session != 0; i++)
		if (cursors->place[i].session != 0 &&
		    LINK_CLIENT(cursors->place[i].session) == LINK_CLIENT(session))
			return &cursors->place[i];
	return NULL;
}

/* Where a session without a cursor of its own begins: see the orphan rule in cursor.h. */
static uint64_t start_of_new(struct link_cursors *cursors, uint64_t session, uint64_t *ret_lost)
{
	const struct link_place *place = place_find(cursors, session);

	if (place != NULL) {
		*ret_lost = place->lost;
		return place->acked;
	}
	if (!cursors->orphaned)
		return cursors->end;
	*ret_lost = cursors->orphan_lost;
	return cursors->orphan;
}

/* Somebody is here: his own place is taken, the others' time begins if he is the first. */
static void places_came(struct link_cursors *cursors, uint64_t session, bool first)
{
	struct link_place *place = place_find(cursors, session);

	if (place != NULL)
		*place = (struct link_place){0};
	for (size_t i = 0; i < LINK_SESSIONS_MAX && first; i++)
		cursors->place[i].since = cursors->clock;
}

int link_cursors_attach(struct link_cursors *cursors, const struct link_attach *attach,
			uint64_t *ret_lost)
{
	const bool first = link_cursors_next(cursors, NULL) == NULL;
	struct link_cursor *row = link_cursors_find(cursors, attach->session);
	uint64_t at, lost = 0;

	if (attach->session == 0)
		return -EINVAL;
	if (attach->resume != 0 && attach->cursor > cursors->end)
		return -ESTALE;
	if (attach->resume == 0 && row != NULL)
		return -EEXIST;
	if (row == NULL)
		row = free_row(cursors);
	if (row == NULL)
		return -ENOSPC;
	at = attach->resume != 0 ? attach->cursor
				 : start_of_new(cursors, attach->session, &lost);
	if (at + 1 < cursors->first) {
		lost = cursors->first - 1 - at;
		at = cursors->first - 1;
	}
	*row = (struct link_cursor){.session = attach->session, .sent = at, .delivered = at,
				    .acked = at};
	link_credit_grant(&row->credit, attach->credit);
	places_came(cursors, attach->session, first);
	cursors->orphaned = false;
	cursors->moves++;
	*ret_lost = lost;
	return 0;
}

/* A client has one place: where it was last. */
static struct link_place *place_for(struct link_cursors *cursors, uint64_t session)
{
	struct link_place *oldest = &cursors->place[0];
	struct link_place *own = place_find(cursors, session);

	if (own != NULL)
		return own;
	for (size_t i = 0; i < LINK_SESSIONS_MAX; i++) {
		struct link_place *place = &cursors->place[i];

		if (place->session == 0)
			return place;
		if (place->moves < oldest->moves)
			oldest = place;
	}
	return oldest;
}

/*
 * Nobody is attached any more. Sessions that left with nothing acknowledged between them were
 * lost together, as with a gateway: a stranger begins where the slowest of them was.
 */
static void orphan(struct link_cursors *cursors)
{
	cursors->orphaned = true;
	cursors->orphan = UINT64_MAX;
	for (size_t i = 0; i < LINK_SESSIONS_MAX; i++) {
		const struct link_place *place = &cursors->place[i];

		if (place->session == 0 || place->moves != cursors->moves ||
		    place->acked >= cursors->orphan)
			continue;
		cursors->orphan = place->acked;
		cursors->orphan_lost = place->lost;
	}
}

static void leave(struct link_cursors *cursors, struct link_cursor *row)
{
	*place_for(cursors, row->session) = (struct link_place){
		.session = row->session,
		.acked = row->acked,
		.lost = row->lost,
		.since = cursors->clock,
		.moves = cursors->moves,
	};
	*row = (struct link_cursor){0};
	if (link_cursors_next(cursors, NULL) == NULL)
		orphan(cursors);
}

int link_cursors_detach(struct link_cursors *cursors, uint64_t session)
{
	struct link_cursor *row = link_cursors_find(cursors, session);

	if (row == NULL)
		return -ENOENT;
	leave(cursors, row);
	return 0;
}

void link_cursors_detach_all(struct link_cursors *cursors)
{
	for (size_t i = 0; i < LINK_SESSIONS_MAX; i++)
		if (cursors->row[i].session != 0)
			leave(cursors, &cursors->row[i]);
}

void link_cursors_expire(struct link_cursors *cursors, uint64_t now, uint64_t age)
{
	cursors->clock = now;
	if (link_cursors_next(cursors, NULL) == NULL)
		return;
	for (size_t i = 0; i < LINK_SESSIONS_MAX; i++)
		if (cursors->place[i].session != 0 && now - cursors->place[i].since >= age)
			cursors->place[i] = (struct link_place){0};
}

/* ---- reading ---- */

bool link_cursors_wants(struct link_cursors *cursors, const struct link_cursor *row, uint64_t to)
{
	return to == 0 || to == row->session || link_cursors_find(cursors, to) == NULL;
}

/*
 * What is not for a reader is acknowledged by itself as soon as all before it is, or entries
 * for others would keep the log from ever being trimmed.
 */
void link_cursors_passed(struct link_cursors *cursors, struct link_cursor *row, bool delivered)
{
	if (row->sent == cursors->end)
		return;
	if (!delivered && row->acked == row->sent)
		row->acked++;
	row->sent++;
	if (delivered)
		row->delivered = row->sent;
}

int link_cursors_ack(struct link_cursors *cursors, uint64_t session, uint64_t seq)
{
	struct link_cursor *row = link_cursors_find(cursors, session);

	if (row == NULL)
		return -ENOENT;
	if (seq > row->sent)
		return -ERANGE;
	if (seq >= row->delivered)
		seq = row->sent;
	if (seq > row->acked) {
		row->acked = seq;
		cursors->moves++;
	}
	return 0;
}

/* ---- trimming ---- */

uint64_t link_cursors_needed_here(const struct link_cursors *cursors)
{
	uint64_t needed = cursors->end + 1;

	for (size_t i = 0; i < LINK_SESSIONS_MAX; i++)
		if (cursors->row[i].session != 0 && cursors->row[i].acked + 1 < needed)
			needed = cursors->row[i].acked + 1;
	return needed;
}

uint64_t link_cursors_needed(const struct link_cursors *cursors)
{
	uint64_t needed = link_cursors_needed_here(cursors);

	if (cursors->orphaned && cursors->orphan + 1 < needed)
		needed = cursors->orphan + 1;
	for (size_t i = 0; i < LINK_SESSIONS_MAX; i++)
		if (cursors->place[i].session != 0 && cursors->place[i].acked + 1 < needed)
			needed = cursors->place[i].acked + 1;
	return needed;
}

/* Moves one reader on to entry first; true where it had not been sent something that is gone. */
static bool reader_move(struct link_cursor *row, uint64_t first)
{
	bool hurt = row->sent + 1 < first;

	if (row->acked + 1 < first)
		row->acked = first - 1;
	if (!hurt)
		return false;
	row->lost += first - 1 - row->sent;
	row->sent = row->delivered = first - 1;
	return true;
}

/* The same for who is away: what he was sent and had not acknowledged counts, too. */
static void place_move(uint64_t first, uint64_t *acked, uint64_t *lost)
{
	if (*acked + 1 >= first)
		return;
	*lost += first - 1 - *acked;
	*acked = first - 1;
}

size_t link_cursors_dropped(struct link_cursors *cursors, uint64_t first)
{
	size_t hurt = 0;

	if (first > cursors->end + 1)
		first = cursors->end + 1;
	if (first <= cursors->first)
		return 0;
	cursors->first = first;
	for (size_t i = 0; i < LINK_SESSIONS_MAX; i++)
		if (cursors->row[i].session != 0)
			hurt += reader_move(&cursors->row[i], first);
	for (size_t i = 0; i < LINK_SESSIONS_MAX; i++)
		if (cursors->place[i].session != 0)
			place_move(first, &cursors->place[i].acked, &cursors->place[i].lost);
	if (cursors->orphaned && cursors->orphan + 1 < first)
		hurt++;
	if (cursors->orphaned)
		place_move(first, &cursors->orphan, &cursors->orphan_lost);
	return hurt;
}
