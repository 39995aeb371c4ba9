/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/gateway/framing.h"
#include "link/check.h"

#define HEADER                                                                                     \
	"{\"msg_id\":\"a\",\"msg_type\":\"x_request\",\"big\":12345678901234567890,\"date\":1.25}"

static struct link_slice text(const char *string)
{
	return (struct link_slice){(const uint8_t *)string, strlen(string)};
}

static bool is(struct link_slice slice, const char *string)
{
	return slice.len == strlen(string) && memcmp(slice.data, string, slice.len) == 0;
}

static int parse(enum framing framing, bool binary, const char *data,
		 struct framing_message *message)
{
	return framing_parse(framing, binary, (const uint8_t *)data, strlen(data), message);
}

/* ---- legacy, from the client ---- */

static void test_legacy_good(struct check *check)
{
	static const struct {
		const char *text;
		enum link_channel channel;
		const char *content;
	} ROW[] = {
		{"{\"header\":" HEADER ",\"content\":{\"code\":\"1\"},\"channel\":\"shell\"}",
		 LINK_SHELL, "{\"code\":\"1\"}"},
		{"{\"header\":" HEADER ",\"channel\":\"control\",\"buffers\":[]}", LINK_CONTROL,
		 "{}"},
		{" {\"channel\" : \"stdin\", \"content\" : { } , \"header\" : " HEADER " } \n",
		 LINK_STDIN, "{ }"},
		{"{\"header\":" HEADER "}", LINK_SHELL, "{}"},
		{"{\"header\":" HEADER ",\"channel\":null}", LINK_SHELL, "{}"},
		{"{\"header\":" HEADER ",\"content\":{\"e\":\"\\u00e4\\ud83d\\ude00\"}}",
		 LINK_SHELL, "{\"e\":\"\\u00e4\\ud83d\\ude00\"}"},
		{"{\"header\":" HEADER ",\"parent_header\":null,\"metadata\":{}}", LINK_SHELL,
		 "{}"},
	};
	struct framing_message message;

	for (size_t i = 0; i < sizeof(ROW) / sizeof(ROW[0]); i++) {
		check_row(check, ROW[i].text);
		if (!CHECK_EQ(check, parse(FRAMING_LEGACY, false, ROW[i].text, &message), 0))
			continue;
		CHECK_EQ(check, message.channel, ROW[i].channel);
		CHECK_EQ(check, message.parts.count, 4);
		/* Byte for byte: what is signed is what the client wrote. */
		CHECK(check, is(message.parts.part[LINK_HEADER], HEADER));
		CHECK(check, is(message.parts.part[LINK_CONTENT], ROW[i].content));
		CHECK(check, strcmp(message.header.msg_id, "a") == 0);
		CHECK(check, strcmp(message.header.msg_type, "x_request") == 0);
	}
	check_row(check, NULL);
}

static void test_legacy_bad(struct check *check)
{
	static const struct {
		const char *text;
		int error;
	} ROW[] = {
		{"", -EBADMSG},
		{"{", -EBADMSG},
		{"[]", -EBADMSG},
		{"{}", -EBADMSG},
		{"null", -EBADMSG},
		{"{\"header\":{}}", -EBADMSG},
		{"{\"header\":7}", -EBADMSG},
		{"{\"header\":{\"msg_id\":\"a\"}}", -EBADMSG},
		{"{\"header\":{\"msg_id\":1,\"msg_type\":\"x\"}}", -EBADMSG},
		{"{\"header\":" HEADER ",\"header\":" HEADER "}", -EBADMSG},
		{"{\"header\":" HEADER ",\"content\":[]}", -EBADMSG},
		{"{\"header\":" HEADER ",\"content\":null}", -EBADMSG},
		{"{\"header\":" HEADER ",\"metadata\":\"\"}", -EBADMSG},
		{"{\"header\":" HEADER ",\"content\":{\"x\":NaN}}", -EBADMSG},
		{"{\"header\":" HEADER ",\"content\":{\"x\":\"\xff\"}}", -EBADMSG},
		{"{\"header\":" HEADER "} x", -EBADMSG},
		{"{\"header\":" HEADER ",\"channel\":\"iopub\"}", -ENXIO},
		{"{\"header\":" HEADER ",\"channel\":\"hb\"}", -ENXIO},
		{"{\"header\":" HEADER ",\"channel\":\"\"}", -ENXIO},
		{"{\"header\":" HEADER ",\"channel\":\"shellshellshellshell\"}", -ENXIO},
		{"{\"header\":" HEADER ",\"channel\":1}", -EBADMSG},
	};
	struct framing_message message;

	for (size_t i = 0; i < sizeof(ROW) / sizeof(ROW[0]); i++) {
		check_row(check, ROW[i].text);
		CHECK_EQ(check, parse(FRAMING_LEGACY, false, ROW[i].text, &message), ROW[i].error);
	}
	check_row(check, NULL);
}

/* ---- frames with offsets ---- */

static void put_be32(uint8_t *at, uint32_t value)
{
	for (int i = 3; i >= 0; i--, value >>= 8)
		at[i] = (uint8_t)value;
}

static void put_le64(uint8_t *at, uint64_t value)
{
	for (int i = 0; i < 8; i++, value >>= 8)
		at[i] = (uint8_t)value;
}

static void test_legacy_binary(struct check *check)
{
	static const char JSON[] = "{\"header\":" HEADER ",\"channel\":\"shell\"}";
	uint8_t frame[512];
	size_t json = sizeof(JSON) - 1;
	struct framing_message message;

	put_be32(frame, 3);
	put_be32(frame + 4, 16);
	put_be32(frame + 8, (uint32_t)(16 + json));
	put_be32(frame + 12, (uint32_t)(16 + json + 2));
	memcpy(frame + 16, JSON, sizeof(JSON));
	memcpy(frame + 16 + json, "\x80\xff!", 3);
	/* As binary, and as the text some servers make of it. */
	for (int binary = 0; binary < 2; binary++) {
		CHECK_EQ(check,
			 framing_parse(FRAMING_LEGACY, binary, frame, 16 + json + 3, &message), 0);
		CHECK_EQ(check, message.parts.count, 6);
		CHECK(check, is(message.parts.part[4], "\x80\xff"));
		CHECK(check, is(message.parts.part[5], "!"));
	}
	CHECK_EQ(check, framing_parse(FRAMING_LEGACY, true, frame, 7, &message), -EBADMSG);
	CHECK_EQ(check, framing_parse(FRAMING_LEGACY, true, frame, 15, &message), -EBADMSG);
	CHECK_EQ(check, framing_parse(FRAMING_LEGACY, true, frame, 40, &message), -EBADMSG);
	put_be32(frame + 12, 17);
	CHECK_EQ(check, framing_parse(FRAMING_LEGACY, true, frame, 16 + json + 3, &message),
		 -EBADMSG);
	put_be32(frame + 12, UINT32_MAX);
	CHECK_EQ(check, framing_parse(FRAMING_LEGACY, true, frame, 16 + json + 3, &message),
		 -EBADMSG);
	put_be32(frame, 0);
	CHECK_EQ(check, framing_parse(FRAMING_LEGACY, true, frame, 16 + json + 3, &message),
		 -EMSGSIZE);
	put_be32(frame, UINT32_MAX);
	CHECK_EQ(check, framing_parse(FRAMING_LEGACY, true, frame, 16 + json + 3, &message),
		 -EMSGSIZE);
}

/* A v1 frame of the channel, the header and three empty dicts. */
static size_t v1_frame(const char *channel, uint8_t *frame)
{
	const char *parts[] = {channel, HEADER, "{}", "{}", "{}"};
	size_t at = 8 * 7;

	put_le64(frame, 6);
	for (size_t i = 0; i < 5; i++) {
		put_le64(frame + 8 * (i + 1), at);
		for (const char *c = parts[i]; *c != '\0'; c++)
			frame[at++] = (uint8_t)*c;
	}
	put_le64(frame + 8 * 6, at);
	return at;
}

static void test_v1(struct check *check)
{
	struct framing_message message;
	uint8_t frame[512], broken[512];
	size_t len = v1_frame("control", frame);

	CHECK_EQ(check, framing_parse(FRAMING_V1, true, frame, len, &message), 0);
	CHECK_EQ(check, message.channel, LINK_CONTROL);
	CHECK(check, is(message.parts.part[LINK_HEADER], HEADER));
	CHECK_EQ(check, framing_parse(FRAMING_V1, false, frame, len, &message), -EBADMSG);
	for (size_t cut = 0; cut < len; cut++)
		CHECK(check, framing_parse(FRAMING_V1, true, frame, cut, &message) < 0);
	/* Each offset made wrong in turn. */
	for (size_t i = 0; i < 7; i++) {
		static const uint64_t WRONG[] = {0, 1, 55, 513, UINT32_MAX, UINT64_MAX, 1ull << 63};

		for (size_t j = 0; j < sizeof(WRONG) / sizeof(WRONG[0]); j++) {
			memcpy(broken, frame, len);
			put_le64(broken + 8 * i, WRONG[j]);
			CHECK(check, framing_parse(FRAMING_V1, true, broken, len, &message) < 0);
		}
	}
	len = v1_frame("iopub", frame);
	CHECK_EQ(check, framing_parse(FRAMING_V1, true, frame, len, &message), -ENXIO);
	len = v1_frame("", frame);
	CHECK_EQ(check, framing_parse(FRAMING_V1, true, frame, len, &message), -ENXIO);
}

/* ---- to the client ---- */

static struct link_parts sample(const char *parent)
{
	struct link_parts parts = {.count = 4};

	parts.part[LINK_HEADER] =
		text("{\"msg_type\":\"stream\",\"msg_id\":\"i\\\"d\",\"x\":1e400}");
	parts.part[LINK_PARENT] = text(parent);
	parts.part[LINK_METADATA] = text("{}");
	parts.part[LINK_CONTENT] = text("{\"a\":[1,2]}");
	return parts;
}

static void test_write_legacy(struct check *check)
{
	static const char WANT[] =
		"{\"header\":{\"msg_type\":\"stream\",\"msg_id\":\"i\\\"d\",\"x\":1e400},"
		"\"msg_id\":\"i\\\"d\",\"msg_type\":\"stream\",\"parent_header\":{},\"metadata\":{}"
		","
		"\"content\":{\"a\":[1,2]},\"buffers\":[],\"channel\":\"iopub\"}";
	struct link_parts parts = sample("null");
	uint8_t buf[1024];
	bool binary;
	size_t len;

	CHECK_EQ(check,
		 framing_write(FRAMING_LEGACY, LINK_IOPUB, &parts, buf, sizeof(buf), &len, &binary),
		 0);
	CHECK(check, !binary && len == sizeof(WANT) - 1 && memcmp(buf, WANT, len) == 0);
	CHECK(check, len <= framing_bound(&parts));
	CHECK_EQ(check, framing_write(FRAMING_LEGACY, LINK_IOPUB, &parts, buf, 10, &len, &binary),
		 -ENOBUFS);
	parts.part[LINK_HEADER] = text("{not json");
	CHECK_EQ(check,
		 framing_write(FRAMING_LEGACY, LINK_IOPUB, &parts, buf, sizeof(buf), &len, &binary),
		 -EBADMSG);
	parts.part[LINK_HEADER] = text("{}");
	CHECK_EQ(check,
		 framing_write(FRAMING_LEGACY, LINK_SHELL, &parts, buf, sizeof(buf), &len, &binary),
		 0);
	CHECK(check, memmem(buf, len, "\"msg_id\":\"\"", 11) != NULL);
}

/* What is written in either framing reads back the same, buffers included. */
static void test_round_trip(struct check *check)
{
	static uint8_t buf[4096];
	struct link_parts parts = sample("{\"p\":true}");
	struct framing_message message;
	bool binary;
	size_t len;

	parts.part[LINK_HEADER] = text(HEADER);
	for (uint32_t buffers = 0; buffers <= 3; buffers++) {
		static const char *const BUFFER[] = {"", "\x01\xff", "last"};

		parts.count = 4 + buffers;
		if (buffers > 0)
			parts.part[3 + buffers] = text(BUFFER[buffers - 1]);
		for (int framing = FRAMING_LEGACY; framing <= FRAMING_V1; framing++) {
			CHECK_EQ(check,
				 framing_write((enum framing)framing, LINK_SHELL, &parts, buf,
					       sizeof(buf), &len, &binary),
				 0);
			CHECK_EQ(check, binary, framing == FRAMING_V1 || buffers > 0);
			CHECK_EQ(check,
				 framing_parse((enum framing)framing, binary, buf, len, &message),
				 0);
			CHECK_EQ(check, message.parts.count, parts.count);
			CHECK_EQ(check, message.channel, LINK_SHELL);
			for (uint32_t i = 0; i < parts.count; i++)
				CHECK(check,
				      message.parts.part[i].len == parts.part[i].len &&
					      memcmp(message.parts.part[i].data, parts.part[i].data,
						     parts.part[i].len) == 0);
		}
	}
}

int main(void)
{
	struct check check = {0};

	test_legacy_good(&check);
	test_legacy_bad(&check);
	test_legacy_binary(&check);
	test_v1(&check);
	test_write_legacy(&check);
	test_round_trip(&check);
	return CHECK_DONE(&check);
}
