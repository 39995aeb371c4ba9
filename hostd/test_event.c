/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of events: what is in it after a cut at any byte, when it is full, in the next boot. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostd/event.h"
#include "link/check.h"

static const uint8_t boot_one[16] = {1};
static const uint8_t boot_two[16] = {2};
static char folder[64];
static char path[96];

static void put(struct event_journal *journal, const char *text)
{
	(void)event_add(journal, NULL, "lab", "limit.memory", text, 0);
}

/* How many are not acknowledged; every one is whole and its number larger than the last one's. */
static unsigned walk(struct check *check, struct event_journal *journal, struct link_event *ret_first)
{
	struct link_event event = {0};
	unsigned count = 0;
	uint64_t last = 0;

	while (event_next(journal, last, &event)) {
		if (count++ == 0 && ret_first)
			*ret_first = event;
		CHECK(check, event.seq > last && link_identifier_ok(event.kind));
		last = event.seq;
	}
	CHECK_EQ(check, count, journal->count);
	return count;
}

static uint8_t *file_read(size_t *ret_len)
{
	static uint8_t bytes[2 * EVENTS_BYTES_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, bytes, sizeof(bytes));

	if (fd >= 0)
		close(fd);
	*ret_len = len < 0 ? 0 : (size_t)len;
	return bytes;
}

static void file_write(const uint8_t *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	(void)!write(fd, bytes, len);
	close(fd);
}

static void test_use(struct check *check)
{
	struct event_journal journal;
	struct link_event event;
	uint64_t first;

	(void)unlink(path);
	event_journal_open(&journal, folder, boot_one, 5);
	CHECK(check, journal.error == 0 && journal.damaged == 0 && journal.folder >= 0);
	CHECK(check, !event_next(&journal, 0, &event));
	put(&journal, "text\n\x1b[2J");
	first = journal.newest.seq;
	CHECK_EQ(check, first, 5 * 1024 + 1);
	(void)event_add(&journal, boot_two, "..", "no kind", "second", 77);
	CHECK(check, event_next(&journal, 0, &event) && event.seq == first);
	CHECK(check, strcmp(event.text, "text??[2J") == 0 && strcmp(event.project, "lab") == 0);
	CHECK(check, event.time_ms > 0 && memcmp(event.boot_id, boot_one, 16) == 0);
	CHECK(check, event_next(&journal, first, &event) && event.seq == first + 1);
	CHECK(check, strcmp(event.kind, "event") == 0 && event.project[0] == '\0');
	CHECK(check, event.time_ms == 77 && memcmp(event.kernel_id, boot_two, 16) == 0);
	event_ack(&journal, first + 99); /* never given */
	CHECK_EQ(check, walk(check, &journal, NULL), 2);
	event_ack(&journal, first);
	CHECK(check, event_next(&journal, 0, &event) && event.seq == first + 1);
	event_ack(&journal, first);
	CHECK_EQ(check, walk(check, &journal, NULL), 1);
	CHECK_EQ(check, event_journal_sync(&journal), 0);
	event_journal_close(&journal);
}

/* What the last boot left comes first, with its boot id; numbers go on. */
static void test_older_boot(struct check *check)
{
	struct event_journal journal;
	struct link_event event;
	uint64_t old;

	event_journal_open(&journal, folder, boot_two, 1);
	CHECK(check, journal.damaged == 0 && journal.count == 1);
	CHECK(check, event_next(&journal, 0, &event) && memcmp(event.boot_id, boot_one, 16) == 0);
	old = event.seq;
	put(&journal, "new");
	CHECK_EQ(check, journal.newest.seq, old + 1);
	CHECK(check, event_next(&journal, old, &event) && memcmp(event.boot_id, boot_two, 16) == 0);
	/* One acknowledgement covers both, and the next boot has nothing to send. */
	event_ack(&journal, old + 1);
	event_journal_close(&journal);
	event_journal_open(&journal, folder, boot_one, 1);
	CHECK_EQ(check, walk(check, &journal, NULL), 0);
	put(&journal, "again");
	CHECK_EQ(check, journal.newest.seq, old + 2);
	event_journal_close(&journal);
}

/* Cut at every byte: all events before the cut are there, the numbers go on above them. */
static void test_torn(struct check *check)
{
	static uint8_t whole[4096];
	struct event_journal journal;
	size_t ends[6];
	size_t len;

	(void)unlink(path);
	event_journal_open(&journal, folder, boot_one, 0);
	for (unsigned i = 0; i < 6; i++) {
		put(&journal, "an event");
		ends[i] = (size_t)journal.len;
	}
	event_journal_close(&journal);
	memcpy(whole, file_read(&len), sizeof(whole));
	CHECK_EQ(check, len, ends[5]);
	for (size_t cut = 0; cut <= len; cut++) {
		unsigned before = 0;
		struct link_event event = {0};

		while (before < 6 && ends[before] <= cut)
			before++;
		file_write(whole, cut);
		event_journal_open(&journal, folder, boot_two, 1);
		CHECK_EQ(check, walk(check, &journal, NULL), before);
		put(&journal, "after");
		CHECK(check, journal.newest.seq > before);
		CHECK_EQ(check, walk(check, &journal, &event), before + 1);
		CHECK(check, before == 0 || event.seq == 1);
		event_journal_close(&journal);
	}
}

/* A changed byte anywhere costs the record it is in, and no other. */
static void test_damaged(struct check *check)
{
	static uint8_t whole[4096];
	struct event_journal journal;
	size_t begin;
	size_t len;

	(void)unlink(path);
	event_journal_open(&journal, folder, boot_one, 0);
	begin = (size_t)journal.len;
	for (unsigned i = 0; i < 5; i++)
		put(&journal, "an event");
	event_journal_close(&journal);
	memcpy(whole, file_read(&len), sizeof(whole));
	for (size_t at = begin; at < len; at++) {
		whole[at] ^= 0x41;
		file_write(whole, len);
		whole[at] ^= 0x41;
		event_journal_open(&journal, folder, boot_two, 0);
		CHECK(check, journal.damaged == (len - begin) / 5);
		CHECK_EQ(check, walk(check, &journal, NULL), 4);
		event_journal_close(&journal);
		/* It was rewritten without what was damaged. */
		event_journal_open(&journal, folder, boot_two, 0);
		CHECK_EQ(check, journal.damaged, 0);
		event_journal_close(&journal);
	}
}

/* A flood: bounded in bytes and entries, the oldest go, and it is told how many. */
static void test_full(struct check *check, const char *where, unsigned length)
{
	struct event_journal journal;
	struct link_event event = {0};
	unsigned long long told = 0;
	unsigned notices = 0;
	char text[LINK_TEXT_MAX];
	uint64_t last = 0;
	struct stat st = {0};

	memset(text, 'x', length);
	text[length] = '\0';
	(void)unlink(path);
	event_journal_open(&journal, where, boot_one, 0);
	for (unsigned i = 0; i < 5000; i++) {
		put(&journal, text);
		CHECK(check, journal.len <= (off_t)EVENTS_BYTES_MAX);
		CHECK(check, journal.count <= EVENTS_MAX + 1);
	}
	if (where)
		CHECK(check, stat(path, &st) == 0 && st.st_size <= (off_t)EVENTS_BYTES_MAX);
	CHECK(check, journal.error == 0 && journal.mark.dropped > 1000);
	while (event_next(&journal, last, &event)) {
		last = event.seq;
		if (strcmp(event.kind, "events.dropped") != 0)
			continue;
		notices++;
		CHECK_EQ(check, sscanf(strstr(event.text, "dropped, ") + 9, "%llu", &told), 1);
	}
	CHECK(check, notices > 0);
	CHECK_EQ(check, told, journal.mark.dropped);
	/* Nothing is missing but what was told: all that was added was kept, or counted. */
	CHECK_EQ(check, journal.mark.last, journal.mark.dropped + walk(check, &journal, &event));
	CHECK_EQ(check, event.seq, journal.mark.dropped + 1);
	/* Acknowledged ones give way without a loss. */
	for (unsigned i = 0; i < 3000; i++) {
		event_ack(&journal, journal.mark.last);
		put(&journal, text);
		CHECK_EQ(check, journal.count, 1);
	}
	CHECK_EQ(check, told, journal.mark.dropped);
	event_journal_close(&journal);
}

/* Whatever is in the way of the file, events are still told; where it is known, why. */
static void test_no_disk(struct check *check)
{
	struct event_journal journal;
	struct link_event event;
	char gone[96];

	snprintf(gone, sizeof(gone), "%s/gone", folder);
	event_journal_open(&journal, gone, boot_one, 2);
	CHECK_EQ(check, journal.error, -ENOENT);
	put(&journal, "in memory");
	CHECK(check, event_next(&journal, 0, &event) && event.seq == 2 * 1024 + 1);
	event_journal_close(&journal);
	(void)unlink(path);
	CHECK_EQ(check, mkdir(path, 0700), 0);
	event_journal_open(&journal, folder, boot_one, 0);
	CHECK(check, journal.error < 0 && journal.folder < 0);
	put(&journal, "in memory");
	CHECK_EQ(check, walk(check, &journal, NULL), 1);
	event_journal_close(&journal);
	rmdir(path);
	CHECK_EQ(check, symlink("/etc/passwd", path), 0);
	event_journal_open(&journal, folder, boot_one, 0);
	CHECK_EQ(check, journal.error, -ELOOP);
	event_journal_close(&journal);
	(void)unlink(path);
}

/* The disk takes no more in the middle: what it had goes on in memory. */
static void test_disk_lost(struct check *check)
{
	struct event_journal journal;
	struct link_event event;

	event_journal_open(&journal, folder, boot_one, 0);
	put(&journal, "first");
	close(journal.fd);
	journal.fd = open(path, O_RDONLY | O_CLOEXEC); /* as after errors=remount-ro */
	put(&journal, "second");
	CHECK(check, journal.error == -EBADF && journal.folder < 0);
	CHECK_EQ(check, walk(check, &journal, &event), 2);
	CHECK(check, strcmp(event.text, "first") == 0);
	event_journal_close(&journal);
}

int main(void)
{
	struct check check = {0};

	snprintf(folder, sizeof(folder), "/tmp/test-event-XXXXXX");
	if (sodium_init() < 0 || !mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/%s", folder, EVENTS_FILE);
	test_use(&check);
	test_older_boot(&check);
	test_torn(&check);
	test_damaged(&check);
	test_full(&check, folder, 10);
	test_full(&check, folder, LINK_TEXT_MAX - 1);
	test_full(&check, NULL, LINK_TEXT_MAX - 1);
	test_no_disk(&check);
	test_disk_lost(&check);
	(void)unlink(path);
	rmdir(folder);
	return CHECK_DONE(&check);
}
