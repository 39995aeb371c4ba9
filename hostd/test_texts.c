/* SPDX-License-Identifier: Apache-2.0 */
/* What is read of files: promises, load, the end of the log; and what is written: messages. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostd/journal.h"
#include "hostd/message.h"
#include "hostd/node.h"
#include "hostd/status.h"
#include "hostd/verity.h"
#include "link/check.h"
#include "link/parts.h"

static void test_promises(struct check *check)
{
	static const struct {
		const char *text;
		uint32_t missing;
		const char *name;
	} rows[] = {
		{"ok a\nok b\n", 0, NULL},
		{"ok a\nmissing smap no flag\nok b\n", 1, "smap"},
		{"missing a\nmissing b\n", 2, "a"},
		{"", 1, "promises-empty"},
		{"whatever\n", 1, "promises-unreadable"},
		{"ok a\nOK b\n", 1, "promises-unreadable"},
		{"missing \n", 1, "unnamed"},
		{"missing a\x01z\n", 1, "unnamed"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct link_hello hello;

		memset(&hello, 0, sizeof(hello));
		check_row(check, rows[i].text);
		node_promises(rows[i].text, &hello);
		CHECK_EQ(check, hello.missing_count, rows[i].missing);
		if (rows[i].name)
			CHECK(check, strcmp(hello.missing[0], rows[i].name) == 0);
	}
	check_row(check, NULL);
}

static void test_timeline(struct check *check)
{
	static struct link_hello hello;

	node_timeline("init 700\nbad\n-x 1\nname 7x\nloop 1200\nend", &hello);
	CHECK_EQ(check, hello.timeline_count, 2);
	CHECK(check, strcmp(hello.timeline[1].name, "loop") == 0 && hello.timeline[1].ms == 1200);
	for (unsigned i = 0; i < 2 * LINK_STEPS_MAX; i++)
		node_timeline("step 1\n", &hello);
	CHECK_EQ(check, hello.timeline_count, LINK_STEPS_MAX);
}

static void test_status(struct check *check)
{
	uint32_t a = 0;
	uint32_t b = 0;

	CHECK_EQ(check, status_memory("MemTotal:  2048 kB\nMemFree: 1 kB\nMemAvailable: 1024 kB\n",
				      &a, &b), 0);
	CHECK(check, a == 2 && b == 1);
	CHECK_EQ(check, status_memory("MemTotal: 2048 kB\n", &a, &b), -EBADMSG);
	CHECK_EQ(check, status_memory("", &a, &b), -EBADMSG);
	CHECK_EQ(check, status_load("1.25 0.50 0.10 1/100 77\n", &a), 0);
	CHECK_EQ(check, a, 1250);
	CHECK_EQ(check, status_load("x", &a), -EBADMSG);
	CHECK_EQ(check, status_load("1", &a), -EBADMSG);
	CHECK_EQ(check, status_pressure("some avg10=3.07 avg60=0.00 total=1\nfull ...", &a), 0);
	CHECK_EQ(check, a, 307);
	CHECK_EQ(check, status_pressure("full avg10=3.07", &a), -EBADMSG);
	CHECK_EQ(check, status_pressure("some avg10=", &a), -EBADMSG);
}

static void put_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	fputs(text, file);
	fclose(file);
}

static void test_journal(struct check *check)
{
	static const struct {
		const char *older;
		const char *newer;
		uint32_t lines;
		size_t size;
		const char *result;
	} rows[] = {
		{"", "a\nb\nc\n", 2, 100, "b\nc\n"},
		{"", "a\nb\nc\n", 9, 100, "a\nb\nc\n"},
		{"x\ny\n", "a\n", 2, 100, "y\na\n"},
		{"", "a\nb", 1, 100, "b"},
		{"", "", 5, 100, ""},
		{"", "a\nb\n", 0, 100, ""},
		{"", "long line\nb\n", 9, 8, "b\n"},
		{"", "a\x1b[31m\n", 1, 100, "a?[31m\n"},
		{"older\n", "12345\nab\n", 9, 9, "ab\n"},
	};
	char folder[] = "/tmp/anchorhold-texts-XXXXXX";
	char older[64];
	char newer[64];
	char text[128];

	CHECK(check, mkdtemp(folder) != NULL);
	snprintf(older, sizeof(older), "%s/1", folder);
	snprintf(newer, sizeof(newer), "%s/0", folder);
	CHECK_EQ(check, journal_tail(older, newer, 5, text, sizeof(text)), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int len;

		check_row(check, rows[i].newer);
		put_file(older, rows[i].older);
		put_file(newer, rows[i].newer);
		len = journal_tail(older, newer, rows[i].lines, text, rows[i].size);
		CHECK_EQ(check, len, strlen(rows[i].result));
		CHECK(check, len >= 0 && memcmp(text, rows[i].result, (size_t)len) == 0);
	}
	check_row(check, NULL);
	unlink(older);
	unlink(newer);
	rmdir(folder);
}

static void test_dates(struct check *check)
{
	static const struct {
		uint64_t unix_us;
		const char *date;
	} rows[] = {
		{0, "1970-01-01T00:00:00.000000Z"},
		{1795218044000007, "2026-11-20T23:40:44.000007Z"},
		{253402300799999999, "9999-12-31T23:59:59.999999Z"},
		{253402300800000000, ""},
		{UINT64_MAX, ""},
	};
	char date[MESSAGE_DATE_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_row(check, rows[i].date);
		message_date(rows[i].unix_us, date);
		CHECK(check, strcmp(date, rows[i].date) == 0);
	}
	check_row(check, NULL);
}

static void test_messages(struct check *check)
{
	struct message message = {0};
	struct link_parts parts;
	struct link_header header;

	CHECK_EQ(check, message_stderr("a \"quoted\"\\ line\n\x01\xff", &message), 0);
	CHECK_EQ(check, link_parts_unpack(message.data, message.len, &parts), 0);
	CHECK_EQ(check, link_parts_check(&parts), 0);
	CHECK_EQ(check, link_header_get(parts.part[LINK_HEADER], &header), 0);
	CHECK(check, strcmp(header.msg_type, "stream") == 0);
	CHECK_EQ(check, strlen(header.msg_id), MESSAGE_ID_LEN);
	CHECK(check, memmem(parts.part[LINK_CONTENT].data, parts.part[LINK_CONTENT].len,
			    "a \\\"quoted\\\"\\\\ line\\n??", 23));
	free(message.data);
	CHECK_EQ(check, message_status("dead", &message), 0);
	CHECK_EQ(check, link_parts_unpack(message.data, message.len, &parts), 0);
	CHECK_EQ(check, link_parts_check(&parts), 0);
	free(message.data);
}

static void test_verity(struct check *check)
{
	static const uint8_t hash[32] = {0xab};
	struct verity_spec spec = {.data_blocks = 10, .root_hash = hash, .salt = hash,
				   .salt_len = 2};
	char table[512];

	CHECK_EQ(check, verity_table(&spec, 7, 1, table, sizeof(table)), 0);
	CHECK(check, strncmp(table, "1 7:1 7:1 4096 4096 10 11 sha256 ab00", 37) == 0);
	CHECK(check, strcmp(table + strlen(table) - 5, " ab00") == 0);
	spec.salt_len = 0;
	CHECK_EQ(check, verity_table(&spec, 7, 1, table, sizeof(table)), 0);
	CHECK(check, strcmp(table + strlen(table) - 2, " -") == 0);
	CHECK_EQ(check, verity_table(&spec, 7, 1, table, 20), -ENAMETOOLONG);
}

int main(void)
{
	struct check check = {0};

	test_promises(&check);
	test_timeline(&check);
	test_status(&check);
	test_journal(&check);
	test_dates(&check);
	test_messages(&check);
	test_verity(&check);
	return CHECK_DONE(&check);
}
