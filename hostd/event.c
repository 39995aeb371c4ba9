/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/event.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hostd/event_file.h"
#include "hostd/log.h"

#define NUMBERS_A_MS 1024u

/* ---- use ---- */

uint64_t event_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void fill(struct event_journal *journal, const uint8_t *kernel_id, const char *project,
		 const char *kind, const char *text, uint64_t time_ms)
{
	struct link_event *event = &journal->newest;

	memset(event, 0, sizeof(*event));
	memcpy(event->boot_id, journal->boot_id, sizeof(event->boot_id));
	event->seq = ++journal->mark.last;
	event->time_ms = time_ms ? time_ms : event_now_ms();
	if (kernel_id)
		memcpy(event->kernel_id, kernel_id, LINK_ID_LEN);
	snprintf(event->kind, sizeof(event->kind), "%s", kind);
	if (!link_identifier_ok(event->kind))
		snprintf(event->kind, sizeof(event->kind), "event");
	snprintf(event->project, sizeof(event->project), "%s", project ? project : "");
	if (!link_identifier_ok(event->project))
		event->project[0] = '\0';
	snprintf(event->text, sizeof(event->text), "%s", text);
	log_make_printable(event->text);
}

static void record_newest(struct event_journal *journal)
{
	const struct event_record record = {.kind = EVENT_RECORD_EVENT, .event = journal->newest};
	int r = event_file_append(journal, &record);

	if (r < 0 && journal->folder >= 0) {
		event_file_leave(journal, r);
		r = event_file_append(journal, &record);
	}
	if (r < 0)
		journal->mark.dropped++;
	else
		journal->count++;
}

/* What had to go is told in its place. */
static void tell_dropped(struct event_journal *journal, uint64_t before)
{
	char text[LINK_TEXT_MAX];

	if (journal->mark.dropped == before)
		return;
	snprintf(text, sizeof(text), "the journal was full: %llu events dropped, %llu in all",
		 (unsigned long long)(journal->mark.dropped - before),
		 (unsigned long long)journal->mark.dropped);
	fill(journal, NULL, NULL, "events.dropped", text, 0);
	record_newest(journal);
}

/* A quarter of it is free again, or more. */
static void make_room(struct event_journal *journal)
{
	uint64_t dropped = journal->mark.dropped;
	size_t len = 0;
	uint8_t *bytes = event_file_read(journal->fd, &len);
	int r = bytes ? event_file_rewrite(journal, journal->folder, bytes, len,
				event_file_skip(journal, bytes, len))
		      : -ENOMEM;

	if (r < 0)
		event_file_to_memory(journal, r, bytes, bytes ? len : 0);
	free(bytes);
	tell_dropped(journal, dropped);
}

static bool is_full(const struct event_journal *journal)
{
	return journal->fd >= 0 && (journal->count >= EVENTS_MAX ||
				    journal->len + (off_t)EVENT_RECORD_MAX > (off_t)EVENTS_BYTES_MAX);
}

const struct link_event *event_add(struct event_journal *journal, const uint8_t *kernel_id,
				   const char *project, const char *kind, const char *text,
				   uint64_t time_ms)
{
	if (is_full(journal))
		make_room(journal);
	fill(journal, kernel_id, project, kind, text, time_ms);
	record_newest(journal);
	return &journal->newest;
}

/* The oldest after seq, acknowledged or not, and where the one behind it begins. */
static bool find(const struct event_journal *journal, uint64_t seq, struct link_event *ret_event,
		 struct event_place *ret_place)
{
	const struct event_place *const known[] = {&journal->sent, &journal->stored};
	uint8_t bytes[EVENT_RECORD_MAX];
	struct event_record record;
	size_t record_len;
	off_t at = 0;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i]->seq <= seq && known[i]->at > at)
			at = known[i]->at;
	while (journal->fd >= 0 && at < journal->len) {
		ssize_t got = pread(journal->fd, bytes, sizeof(bytes), at);

		if (got <= 0 || event_record_unpack(bytes, (size_t)got, &record, &record_len) < 0)
			return false;
		at += (off_t)record_len;
		if (record.kind != EVENT_RECORD_EVENT || record.event.seq <= seq)
			continue;
		*ret_event = record.event;
		*ret_place = (struct event_place){record.event.seq, at};
		return true;
	}
	return false;
}

void event_ack(struct event_journal *journal, uint64_t seq)
{
	struct event_place place;
	struct link_event event;
	uint64_t at = journal->mark.acked;
	int r;

	if (seq <= journal->mark.acked || seq > journal->mark.last)
		return;
	while (find(journal, at, &event, &place) && event.seq <= seq) {
		at = event.seq;
		journal->stored = place;
		journal->count -= journal->count > 0;
	}
	journal->mark.acked = seq;
	if (is_full(journal)) {
		make_room(journal);
		return;
	}
	r = event_file_mark(journal);
	if (r < 0 && journal->folder >= 0)
		event_file_leave(journal, r);
}

bool event_next(struct event_journal *journal, uint64_t seq, struct link_event *ret_event)
{
	struct event_place place;

	if (!find(journal, seq > journal->mark.acked ? seq : journal->mark.acked, ret_event,
		  &place))
		return false;
	journal->sent = place;
	return true;
}

/* ---- opening ---- */

static void tally(void *ctx, const struct event_record *record, size_t at, size_t len)
{
	struct event_journal *journal = ctx;
	struct event_mark *mark = &journal->mark;

	if (record->kind == EVENT_RECORD_EVENT) {
		if (record->event.seq > mark->last)
			mark->last = record->event.seq;
		return;
	}
	if (record->mark.last > mark->last)
		mark->last = record->mark.last;
	if (record->mark.acked > mark->acked)
		mark->acked = record->mark.acked;
	if (record->mark.dropped > mark->dropped)
		mark->dropped = record->mark.dropped;
}

static int open_file(struct event_journal *journal, const char *path)
{
	struct stat st;

	journal->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (journal->folder < 0)
		return -errno;
	journal->fd = openat(journal->folder, EVENTS_FILE,
			     O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (journal->fd < 0) {
		/* What a disk that is only read still has is not lost. */
		int error = errno;

		journal->fd = openat(journal->folder, EVENTS_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		return -error;
	}
	if (fstat(journal->fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

void event_journal_open(struct event_journal *journal, const char *folder,
			const uint8_t boot_id[16], uint64_t boot_ms)
{
	const uint64_t first = boot_ms * NUMBERS_A_MS;
	uint8_t *bytes = NULL;
	uint64_t dropped;
	size_t len = 0;
	int r;

	memset(journal, 0, sizeof(*journal));
	memcpy(journal->boot_id, boot_id, sizeof(journal->boot_id));
	journal->folder = journal->fd = -1;
	r = folder ? open_file(journal, folder) : 0;
	if (journal->fd >= 0)
		bytes = event_file_read(journal->fd, &len);
	if (bytes)
		journal->damaged = event_record_scan(bytes, len, tally, journal);
	/* In memory, or with a piece missing: numbers of this boot may have been given already. */
	if ((r < 0 || !folder || len == 0 || journal->damaged > 0) && journal->mark.last < first)
		journal->mark.last = first;
	dropped = journal->mark.dropped;
	if (r == 0)
		r = event_file_rewrite(journal, journal->folder, bytes, bytes ? len : 0,
			    bytes ? event_file_skip(journal, bytes, len) : 0);
	if (r < 0)
		event_file_to_memory(journal, r, bytes, bytes ? len : 0);
	free(bytes);
	tell_dropped(journal, dropped);
}

void event_journal_close(struct event_journal *journal)
{
	(void)event_journal_sync(journal);
	if (journal->fd >= 0)
		close(journal->fd);
	if (journal->folder >= 0)
		close(journal->folder);
	journal->fd = journal->folder = -1;
}

int event_journal_sync(struct event_journal *journal)
{
	if (!journal->dirty || journal->folder < 0)
		return 0;
	journal->dirty = false;
	return fdatasync(journal->fd) < 0 ? -errno : 0;
}
