/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/outlog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	uint64_t to;
	uint8_t *data;
	size_t len;
	uint32_t incarnation;
	enum link_channel channel;
};

/* What is being sent to one session; by the row of link_cursors. */
struct sending {
	bool busy;
	struct link_cut cut;
	struct message notice; /* what is sent is this, not an entry of the log */
};

struct outlog {
	uint8_t kernel_id[LINK_ID_LEN];
	size_t bytes;
	size_t bytes_max;
	uint32_t incarnation; /* of the newest entry */

	/* Entries first..end of cursors, in a ring of a power of two. */
	struct entry *ring;
	size_t ring_size;

	struct link_cursors cursors;
	struct sending sending[LINK_SESSIONS_MAX];

	struct link_cursor *turn; /* the row served last */
	struct link_cursor *current_row; /* NULL: outlog_next looks for one */
	struct link_chunk current;
};

int outlog_new(const uint8_t kernel_id[LINK_ID_LEN], size_t bytes_max, uint64_t base,
	       struct outlog **ret_log)
{
	struct outlog *log = calloc(1, sizeof(*log));

	if (!log)
		return -ENOMEM;
	memcpy(log->kernel_id, kernel_id, LINK_ID_LEN);
	log->bytes_max = bytes_max;
	link_cursors_start(&log->cursors, base);
	*ret_log = log;
	return 0;
}

static struct entry *entry_at(struct outlog *log, uint64_t seq)
{
	return &log->ring[seq & (log->ring_size - 1)];
}

/* Entries below first are nobody's any more. */
static void entries_drop(struct outlog *log, uint64_t first)
{
	for (uint64_t seq = log->cursors.first; seq < first && seq <= log->cursors.end; seq++) {
		struct entry *entry = entry_at(log, seq);

		log->bytes -= entry->len + OUTLOG_ENTRY_COST;
		free(entry->data);
		*entry = (struct entry){0};
	}
	link_cursors_dropped(&log->cursors, first);
}

static void trim(struct outlog *log)
{
	uint64_t needed = link_cursors_needed(&log->cursors);

	if (needed > log->cursors.first)
		entries_drop(log, needed);
}

static void sending_reset(struct outlog *log, const struct link_cursor *row)
{
	struct sending *sending = &log->sending[row - log->cursors.row];

	free(sending->notice.data);
	*sending = (struct sending){0};
	if (log->current_row == row)
		log->current_row = NULL;
}

void outlog_free(struct outlog *log)
{
	if (!log)
		return;
	for (size_t i = 0; i < LINK_SESSIONS_MAX; i++)
		sending_reset(log, &log->cursors.row[i]);
	if (log->ring)
		entries_drop(log, log->cursors.end + 1);
	free(log->ring);
	free(log);
}

bool outlog_room(struct outlog *log, bool may_drop, uint64_t *ret_dropped)
{
	uint64_t dropped = 0;
	uint64_t needed = log->cursors.first;

	if (may_drop)
		needed = link_cursors_needed_here(&log->cursors);
	while (log->bytes + LINK_MESSAGE_MAX + OUTLOG_ENTRY_COST > log->bytes_max &&
	       log->cursors.first < needed) {
		entries_drop(log, log->cursors.first + 1);
		dropped++;
	}
	if (ret_dropped)
		*ret_dropped = dropped;
	return log->bytes + LINK_MESSAGE_MAX + OUTLOG_ENTRY_COST <= log->bytes_max;
}

static int ring_reserve(struct outlog *log)
{
	uint64_t count = log->cursors.end + 1 - log->cursors.first;
	size_t size = log->ring_size ? log->ring_size * 2 : 64;
	struct entry *ring;

	if (count < log->ring_size)
		return 0;
	ring = calloc(size, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	for (uint64_t seq = log->cursors.first; seq <= log->cursors.end; seq++)
		ring[seq & (size - 1)] = *entry_at(log, seq);
	free(log->ring);
	log->ring = ring;
	log->ring_size = size;
	return 0;
}

int outlog_append(struct outlog *log, uint32_t incarnation, enum link_channel channel, uint64_t to,
		  struct message *message)
{
	uint64_t seq;
	int r;

	if (message->len == 0 || message->len > LINK_MESSAGE_MAX)
		return -EMSGSIZE;
	if (!outlog_room(log, false, NULL))
		return -ENOBUFS;
	r = ring_reserve(log);
	if (r < 0)
		return r;
	seq = link_cursors_append(&log->cursors);
	*entry_at(log, seq) = (struct entry){
		.to = to,
		.data = message->data,
		.len = message->len,
		.incarnation = incarnation,
		.channel = channel,
	};
	log->bytes += message->len + OUTLOG_ENTRY_COST;
	log->incarnation = incarnation;
	message->data = NULL;
	trim(log);
	return 0;
}

int outlog_attach(struct outlog *log, const struct link_attach *attach)
{
	struct link_cursor *row = link_cursors_find(&log->cursors, attach->session);
	uint64_t lost = 0;
	int r;

	if (row)
		sending_reset(log, row);
	r = link_cursors_attach(&log->cursors, attach, &lost);
	if (r < 0)
		return r;
	row = link_cursors_find(&log->cursors, attach->session);
	if (!row)
		return -ENOENT;
	sending_reset(log, row);
	/* The cursors tell once; the row keeps it until the notice is sent. */
	if (lost > row->lost)
		row->lost = lost;
	trim(log);
	return 0;
}

int outlog_detach(struct outlog *log, uint64_t session)
{
	struct link_cursor *row = link_cursors_find(&log->cursors, session);

	if (!row)
		return -ENOENT;
	sending_reset(log, row);
	link_cursors_detach(&log->cursors, session);
	trim(log);
	return 0;
}

void outlog_detach_all(struct outlog *log)
{
	for (size_t i = 0; i < LINK_SESSIONS_MAX; i++)
		sending_reset(log, &log->cursors.row[i]);
	link_cursors_detach_all(&log->cursors);
}

int outlog_credit(struct outlog *log, uint64_t session, uint64_t bytes)
{
	struct link_cursor *row = link_cursors_find(&log->cursors, session);

	if (!row)
		return -ENOENT;
	link_credit_grant(&row->credit, bytes);
	return 0;
}

int outlog_ack(struct outlog *log, uint64_t session, uint64_t seq)
{
	int r = link_cursors_ack(&log->cursors, session, seq);

	if (r == 0)
		trim(log);
	return r;
}

void outlog_expire(struct outlog *log, uint64_t now_ms)
{
	link_cursors_expire(&log->cursors, now_ms, OUTLOG_AWAY_MS);
	trim(log);
}

bool outlog_attached(struct outlog *log, uint64_t session)
{
	return link_cursors_find(&log->cursors, session) != NULL;
}

/* The number of the last lost message stands for all of them: it is passed already. */
static int start_notice(struct outlog *log, struct link_cursor *row, struct sending *sending)
{
	struct link_chunk head = {
		.incarnation = log->incarnation,
		.session = row->session,
		.seq = row->sent,
		.channel = LINK_IOPUB,
	};
	char text[160];
	int r;

	if (row->lost >> (OUTLOG_GENERATION_SHIFT - 1))
		snprintf(text, sizeof(text),
			 "[anchorhold: the relay of this kernel ended and was started again; output "
			 "that was not delivered by then is lost here]\n");
	else
		snprintf(text, sizeof(text),
			 "[anchorhold: %llu messages of this kernel were lost here: its output log "
			 "keeps only so much]\n",
			 (unsigned long long)row->lost);
	r = message_stderr(text, &sending->notice);
	if (r < 0)
		return r;
	memcpy(head.kernel_id, log->kernel_id, LINK_ID_LEN);
	return link_cut_start(&sending->cut, &head, sending->notice.data, sending->notice.len);
}

static int start_entry(struct outlog *log, struct link_cursor *row, struct sending *sending)
{
	struct entry *entry;
	struct link_chunk head = {.session = row->session};

	while (row->sent < log->cursors.end &&
	       !link_cursors_wants(&log->cursors, row, entry_at(log, row->sent + 1)->to))
		link_cursors_passed(&log->cursors, row, false);
	if (row->sent >= log->cursors.end)
		return -ENODATA;
	entry = entry_at(log, row->sent + 1);
	head.incarnation = entry->incarnation;
	head.seq = row->sent + 1;
	head.channel = (uint8_t)entry->channel;
	memcpy(head.kernel_id, log->kernel_id, LINK_ID_LEN);
	return link_cut_start(&sending->cut, &head, entry->data, entry->len);
}

/* The row's next chunk, if it has one and credit for it. */
static int row_next(struct outlog *log, struct link_cursor *row, struct link_chunk *ret_chunk)
{
	struct sending *sending = &log->sending[row - log->cursors.row];
	int r;

	if (!sending->busy) {
		r = row->lost > 0 ? start_notice(log, row, sending)
				  : start_entry(log, row, sending);
		if (r < 0)
			return r;
		sending->busy = true;
	}
	return link_cut_next(&sending->cut, row->credit.left, ret_chunk);
}

int outlog_next(struct outlog *log, struct link_chunk *ret_chunk)
{
	struct link_cursor *first;
	struct link_cursor *row;

	if (log->current_row) {
		*ret_chunk = log->current;
		return 0;
	}
	first = link_cursors_next(&log->cursors, log->turn);
	row = first;
	while (row) {
		if (row_next(log, row, &log->current) == 0) {
			log->current_row = row;
			*ret_chunk = log->current;
			return 0;
		}
		row = link_cursors_next(&log->cursors, row);
		if (row == first)
			break;
	}
	return -EAGAIN;
}

void outlog_sent(struct outlog *log)
{
	struct link_cursor *row = log->current_row;
	struct sending *sending;

	if (!row)
		return;
	sending = &log->sending[row - log->cursors.row];
	log->current_row = NULL;
	log->turn = row;
	link_credit_take(&row->credit, log->current.data_len);
	if (!link_cut_done(&sending->cut))
		return;
	if (sending->notice.data)
		row->lost = 0;
	else
		link_cursors_passed(&log->cursors, row, true);
	sending_reset(log, row);
}

bool outlog_all_sent(struct outlog *log)
{
	for (size_t i = 0; i < LINK_SESSIONS_MAX; i++) {
		struct link_cursor *row = &log->cursors.row[i];

		if (row->session == 0)
			continue;
		if (log->sending[i].busy || row->lost > 0)
			return false;
		for (uint64_t seq = row->sent + 1; seq <= log->cursors.end; seq++)
			if (link_cursors_wants(&log->cursors, row, entry_at(log, seq)->to))
				return false;
	}
	return true;
}

bool outlog_all_acked(struct outlog *log)
{
	for (size_t i = 0; i < LINK_SESSIONS_MAX; i++) {
		const struct link_cursor *row = &log->cursors.row[i];

		if (row->session != 0 && row->acked < row->delivered)
			return false;
	}
	for (size_t i = 0; i < LINK_SESSIONS_MAX; i++) {
		const struct link_place *place = &log->cursors.place[i];

		if (place->session != 0 && place->acked < log->cursors.end &&
		    log->cursors.clock - place->since < OUTLOG_AWAY_MS)
			return false;
	}
	return outlog_all_sent(log);
}

size_t outlog_bytes(const struct outlog *log)
{
	return log->bytes;
}

uint64_t outlog_end(const struct outlog *log)
{
	return log->cursors.end;
}
