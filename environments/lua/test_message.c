/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "environments/lua/message.h"
#include "environments/lua/text.h"
#include "link/check.h"

#define QUOTE_MAX 512u

static const struct jupyter_key key = {
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"};

static void compose(struct check *check, struct session *session, struct frames *frames)
{
	json_t *content = json_pack("{s:s}", "code", "1");

	frames_init(frames);
	CHECK_EQ(check, frames_add(frames, "ident", 5), 0);
	CHECK_EQ(check, message_make(session, "execute_request", NULL, content, frames), 0);
	json_decref(content);
}

static void test_round(struct check *check, struct session *session)
{
	struct frames frames, reply;
	struct request request;
	json_t *content = json_object();

	compose(check, session, &frames);
	CHECK_EQ(check, request_take(session, &frames, 0, &request), 0);
	CHECK_EQ(check, frames.count, 0);
	CHECK(check, !strcmp(request.header.msg_type, "execute_request"));
	CHECK(check, !strcmp(request.header.session, session->id));
	CHECK(check, !strcmp(json_string_value(json_object_get(request.content, "code")), "1"));

	/* A reply has the request's idents in front and its header, byte for byte, as parent. */
	frames_init(&reply);
	CHECK_EQ(check, message_reply(session, "execute_reply", &request, content, &reply), 0);
	CHECK_EQ(check, reply.count, 7);
	CHECK(check, frames_get(&reply, 0).len == 5);
	CHECK(check, frames_get(&reply, 4).len == request_parent(&request).len &&
			     !memcmp(frames_get(&reply, 4).data, request_parent(&request).data,
				     request_parent(&request).len));
	json_decref(content);
	frames_clear(&reply);
	request_clear(&request);
}

/* One bit of any of the four dicts or the signature changed: refused, and nothing kept. */
static void test_tampered(struct check *check, struct session *session)
{
	for (size_t part = 2; part < 7; part++) {
		struct frames frames;
		struct request request;

		compose(check, session, &frames);
		((uint8_t *)zmq_msg_data(&frames.part[part]))[0] ^= 1;
		CHECK(check, request_take(session, &frames, 0, &request) < 0);
		CHECK(check, frames.count == 0 && request.frames.count == 0);
		CHECK(check, request.content == NULL);
	}
}

static void test_too_large(struct check *check, struct session *session)
{
	size_t len = MESSAGE_CONTENT_MAX + 1;
	char *text = malloc(len);
	struct frames frames;
	json_t *content;

	memset(text, 'x', len);
	content = json_pack("{s:o}", "text", json_text(text, len));
	frames_init(&frames);
	CHECK_EQ(check, message_make(session, "stream", NULL, content, &frames), -EMSGSIZE);
	frames_clear(&frames);
	json_decref(content);
	free(text);
}

static void test_frames(struct check *check)
{
	struct frames frames, other;

	frames_init(&frames);
	frames_init(&other);
	for (size_t i = 0; i < FRAMES_MAX; i++)
		CHECK_EQ(check, frames_add(&frames, "x", 1), 0);
	CHECK_EQ(check, frames_add(&frames, "x", 1), -EMSGSIZE);
	CHECK_EQ(check, frames_add(&other, "y", 1), 0);
	CHECK_EQ(check, frames_move(&other, &frames, 0), -EMSGSIZE);
	CHECK_EQ(check, frames.count, FRAMES_MAX);
	CHECK_EQ(check, frames_move(&other, &frames, 2), 0);
	CHECK_EQ(check, frames.count, 2);
	CHECK_EQ(check, other.count, FRAMES_MAX - 1);
	frames_clear(&frames);
	frames_clear(&other);
}

static const struct {
	const char *text;
	size_t len;
	const char *clean;
} texts[] = {
	{"caf\xc3\xa9", 5, "caf\xc3\xa9"},
	{"\xff", 1, "\xef\xbf\xbd"},
	{"a\xc3", 2, "a\xef\xbf\xbd"},
	{"\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	{"\xc0\xaf", 2, "\xef\xbf\xbd\xef\xbf\xbd"},
	{"\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80"},
	{"", 0, ""},
};

static void test_text(struct check *check)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char clean[64] = "";
		size_t len = text_clean(texts[i].text, texts[i].len, clean);
		json_t *json = json_text(texts[i].text, texts[i].len);

		CHECK(check, len == strlen(texts[i].clean) && !memcmp(clean, texts[i].clean, len));
		CHECK(check, json && !strcmp(json_string_value(json), texts[i].clean));
		json_decref(json);
	}
}

/* What a JSON library makes of the same text, byte for byte: all bytes, and letters of all lengths. */
static void quote_one(struct check *check, const char *text, size_t len)
{
	char quoted[QUOTE_MAX * TEXT_QUOTED_FACTOR + 3] = "\"";
	size_t size = 1 + text_quote(text, len, quoted + 1);
	json_t *json = json_text(text, len);
	char *want = json_dumps(json, JSON_ENCODE_ANY);

	memcpy(quoted + size, "\"", 2);
	CHECK(check, want && strlen(want) == size + 1 && !memcmp(want, quoted, size + 1));
	free(want);
	json_decref(json);
}

static void test_quote(struct check *check)
{
	static const char *const pieces[] = {
		"plain text, longer than a word", "\"", "\\", "\n", "\x01", "\x7f", "\xc3\xa9",
		"\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xff", "\xc3", "\xed\xa0\x80", "/", "",
	};
	char text[QUOTE_MAX];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		quote_one(check, texts[i].text, texts[i].len);
	for (int i = 0; i < 256; i++) {
		memset(text, i, 20);
		quote_one(check, text, 20);
	}
	srandom(1);
	for (int i = 0; i < 2000; i++) {
		size_t len = 0;

		for (int j = 0; j < 10; j++) {
			const char *piece = pieces[(size_t)random() %
						   (sizeof(pieces) / sizeof(pieces[0]))];

			/* A NUL now and then: the end of a piece's own. */
			memcpy(text + len, piece, strlen(piece) + 1);
			len += strlen(piece) + (random() % 8 == 0);
		}
		quote_one(check, text, len);
	}
}

int main(void)
{
	struct check check = {0};
	struct session session;

	CHECK_EQ(&check, session_new(&key, &session), 0);
	test_round(&check, &session);
	test_tampered(&check, &session);
	test_too_large(&check, &session);
	test_frames(&check);
	test_text(&check);
	test_quote(&check);
	return CHECK_DONE(&check);
}
