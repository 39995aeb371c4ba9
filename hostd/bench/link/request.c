/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hostd/bench/bench.h"
#include "hostd/bench/link/bench_link.h"
#include "hostd/message.h"

static struct link_slice text(const char *string)
{
	return (struct link_slice){(const uint8_t *)string, strlen(string)};
}

/* Code of these benches has no character that JSON quotes but the quotation mark and the newline. */
static int quote(const char *code, char *ret, size_t size)
{
	size_t at = 0;

	for (; *code; code++) {
		if (at + 3 > size)
			return -EMSGSIZE;
		if (*code == '"' || *code == '\n')
			ret[at++] = '\\';
		ret[at++] = *code == '\n' ? 'n' : *code;
	}
	ret[at] = '\0';
	return 0;
}

int request_make(struct request *request, const char *code, struct link_parts *ret_parts)
{
	char quoted[2048];
	int r = quote(code, quoted, sizeof(quoted));

	if (r < 0)
		return r;
	message_id_make(request->msg_id);
	snprintf(request->header, sizeof(request->header),
		 "{\"msg_id\":\"%s\",\"session\":\"bench\",\"username\":\"bench\","
		 "\"date\":\"2026-01-01T00:00:00.000000Z\",\"msg_type\":\"execute_request\","
		 "\"version\":\"5.3\"}",
		 request->msg_id);
	snprintf(request->content, sizeof(request->content),
		 "{\"code\":\"%s\",\"silent\":false,\"store_history\":true,"
		 "\"user_expressions\":{},\"allow_stdin\":false,\"stop_on_error\":true}",
		 quoted);
	*ret_parts = (struct link_parts){.count = LINK_PARTS_MIN};
	ret_parts->part[LINK_HEADER] = text(request->header);
	ret_parts->part[LINK_PARENT] = text("{}");
	ret_parts->part[LINK_METADATA] = text("{}");
	ret_parts->part[LINK_CONTENT] = text(request->content);
	return 0;
}

/* The framing that JupyterLab uses: little-endian offsets, the channel's name, the parts. */
static int frame(const struct link_parts *parts, uint8_t *buf, size_t size, size_t *ret_len)
{
	const struct link_slice channel = text("shell");
	const uint64_t blobs = parts->count + 1u; /* the channel's name is one */
	uint64_t words[LINK_PARTS_MIN + 3u], at = 8 * (blobs + 2);
	size_t len = sizeof(words);

	if (parts->count != LINK_PARTS_MIN || len > size)
		return -EINVAL;
	words[0] = htole64(blobs + 1);
	for (uint64_t i = 0; i < blobs; i++) {
		const struct link_slice *blob = i == 0 ? &channel : &parts->part[i - 1];

		words[i + 1] = htole64(at);
		if (blob->len > size - len)
			return -EMSGSIZE;
		memcpy(buf + len, blob->data, blob->len);
		len += blob->len;
		at += blob->len;
	}
	words[blobs + 1] = htole64(at);
	memcpy(buf, words, sizeof(words));
	*ret_len = len;
	return 0;
}

static bool has(const uint8_t *data, size_t len, const char *what)
{
	return memmem(data, len, what, strlen(what)) != NULL;
}

enum answer answer_of(const uint8_t *data, size_t len)
{
	uint64_t word[3], first, header;
	size_t look;

	if (len < sizeof(word))
		return ANSWER_OTHER;
	memcpy(word, data, sizeof(word));
	first = le64toh(word[1]);
	header = le64toh(word[2]);
	if (first > header || header > len)
		return ANSWER_OTHER;
	if (header - first == 5 && memcmp(data + first, "shell", 5) == 0)
		return ANSWER_REPLY;
	/* The type is in the header, which comes first. */
	look = len - header < 512 ? len - header : 512;
	if (has(data + header, look, "\"stream\""))
		return ANSWER_STREAM;
	return has(data + header, len - header, "\"idle\"") ? ANSWER_IDLE : ANSWER_OTHER;
}

int request_send(struct ws *ws, const char *code)
{
	struct request request;
	struct link_parts parts;
	uint8_t out[8192];
	size_t len;
	int r = request_make(&request, code, &parts);

	if (r == 0)
		r = frame(&parts, out, sizeof(out), &len);
	return r < 0 ? r : ws_send(ws, out, len);
}

int ws_execute(struct ws *ws, const char *code, uint64_t *ret_ns)
{
	const uint64_t began = bench_now_ns();
	bool replied = false, idle = false;
	int r = request_send(ws, code);

	while (r == 0 && !(replied && idle)) {
		const uint8_t *data;
		enum answer answer;
		size_t len;

		r = ws_receive(ws, &data, &len);
		if (r < 0)
			break;
		answer = answer_of(data, len);
		if (answer == ANSWER_REPLY) {
			*ret_ns = bench_now_ns() - began;
			replied = true;
		}
		idle |= answer == ANSWER_IDLE;
	}
	return r;
}
