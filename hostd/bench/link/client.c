/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "hostd/bench/bench.h"
#include "hostd/bench/link/bench_link.h"

#define HEADERS_MAX 2048u

/* The framing that JupyterLab uses: little-endian offsets, the channel's name, the parts. */
static int frame(const struct link_parts *parts, uint8_t *buf, size_t size, size_t *ret_len)
{
	const struct link_slice channel = {(const uint8_t *)"shell", 5};
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

enum answer answer_of(const struct request *request, const uint8_t *data, size_t len)
{
	uint64_t word[3], first, header;
	size_t look;

	/* Its id is in the parent header, which is near the front; a client that comes after another
	 * gets what that one had not acknowledged. */
	if (len < sizeof(word) || !has(data, len < HEADERS_MAX ? len : HEADERS_MAX, request->msg_id))
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
	if (has(data + header, look, "\"stream\"") || has(data + header, look, "\"display_data\""))
		return ANSWER_STREAM;
	return has(data + header, len - header, "\"idle\"") ? ANSWER_IDLE : ANSWER_OTHER;
}

int request_send(struct ws *ws, const char *code, struct request *ret_request)
{
	struct link_parts parts;
	uint8_t out[8192];
	size_t len = 0;
	int r = request_make(ret_request, code, &parts);

	if (r == 0)
		r = frame(&parts, out, sizeof(out), &len);
	return r < 0 ? r : ws_send(ws, out, len);
}

int ws_execute(struct ws *ws, const char *code, uint64_t *ret_ns)
{
	const uint64_t began = bench_now_ns();
	bool replied = false, idle = false;
	struct request request;
	int r = request_send(ws, code, &request);

	while (r == 0 && !(replied && idle)) {
		const uint8_t *data;
		enum answer answer;
		size_t len;

		r = ws_receive(ws, &data, &len);
		if (r < 0)
			break;
		answer = answer_of(&request, data, len);
		if (answer == ANSWER_REPLY) {
			*ret_ns = bench_now_ns() - began;
			replied = true;
		}
		idle |= answer == ANSWER_IDLE;
	}
	return r;
}
