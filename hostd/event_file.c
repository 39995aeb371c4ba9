/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/event_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILE_NEW EVENTS_FILE ".new"

int event_file_append(struct event_journal *journal, const struct event_record *record)
{
	uint8_t bytes[EVENT_RECORD_MAX];
	size_t len = event_record_pack(record, bytes);
	ssize_t put;

	if (len == 0 || journal->fd < 0)
		return len == 0 ? -EINVAL : -EBADF;
	put = pwrite(journal->fd, bytes, len, journal->len);
	if (put != (ssize_t)len) {
		int error = put < 0 ? errno : ENOSPC;

		(void)!ftruncate(journal->fd, journal->len);
		return -error;
	}
	journal->len += put;
	journal->dirty = true;
	return 0;
}

int event_file_mark(struct event_journal *journal)
{
	const struct event_record record = {.kind = EVENT_RECORD_MARK, .mark = journal->mark};

	return event_file_append(journal, &record);
}

uint8_t *event_file_read(int fd, size_t *ret_len)
{
	const size_t max = 2u * EVENTS_BYTES_MAX;
	uint8_t *bytes = malloc(max);
	size_t len = 0;
	ssize_t got = 1;

	while (bytes && got > 0 && len < max) {
		got = pread(fd, bytes + len, max - len, (off_t)len);
		if (got > 0)
			len += (size_t)got;
	}
	*ret_len = len;
	return bytes;
}

/* ---- rewriting ---- */

struct kept {
	const struct event_journal *journal;
	uint32_t skip;	    /* the oldest so many of those not acknowledged go */
	uint32_t skip_half; /* how many would have to, to leave half of the ceilings */
	uint32_t half_count;
	size_t half_bytes;
	uint32_t seen;
	uint32_t count;
	size_t bytes;
	uint64_t skipped; /* the number of the last that went */
	uint64_t last;	  /* seen; records that do not grow are none */
	struct event_journal *to; /* NULL: only counted */
	int error;
};

static void keep(void *ctx, const struct event_record *record, size_t at, size_t len)
{
	struct kept *kept = ctx;

	if (record->kind != EVENT_RECORD_EVENT || record->event.seq <= kept->last)
		return;
	kept->last = record->event.seq;
	if (record->event.seq <= kept->journal->mark.acked)
		return;
	if (kept->seen++ < kept->skip) {
		kept->skipped = record->event.seq;
		return;
	}
	kept->count++;
	kept->bytes += len;
	if (kept->to && kept->error == 0)
		kept->error = event_file_append(kept->to, record);
}

static void halve(void *ctx, const struct event_record *record, size_t at, size_t len)
{
	struct kept *kept = ctx;
	uint32_t before = kept->count;

	keep(kept, record, at, len);
	if (kept->count == before)
		return;
	if (kept->half_count > EVENTS_MAX / 2 || kept->half_bytes > EVENTS_LIVE_MAX / 2) {
		kept->skip_half++;
		kept->half_count--;
		kept->half_bytes -= len;
	}
}

uint32_t event_file_skip(const struct event_journal *journal, const uint8_t *bytes, size_t len)
{
	struct kept all = {.journal = journal};
	struct kept half = {.journal = journal};

	(void)event_record_scan(bytes, len, keep, &all);
	if (all.count < EVENTS_MAX && all.bytes <= EVENTS_LIVE_MAX)
		return 0;
	half.half_count = all.count;
	half.half_bytes = all.bytes;
	(void)event_record_scan(bytes, len, halve, &half);
	return half.skip_half;
}

static int open_new(int folder)
{
	if (folder < 0)
		return memfd_create("events", MFD_CLOEXEC);
	(void)unlinkat(folder, FILE_NEW, 0);
	return openat(folder, FILE_NEW, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* On a disk it takes the old one's place whole: a power cut leaves the one or the other. */
static int put_in_place(const struct event_journal *to)
{
	if (to->folder < 0)
		return 0;
	if (fdatasync(to->fd) < 0 ||
	    renameat(to->folder, FILE_NEW, to->folder, EVENTS_FILE) < 0 || fsync(to->folder) < 0)
		return -errno;
	return 0;
}

int event_file_rewrite(struct event_journal *journal, int folder, const uint8_t *bytes, size_t len,
		   uint32_t skip)
{
	struct event_journal to = *journal;
	struct kept kept = {.journal = journal, .skip = skip, .to = &to};

	to.folder = folder;
	to.len = 0;
	to.fd = open_new(folder);
	if (to.fd < 0)
		return -errno;
	kept.error = event_file_mark(&to);
	(void)event_record_scan(bytes, len, keep, &kept);
	if (kept.skipped > to.mark.acked)
		to.mark.acked = kept.skipped;
	to.mark.dropped += skip;
	to.count = kept.count;
	to.sent = to.stored = (struct event_place){0};
	if (kept.error == 0)
		kept.error = event_file_mark(&to);
	if (kept.error == 0)
		kept.error = put_in_place(&to);
	if (kept.error < 0) {
		close(to.fd);
		return kept.error;
	}
	to.dirty = false;
	if (journal->fd >= 0)
		close(journal->fd);
	*journal = to;
	return 0;
}

void event_file_to_memory(struct event_journal *journal, int error, const uint8_t *bytes,
			  size_t len)
{
	const int folder = journal->folder;

	journal->error = error;
	if (event_file_rewrite(journal, -1, bytes, len, event_file_skip(journal, bytes, len)) < 0) {
		journal->mark.dropped += journal->count;
		journal->count = 0;
		if (journal->fd >= 0)
			close(journal->fd);
		journal->fd = -1;
	}
	if (folder >= 0)
		close(folder);
	journal->folder = -1;
}

void event_file_leave(struct event_journal *journal, int error)
{
	size_t len = 0;
	uint8_t *bytes = journal->fd >= 0 ? event_file_read(journal->fd, &len) : NULL;

	event_file_to_memory(journal, error, bytes, bytes ? len : 0);
	free(bytes);
}
