/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "link/bytes.h"
#include "link/check.h"

static void test_round(struct check *check)
{
	uint8_t buf[64];
	char text[8];
	struct link_writer writer = link_writer(buf, sizeof(buf));
	struct link_reader reader;

	link_put_u8(&writer, 0xfe);
	link_put_u16(&writer, 0x1234);
	link_put_u32(&writer, 0xdeadbeef);
	link_put_u64(&writer, UINT64_C(0x0123456789abcdef));
	link_put_i32(&writer, -5);
	link_put_string(&writer, "abc", 8);
	link_put_bytes(&writer, (const uint8_t *)"xy", 2);
	CHECK_EQ(check, writer.error, 0);
	CHECK_EQ(check, writer.at, 1 + 2 + 4 + 8 + 4 + 4 + 2);
	CHECK(check, memcmp(buf, "\xfe\x12\x34\xde\xad\xbe\xef\x01", 8) == 0);

	reader = link_reader(buf, writer.at);
	CHECK_EQ(check, link_get_u8(&reader), 0xfe);
	CHECK_EQ(check, link_get_u16(&reader), 0x1234);
	CHECK_EQ(check, link_get_u32(&reader), 0xdeadbeef);
	CHECK(check, link_get_u64(&reader) == UINT64_C(0x0123456789abcdef));
	CHECK_EQ(check, link_get_i32(&reader), -5);
	link_get_string(&reader, text, sizeof(text));
	CHECK(check, strcmp(text, "abc") == 0);
	CHECK_EQ(check, link_reader_end(&reader), -EBADMSG); /* two bytes are left */
	CHECK(check, memcmp(link_get_view(&reader, 2), "xy", 2) == 0);
	CHECK_EQ(check, link_reader_end(&reader), 0);
}

static void test_reader_sticky(struct check *check)
{
	const uint8_t buf[] = {1, 2, 3, 4, 5, 6};
	uint8_t bytes[4] = {9, 9, 9, 9};
	struct link_reader reader = link_reader(buf, sizeof(buf));

	CHECK_EQ(check, link_get_u32(&reader), 0x01020304);
	CHECK_EQ(check, link_get_u32(&reader), 0);
	CHECK_EQ(check, reader.error, -EBADMSG);
	CHECK_EQ(check, link_get_u8(&reader), 0); /* two bytes are left, but nothing is read */
	link_get_bytes(&reader, bytes, sizeof(bytes));
	CHECK_EQ(check, bytes[0] | bytes[3], 0);
	CHECK(check, link_get_view(&reader, 0) == NULL);
	link_reader_fail(&reader, -EMSGSIZE);
	CHECK_EQ(check, link_reader_end(&reader), -EBADMSG); /* the first error stays */

	reader = link_reader(buf, 0);
	CHECK_EQ(check, link_reader_end(&reader), 0);
	CHECK(check, link_get_view(&reader, SIZE_MAX) == NULL);
}

struct string_row {
	const char *name;
	const char *bytes;
	size_t len;
	int want;
};

static const struct string_row string_rows[] = {
	{"fits exactly", "\3abc", 4, 0},
	{"empty", "\0", 1, 0},
	{"too long for the field", "\4abcd", 5, -EMSGSIZE},
	{"longer than the buffer", "\3ab", 3, -EBADMSG},
	{"no length", "", 0, -EBADMSG},
	{"a NUL inside", "\3a\0c", 4, -EBADMSG},
};

static void test_strings(struct check *check)
{
	for (size_t i = 0; i < sizeof(string_rows) / sizeof(string_rows[0]); i++) {
		const struct string_row *row = &string_rows[i];
		struct link_reader reader = link_reader((const uint8_t *)row->bytes, row->len);
		char text[4] = "???";

		check_row(check, row->name);
		link_get_string(&reader, text, sizeof(text));
		CHECK_EQ(check, link_reader_end(&reader), row->want);
		CHECK(check, row->want == 0 || text[0] == '\0');
	}
	check_row(check, NULL);
}

static void test_writer_errors(struct check *check)
{
	uint8_t buf[4];
	char unterminated[3] = {'a', 'b', 'c'};
	char huge[300];
	struct link_writer writer = link_writer(buf, sizeof(buf));

	link_put_u32(&writer, 1);
	link_put_u8(&writer, 1);
	CHECK_EQ(check, writer.error, -ENOBUFS);
	CHECK_EQ(check, writer.at, 4);

	writer = link_writer(buf, sizeof(buf));
	link_put_string(&writer, unterminated, sizeof(unterminated));
	CHECK_EQ(check, writer.error, -EINVAL);

	memset(huge, 'a', sizeof(huge));
	huge[sizeof(huge) - 1] = '\0';
	writer = link_writer(NULL, 0);
	link_put_string(&writer, huge, sizeof(huge));
	CHECK_EQ(check, writer.error, -EMSGSIZE);

	writer = link_writer(NULL, 0); /* measures only */
	link_put_u64(&writer, 1);
	link_put_string(&writer, "abc", 4);
	CHECK_EQ(check, writer.error, 0);
	CHECK_EQ(check, writer.at, 12);
}

int main(void)
{
	struct check check = {0};

	test_round(&check);
	test_reader_sticky(&check);
	test_strings(&check);
	test_writer_errors(&check);
	return CHECK_DONE(&check);
}
