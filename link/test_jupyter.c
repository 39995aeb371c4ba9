/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "link/check.h"
#include "link/json_scan.h"
#include "link/jupyter.h"
#include "link/secret.h"

#define FRAMES_MAX (JUPYTER_FRAMES_MAX + 2)
/* From another implementation: Python's hmac, over {"msg_id":"1"} {} {} {"code":"1+1"}. */
#define SIGNATURE "70532f1199fb6a00fb86aa2afae441be66ecf2586bd57eee311316117f5e2ce6"

static const uint8_t random_bytes[32] = {0,  1,	 2,  3,	 4,  5,	 6,  7,	 8,  9,	 10,
					 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
					 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

static struct link_slice slice(const char *text)
{
	return (struct link_slice){(const uint8_t *)text, strlen(text)};
}

struct frames_row {
	const char *name;
	const char *frames[12];
	int parsed;   /* of jupyter_parse() */
	int verified; /* of jupyter_verify() */
};

static const char wrong[] = "0000000000000000000000000000000000000000000000000000000000000000";

static const struct frames_row frames_rows[] = {
	{"plain", {"<IDS|MSG>", SIGNATURE, "{\"msg_id\":\"1\"}", "{}", "{}",
		   "{\"code\":\"1+1\"}"}, 0, 0},
	{"idents", {"a", "session8", "<IDS|MSG>", SIGNATURE, "{\"msg_id\":\"1\"}", "{}", "{}",
		    "{\"code\":\"1+1\"}"}, 0, 0},
	{"a buffer is not signed", {"<IDS|MSG>", SIGNATURE, "{\"msg_id\":\"1\"}", "{}", "{}",
				    "{\"code\":\"1+1\"}", "buffer"}, 0, 0},
	{"dicts cut elsewhere", {"<IDS|MSG>", SIGNATURE, "{\"msg_id\":\"1\"}{", "}", "{}",
				 "{\"code\":\"1+1\"}"}, 0, 0}, /* the HMAC's own
				 weakness: the parts' JSON is checked for this (parts.h) */
	{"content changed", {"<IDS|MSG>", SIGNATURE, "{\"msg_id\":\"1\"}", "{}", "{}",
			     "{\"code\":\"1+2\"}"}, 0, -EACCES},
	{"wrong signature", {"<IDS|MSG>", wrong, "{}", "{}", "{}", "{}"}, 0, -EACCES},
	{"no signature", {"<IDS|MSG>", "", "{}", "{}", "{}", "{}"}, -EBADMSG, 0},
	{"short signature", {"<IDS|MSG>", "ab", "{}", "{}", "{}", "{}"}, -EBADMSG, 0},
	{"no delimiter", {"a", SIGNATURE, "{}", "{}", "{}", "{}"}, -EBADMSG, 0},
	{"delimiter alone", {"<IDS|MSG>"}, -EBADMSG, 0},
	{"three dicts", {"<IDS|MSG>", SIGNATURE, "{}", "{}", "{}"}, -EBADMSG, 0},
	{"an empty dict frame", {"<IDS|MSG>", SIGNATURE, "{}", "", "{}", "{}"}, -EBADMSG, 0},
	{"nothing", {NULL}, -EBADMSG, 0},
	{"too many idents", {"1", "2", "3", "4", "5", "6", "7", "8", "9", "<IDS|MSG>", SIGNATURE},
	 -EMSGSIZE, 0},
};

static void test_rows(struct check *check)
{
	struct jupyter_message message;
	struct link_slice frames[12];
	struct jupyter_key key;

	jupyter_key_make(random_bytes, &key);
	CHECK_EQ(check, strlen(key.hex), JUPYTER_KEY_LEN);
	for (size_t i = 0; i < sizeof(frames_rows) / sizeof(frames_rows[0]); i++) {
		const struct frames_row *row = &frames_rows[i];
		size_t count = 0;

		check_row(check, row->name);
		for (; count < 12 && row->frames[count] != NULL; count++)
			frames[count] = slice(row->frames[count]);
		CHECK_EQ(check, jupyter_parse(frames, count, &message), row->parsed);
		if (row->parsed == 0)
			CHECK_EQ(check, jupyter_verify(&key, &message), row->verified);
	}
	check_row(check, "second row of the table");
	for (size_t i = 0; i < 8; i++)
		frames[i] = slice(frames_rows[1].frames[i]);
	CHECK_EQ(check, jupyter_parse(frames, 8, &message), 0);
	CHECK(check, message.idents_count == 2 && message.ident[1].len == 8);
	CHECK(check, message.parts.count == 4 && message.parts.part[LINK_CONTENT].len == 14);
	check_row(check, NULL);
}

static void test_ceilings(struct check *check)
{
	struct link_slice frames[FRAMES_MAX];
	struct jupyter_message message;
	static char ident[JUPYTER_IDENT_MAX + 2];

	for (size_t i = 0; i < FRAMES_MAX; i++)
		frames[i] = slice("{}");
	frames[0] = slice(JUPYTER_DELIMITER);
	frames[1] = slice(SIGNATURE);
	CHECK_EQ(check, jupyter_parse(frames, 2 + LINK_PARTS_MAX, &message), 0);
	CHECK_EQ(check, jupyter_parse(frames, 3 + LINK_PARTS_MAX, &message), -EMSGSIZE);
	CHECK_EQ(check, jupyter_parse(frames, FRAMES_MAX, &message), -EMSGSIZE);
	frames[6].len = LINK_MESSAGE_MAX; /* never read */
	CHECK_EQ(check, jupyter_parse(frames, 7, &message), -EMSGSIZE);
	memset(ident, 'i', sizeof(ident) - 1);
	frames[2] = slice(SIGNATURE);
	frames[1] = slice(JUPYTER_DELIMITER);
	frames[6] = slice("{}");
	frames[0] = slice(ident);
	CHECK_EQ(check, jupyter_parse(frames, 7, &message), -EMSGSIZE);
	frames[0].len--;
	CHECK_EQ(check, jupyter_parse(frames, 7, &message), 0);
}

static int connection(const struct jupyter_key *key, const char *prefix, char *buf, size_t size,
		      size_t *ret_len)
{
	return jupyter_connection_write(key, prefix, "python", buf, size, ret_len);
}

static void test_connection(struct check *check)
{
	struct link_slice value;
	struct jupyter_key key;
	char buf[JUPYTER_CONNECTION_MAX], text[JUPYTER_KEY_LEN + 1], path[128];
	size_t len = 0;

	jupyter_key_make(random_bytes, &key);
	CHECK_EQ(check, connection(&key, "/run/kernel/k1", buf, sizeof(buf), &len), 0);
	CHECK_EQ(check, json_member((uint8_t *)buf, len, "key", &value), 0);
	CHECK_EQ(check, json_string_get(value, text, sizeof(text)), 0);
	CHECK(check, strcmp(text, key.hex) == 0);
	CHECK_EQ(check, json_member((uint8_t *)buf, len, "hb_port", &value), 0);
	CHECK(check, value.len == 1 && value.data[0] == '5');
	CHECK_EQ(check, connection(&key, "/run/k\"", buf, sizeof(buf), &len), -EINVAL);
	CHECK_EQ(check, connection(&key, "", buf, sizeof(buf), &len), -EINVAL);
	memset(path, 'a', sizeof(path));
	path[105] = '\0';
	CHECK_EQ(check, connection(&key, path, buf, sizeof(buf), &len), 0);
	path[105] = 'a';
	path[106] = '\0';
	CHECK_EQ(check, connection(&key, path, buf, sizeof(buf), &len), -EINVAL);
	CHECK_EQ(check, connection(&key, "/k", buf, 100, &len), -ENOBUFS);
	CHECK(check, memchr(buf, 'k', 100) == NULL); /* half a secret does not stay */
}

static void test_secret(struct check *check)
{
	char a[] = "0123456789", b[] = "0123456789";

	CHECK(check, secret_equal(a, b, 10) && secret_equal(a, b, 0));
	b[9] = 'x';
	CHECK(check, !secret_equal(a, b, 10) && secret_equal(a, b, 9));
	secret_wipe(a, sizeof(a));
	for (size_t i = 0; i < sizeof(a); i++)
		CHECK_EQ(check, a[i], 0);
}

int main(void)
{
	struct check check = {0};

	test_rows(&check);
	test_ceilings(&check);
	test_connection(&check);
	test_secret(&check);
	return CHECK_DONE(&check);
}
