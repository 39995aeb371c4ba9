/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "link/check.h"
#include "link/parts.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define L(n) 0, 0, 0, (n)

static struct link_slice slice(const char *text)
{
	return (struct link_slice){(const uint8_t *)text, strlen(text)};
}

struct blob_row {
	const char *name;
	uint8_t bytes[40];
	size_t len;
	int want;
};

static const struct blob_row blob_rows[] = {
	{"four parts",
	 {L(4), L(2), L(2), L(2), L(2), '{', '}', '{', '}', '{', '}', '{', '}'}, 28, 0},
	{"all empty", {L(4), L(0), L(0), L(0), L(0)}, 20, 0},
	{"a buffer", {L(5), L(0), L(0), L(0), L(0), L(1), 9}, 25, 0},
	{"nothing", {0}, 0, -EBADMSG},
	{"half a count", {0, 0}, 2, -EBADMSG},
	{"three parts", {L(3), L(0), L(0), L(0)}, 16, -EBADMSG},
	{"lengths cut", {L(4), L(0), L(0), L(0)}, 16, -EBADMSG},
	{"a byte missing", {L(4), L(0), L(0), L(0), L(1)}, 20, -EBADMSG},
	{"a byte left", {L(4), L(0), L(0), L(0), L(0), 1}, 21, -EBADMSG},
	{"a length that wraps", {L(4), 255, 255, 255, 255, L(1), L(0), L(0)}, 20, -EBADMSG},
	{"too many parts", {L(65)}, 4, -EMSGSIZE},
	{"far too many parts", {255, 255, 255, 255}, 4, -EMSGSIZE},
};

static void test_unpack(struct check *check)
{
	struct link_parts parts;

	for (size_t i = 0; i < COUNT_OF(blob_rows); i++) {
		const struct blob_row *row = &blob_rows[i];
		uint8_t *copy = malloc(row->len > 0 ? row->len : 1);

		check_row(check, row->name);
		memcpy(copy, row->bytes, row->len);
		CHECK_EQ(check, link_parts_unpack(copy, row->len, &parts), row->want);
		free(copy);
	}
	check_row(check, NULL);
	CHECK_EQ(check, link_parts_unpack(blob_rows[0].bytes, LINK_MESSAGE_MAX + 1, &parts),
		 -EMSGSIZE);
}

static void test_pack(struct check *check)
{
	struct link_parts parts = {.count = 5, .part = {slice("{\"a\":1}"), slice("{}"),
							slice("{}"), slice("{\"b\":[]}"),
							{NULL, 0}}};
	struct link_parts got;
	uint8_t buf[128];
	size_t len = 0;

	CHECK_EQ(check, link_parts_pack(&parts, buf, sizeof(buf), &len), 0);
	CHECK_EQ(check, len, link_parts_size(&parts));
	CHECK_EQ(check, link_parts_unpack(buf, len, &got), 0);
	CHECK_EQ(check, got.count, 5);
	CHECK(check, got.part[3].len == 8 && memcmp(got.part[3].data, "{\"b\":[]}", 8) == 0);
	CHECK_EQ(check, got.part[4].len, 0);
	CHECK_EQ(check, link_parts_pack(&parts, buf, len - 1, &len), -ENOBUFS);
	CHECK_EQ(check, link_parts_pack(&parts, NULL, 0, &len), -ENOBUFS);
	parts.part[4].len = LINK_MESSAGE_MAX;
	CHECK_EQ(check, link_parts_size(&parts), 0);
	CHECK_EQ(check, link_parts_pack(&parts, buf, sizeof(buf), &len), -EMSGSIZE);
	parts.part[4].len = SIZE_MAX;
	CHECK_EQ(check, link_parts_size(&parts), 0);
	parts.part[4].len = 0;
	parts.count = 3;
	CHECK_EQ(check, link_parts_size(&parts), 0);
	parts.count = LINK_PARTS_MAX + 1;
	CHECK_EQ(check, link_parts_size(&parts), 0);
}

struct dicts_row {
	const char *name;
	const char *part[4];
	int want;
};

static const struct dicts_row dicts_rows[] = {
	{"objects", {"{}", "{}", "{}", "{}"}, 0},
	{"parent null", {"{}", "null", "{}", "{}"}, 0},
	{"header null", {"null", "{}", "{}", "{}"}, -EBADMSG},
	{"content null", {"{}", "{}", "{}", "null"}, -EBADMSG},
	{"metadata a list", {"{}", "{}", "[]", "{}"}, -EBADMSG},
	{"content empty", {"{}", "{}", "{}", ""}, -EBADMSG},
	{"content cut", {"{}", "{}", "{}", "{\"a\":"}, -EBADMSG},
	{"content NaN", {"{}", "{}", "{}", "{\"a\":NaN}"}, -EBADMSG},
};

static void test_dicts(struct check *check)
{
	for (size_t i = 0; i < COUNT_OF(dicts_rows); i++) {
		struct link_parts parts = {.count = 4};

		check_row(check, dicts_rows[i].name);
		for (size_t part = 0; part < 4; part++)
			parts.part[part] = slice(dicts_rows[i].part[part]);
		CHECK_EQ(check, link_parts_check(&parts), dicts_rows[i].want);
	}
	check_row(check, NULL);
}

struct header_row {
	const char *json;
	int error;
	const char *msg_id, *msg_type, *session;
};

static const struct header_row header_rows[] = {
	{"{\"msg_id\":\"1\",\"msg_type\":\"status\",\"session\":\"s\",\"date\":1.5}", 0,
	 "1", "status", "s"},
	{"{}", 0, "", "", ""},
	{"null", 0, "", "", ""},
	{"{\"msg_id\":null}", 0, "", "", ""},
	{"{\"msg_id\":1}", -EBADMSG, NULL, NULL, NULL},
	{"{\"msg_id\":\"a\",\"msg_id\":\"b\"}", -EBADMSG, NULL, NULL, NULL},
	{"{\"msg_type\":\"0123456789012345678901234567890123456789012345678901234567890123\"}",
	 -EBADMSG, NULL, NULL, NULL},
	{"[]", -EBADMSG, NULL, NULL, NULL},
	{"", -EBADMSG, NULL, NULL, NULL},
};

static void test_headers(struct check *check)
{
	struct link_header header;

	for (size_t i = 0; i < COUNT_OF(header_rows); i++) {
		const struct header_row *row = &header_rows[i];

		check_row(check, row->json);
		CHECK_EQ(check, link_header_get(slice(row->json), &header), row->error);
		if (row->error != 0)
			continue;
		CHECK(check, strcmp(header.msg_id, row->msg_id) == 0);
		CHECK(check, strcmp(header.msg_type, row->msg_type) == 0);
		CHECK(check, strcmp(header.session, row->session) == 0);
	}
	check_row(check, NULL);
}

int main(void)
{
	struct check check = {0};

	test_unpack(&check);
	test_pack(&check);
	test_dicts(&check);
	test_headers(&check);
	return CHECK_DONE(&check);
}
