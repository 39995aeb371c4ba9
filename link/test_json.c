/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "link/check.h"
#include "link/json_scan.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct link_slice slice(const char *text)
{
	return (struct link_slice){(const uint8_t *)text, strlen(text)};
}

/* Checked in a buffer of exactly its length, so that a sanitizer sees a read past its end. */
static int check_text(const char *text, size_t len, enum json_kind *ret_kind)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	int error;

	memcpy(copy, text, len);
	error = json_check(copy, len, ret_kind);
	free(copy);
	return error;
}

static const char *const good[] = {
	"{}", "[]", " \t\r\n{ } ", "null", "true", "false", "0", "-0", "-1.5e+10", "1E5", "1e-2",
	"0.1", "\"\"", "\"a\\\"b\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"", "\"\\ud800\"", "\"\x7f\"",
	"[1,2 , 3]", "{\"a\":{\"b\":[{}]}}", "{\"a\":1,\"a\":2}",
	"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
	"\"0123456789abcdef0123456789\"", "\"01234567\xc3\xa9 1234567890\\n123456789012345\"",
	"[[],[],{}]", "123456789012345678901234567890", "\"\xf4\x8f\xbf\xbf\"",
};

static const char *const bad[] = {
	"", " ", "{", "}", "[", "]", "{]", "[}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "[1,]",
	"[,1]", "{,}", "{a:1}", "{'a':1}", "{1:2}", "nul", "nulll", "True", "NaN", "Infinity",
	"-Infinity", "-", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "0x10", "\"", "\"a",
	"\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\n\"", "\"0123456\x01\"", "1 2",
	"{} {}", "[1 2]", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "\xef\xbb\xbf{}", "/**/{}",
	"\"\xc0\x80\"", "\"\xe0\x80\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"",
	"\"\xf8\x88\x80\x80\x80\"", "\"\x80\"", "\"\xc3\"", "\"\xe2\x82\"", "\"\xff\"",
	"\"\xf0\x8f\xbf\xbf\"",
};

/* Each byte but the plain ones ends the run, wherever it stands. */
static void test_plain(struct check *check)
{
	uint8_t text[300]; /* words, a run, blocks, words, and bytes */

	for (unsigned byte = 0; byte < 256; byte++) {
		const bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';

		for (size_t at = 0; at < sizeof(text); at++) {
			memset(text, 'x', sizeof(text));
			text[at] = (uint8_t)byte;
			CHECK(check, json_plain(text, text + sizeof(text)) ==
					     (plain ? sizeof(text) : at));
		}
	}
	CHECK(check, json_plain(text, text) == 0);
}

/* The first of several that are not plain ends it, from wherever it is looked for. */
static void test_plain_first(struct check *check)
{
	uint8_t text[300];
	uint32_t random = 1;

	for (unsigned round = 0; round < 300; round++) {
		size_t first = sizeof(text);

		for (size_t i = 0; i < sizeof(text); i++) {
			random = random * 1664525u + 1013904223u;
			text[i] = random >> 24 > round % 32 ? 'x' : (uint8_t)(random >> 16);
		}
		for (size_t at = sizeof(text); at-- > 0;) {
			if (text[at] < 0x20 || text[at] >= 0x80 || text[at] == '"' ||
			    text[at] == '\\')
				first = at;
			CHECK(check,
			      json_plain(text + at, text + sizeof(text)) == first - at);
		}
	}
}

static void test_rows(struct check *check)
{
	enum json_kind kind;

	for (size_t i = 0; i < COUNT_OF(good); i++) {
		check_row(check, good[i]);
		CHECK_EQ(check, check_text(good[i], strlen(good[i]), &kind), 0);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		check_row(check, bad[i]);
		CHECK_EQ(check, check_text(bad[i], strlen(bad[i]), &kind), -EBADMSG);
	}
	check_row(check, "a NUL after the text");
	CHECK_EQ(check, check_text("{}", 3, &kind), -EBADMSG);
	check_row(check, NULL);
}

/* Every byte, in every place of a word of eight, against what a string may hold. */
static void test_plain_bytes(struct check *check)
{
	for (size_t place = 0; place < 10; place++) {
		for (unsigned int byte = 0; byte < 256; byte++) {
			char text[] = "\"aaaaaaaaaaaaaaaaaa\"";
			const size_t len = sizeof(text) - 1;
			bool want = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
			enum json_kind kind;

			text[1 + place] = (char)byte;
			CHECK_EQ(check, check_text(text, len, &kind) == 0, want);
		}
	}
}

static void test_depth(struct check *check)
{
	char text[2 * JSON_DEPTH_MAX + 4] = "";
	enum json_kind kind;

	for (size_t depth = 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		CHECK_EQ(check, check_text(text, 2 * depth, &kind),
			 depth <= JSON_DEPTH_MAX ? 0 : -EBADMSG);
	}
}

struct member_row {
	const char *text;
	const char *name;
	const char *want; /* NULL: error */
	int error;
};

static const struct member_row member_rows[] = {
	{"{\"a\":1}", "a", "1", 0},
	{"{ \"x\" : [1, {\"a\":2}] , \"a\" : {\"b\": 3} }", "a", "{\"b\": 3}", 0},
	{"{\"\\u0061\":\"v\"}", "a", "\"v\"", 0},
	{"{\"b\":{\"a\":1}}", "a", NULL, -ENOENT},
	{"{}", "a", NULL, -ENOENT},
	{"{\"a\":1,\"a\":2}", "a", NULL, -EBADMSG},
	{"{\"a\":1,\"\\u0061\":2}", "a", NULL, -EBADMSG},
	{"{\"b\":1,\"b\":2,\"a\":3}", "a", "3", 0},
	{"{\"a\":1} ", "a", "1", 0},
	{"{\"a\":1}x", "a", NULL, -EBADMSG},
	{"[\"a\",1]", "a", NULL, -EBADMSG},
	{"null", "a", NULL, -EBADMSG},
	{"", "a", NULL, -EBADMSG},
	{"{\"a\":}", "a", NULL, -EBADMSG},
	{"{\"a\\u0000\":1}", "a", NULL, -ENOENT},
	{"{\"a\\ud800\":1,\"a\":null}", "a", "null", 0},
};

static void test_members(struct check *check)
{
	const char *const names[] = {"one", "three", "none"};
	const struct link_slice three = slice("{\"three\":3,\"one\":{},\"two\":2}");
	struct link_slice value[3];

	for (size_t i = 0; i < COUNT_OF(member_rows); i++) {
		const struct member_row *row = &member_rows[i];

		check_row(check, row->text);
		CHECK_EQ(check, json_member(slice(row->text).data, strlen(row->text), row->name,
					    &value[0]), row->error);
		if (row->want != NULL)
			CHECK(check, value[0].len == strlen(row->want) &&
				     memcmp(value[0].data, row->want, value[0].len) == 0);
	}
	check_row(check, NULL);
	CHECK_EQ(check, json_members(three.data, three.len, names, 3, value), 0);
	CHECK_EQ(check, json_kind_of(value[0]), JSON_OBJECT);
	CHECK_EQ(check, json_kind_of(value[1]), JSON_NUMBER);
	CHECK(check, value[2].data == NULL && value[2].len == 0);
}

struct string_row {
	const char *raw;
	const char *want;
	int error;
};

static const struct string_row string_rows[] = {
	{"\"\"", "", 0},
	{"\"abc\"", "abc", 0},
	{"\"1234567\"", "1234567", 0},
	{"\"12345678\"", NULL, -ENOBUFS},
	{"\"12345\xe2\x82\xac\"", NULL, -ENOBUFS},
	{"\"\\u00e9\\n\"", "\xc3\xa9\n", 0},
	{"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80", 0},
	{"\"\\ud83d\"", NULL, -EBADMSG},
	{"\"\\ud83d\\u0041\"", NULL, -EBADMSG},
	{"\"\\ude00\"", NULL, -EBADMSG},
	{"\"\\u0000\"", NULL, -EBADMSG},
	{"\"\\q\"", NULL, -EBADMSG},
	{"\"\\", NULL, -EBADMSG},
	{"\"", NULL, -EBADMSG},
	{"12", NULL, -EBADMSG},
	{"", NULL, -EBADMSG},
	{"\"a\"b\"", NULL, -EBADMSG},
	{"\"\xff\"", NULL, -EBADMSG},
};

static void test_strings(struct check *check)
{
	char text[8];

	for (size_t i = 0; i < COUNT_OF(string_rows); i++) {
		const struct string_row *row = &string_rows[i];

		check_row(check, row->raw);
		CHECK_EQ(check, json_string_get(slice(row->raw), text, sizeof(text)), row->error);
		CHECK(check, strcmp(text, row->want == NULL ? "" : row->want) == 0);
	}
	check_row(check, NULL);
}

int main(void)
{
	struct check check = {0};

	test_rows(&check);
	test_plain(&check);
	test_plain_first(&check);
	test_plain_bytes(&check);
	test_depth(&check);
	test_members(&check);
	test_strings(&check);
	return CHECK_DONE(&check);
}
