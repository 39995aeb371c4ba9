/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/test.h"
#include "conf/value.h"

struct object {
	char one[64];
	uint32_t number;
	unsigned many;
};

static int set_one(void *object, const char *value)
{
	return snprintf(((struct object *)object)->one, 64, "%s", value) < 64 ? 0 : -EINVAL;
}

static int set_number(void *object, const char *value)
{
	return value_u32(value, 1, 10, &((struct object *)object)->number);
}

static int set_many(void *object, const char *value)
{
	struct object *o = object;

	(void)value;
	return o->many == 2 ? -ENOSPC : (o->many++, 0);
}

static const struct conf_key keys[] = {
	{"one", set_one, CONF_REQUIRED, "a short text"},
	{"number", set_number, 0, "a number from 1 to 10"},
	{"many", set_many, CONF_REPEATED, "anything"},
};

static int parse(const char *text, size_t len, struct object *ret_object, struct conf_error *error)
{
	memset(ret_object, 0, sizeof(*ret_object));
	memset(error, 0, sizeof(*error));
	return conf_parse(text, len, keys, 3, ret_object, error);
}

static void test_good(void)
{
	static const struct {
		const char *text, *one;
		unsigned number, many;
	} rows[] = {
		{"one = a", "a", 0, 0},
		{"one=a\n", "a", 0, 0},
		{"\n\n  # c\xc3\xb6mment = x\n\tone \t=\t a b  \n", "a b", 0, 0},
		{"number = 10\none = x = y # z", "x = y # z", 10, 0},
		{"many = 1\nmany = 2\none = \"q\"\n", "\"q\"", 0, 2},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct object o;
		struct conf_error e;

		CHECK_ROW(parse(rows[i].text, strlen(rows[i].text), &o, &e) == 0, rows[i].text);
		CHECK_ROW(strcmp(o.one, rows[i].one) == 0, rows[i].text);
		CHECK_ROW(o.number == rows[i].number && o.many == rows[i].many, rows[i].text);
	}
}

static void test_bad(void)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *error;
	} rows[] = {
		{"", 0, "no one given: expected a short text"},
		{"# one = 1\n", 0, "no one given: expected a short text"},
		{"one", 1, "line 1: expected key = value: \"one\""},
		{"one =", 1, "line 1: expected a value after =: \"one =\""},
		{"one = \t \n", 1, "line 1: expected a value after =: \"one =\""},
		{"= x", 1, "line 1: expected a key before =: \"= x\""},
		{"one = a\none = b", 2, "line 2: key given twice: \"one\""},
		{"one = a\n\nother = b", 3, "line 3: unknown key: \"other\""},
		{"One = a", 1, "line 1: not a key: \"One\""},
		{"o ne = a", 1, "line 1: not a key: \"o ne\""},
		{"number = 11", 1, "line 1: number = \"11\": expected a number from 1 to 10"},
		{"number = 01", 1, "line 1: number = \"01\": expected a number from 1 to 10"},
		{"one = \xc3\xb6", 1, "line 1: one = \"\\xc3\\xb6\": expected printable ASCII"},
		{"one = a\r\n", 1, "line 1: a control byte: \"one = a\\x0d\""},
		{"# \x1b[2J\none = a", 1, "line 1: a control byte: \"# \\x1b[2J\""},
		{"one = \x7f", 1, "line 1: a control byte: \"one = \\x7f\""},
		{"many = 1\nmany = 2\nmany = 3", 3, "line 3: key given too often: \"many\""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct object o;
		struct conf_error e;

		CHECK_ROW(parse(rows[i].text, strlen(rows[i].text), &o, &e) == -EINVAL, rows[i].text);
		CHECK_ROW(e.line == rows[i].line, rows[i].text);
		CHECK_ROW(strcmp(e.text, rows[i].error) == 0, e.text);
	}
}

static void test_ceilings(void)
{
	static char text[CONF_FILE_MAX + 1];
	struct object o;
	struct conf_error e;

	memset(text, '#', sizeof(text));
	CHECK(parse(text, sizeof(text), &o, &e) == -EFBIG);
	CHECK(parse(text, CONF_LINE_MAX + 1, &o, &e) == -EFBIG && e.line == 1);
	CHECK(strlen(e.text) < 120 && strstr(e.text, "...\"") != NULL);
	CHECK(parse(text, CONF_LINE_MAX, &o, &e) == -EINVAL && e.line == 0);
	memcpy(text, "one = ", 6);
	CHECK(parse(text, CONF_LINE_MAX, &o, &e) == -EINVAL && e.line == 1);
	CHECK(parse("one = a\0b", 9, &o, &e) == -EINVAL && e.line == 1);
	for (size_t i = 0; i < sizeof(text) - 8; i += 8)
		memcpy(text + i, "many=ab\n", 8);
	CHECK(parse(text, (CONF_LINES_MAX + 2) * 8, &o, &e) == -EINVAL); /* set refuses first */
}

static void test_file(void)
{
	char dir[] = "/tmp/test-conf-XXXXXX", path[64], other[64], *text = NULL;
	size_t len = 0;
	FILE *file;

	CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/a", dir);
	snprintf(other, sizeof(other), "%s/b", dir);
	CHECK(conf_read_file(path, 10, &text, &len) == -ENOENT);
	CHECK(conf_read_file(dir, 10, &text, &len) == -EINVAL);
	file = fopen(path, "w");
	CHECK(file && fputs("0123456789", file) >= 0 && fclose(file) == 0);
	CHECK(conf_read_file(path, 9, &text, &len) == -EFBIG);
	CHECK(conf_read_file(path, 10, &text, &len) == 0 && len == 10 && text[10] == '\0');
	free(text);
	CHECK(symlink(path, other) == 0);
	CHECK(conf_read_file(other, 10, &text, &len) == -ELOOP);
	CHECK(unlink(other) == 0 && mkfifo(other, 0600) == 0);
	CHECK(conf_read_file(other, 10, &text, &len) == -EINVAL);
	CHECK(unlink(other) == 0 && unlink(path) == 0 && rmdir(dir) == 0);
}

int main(void)
{
	test_good();
	test_bad();
	test_ceilings();
	test_file();
	return TEST_RESULT();
}
