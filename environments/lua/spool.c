/* SPDX-License-Identifier: Apache-2.0 */
#include "environments/lua/spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "environments/lua/text.h"

#define EVENT_MESSAGES 8u
#define AROUND_MAX 64u /* of a stream message's content, around its text */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

int spool_init(struct spool *spool, struct sockets *sockets, struct session *session)
{
	memset(spool, 0, sizeof(*spool));
	spool->sockets = sockets;
	spool->session = session;
	spool->text = malloc(SPOOL_TEXT_MAX);
	/* As much as text without one plain letter needs: of most, a sixth is ever touched. */
	spool->quoted = malloc(SPOOL_TEXT_MAX * TEXT_QUOTED_FACTOR + AROUND_MAX);
	return spool->text && spool->quoted ? 0 : -ENOMEM;
}

void spool_clear(struct spool *spool)
{
	for (uint32_t i = 0; i < spool->count; i++)
		frames_clear(&spool->item[i].frames);
	spool->count = 0;
	free(spool->parent);
	free(spool->text);
	free(spool->quoted);
	spool->quoted = NULL;
	spool->parent = NULL;
	spool->text = NULL;
}

bool spool_ready(const struct spool *spool)
{
	return spool->count + EVENT_MESSAGES <= SPOOL_MESSAGES;
}

/* True where the item is gone: sent, or of no use to anybody. */
static bool item_send(struct spool *spool, struct spool_item *item)
{
	int rc = frames_send(&item->frames, spool->sockets->outer[item->port], ZMQ_DONTWAIT);

	if (rc == -EAGAIN || rc == -EINTR)
		return false;
	/* -EHOSTUNREACH: the client that asked is gone, and nobody else wants the reply. */
	frames_clear(&item->frames);
	return true;
}

void spool_send(struct spool *spool)
{
	uint32_t kept = 0, full = 0; /* full: a bit for each socket that would not take more */

	for (uint32_t i = 0; i < spool->count; i++) {
		struct spool_item *item = &spool->item[i];

		if (!(full & (1u << item->port)) && item_send(spool, item))
			continue;
		full |= 1u << item->port;
		if (kept != i) {
			spool->item[kept].port = item->port;
			frames_init(&spool->item[kept].frames);
			frames_move(&spool->item[kept].frames, &item->frames, 0);
		}
		kept++;
	}
	spool->count = kept;
}

void spool_put(struct spool *spool, enum jupyter_port port, struct frames *frames)
{
	struct spool_item *item = &spool->item[spool->count];

	if (spool->count < SPOOL_MESSAGES) {
		frames_init(&item->frames);
		frames_move(&item->frames, frames, 0);
		item->port = port;
		spool->count++;
	}
	frames_clear(frames);
	spool_send(spool);
}

/* By hand: nearly all that a kernel says is this, and a JSON library goes letter by letter. */
static struct link_slice stream_content(struct spool *spool)
{
	int len = snprintf(spool->quoted, AROUND_MAX, "{\"name\":\"%s\",\"text\":\"", spool->name);
	size_t at = (size_t)len;

	at += text_quote(spool->text, spool->text_len, spool->quoted + at);
	memcpy(spool->quoted + at, "\"}", 2);
	return (struct link_slice){(const uint8_t *)spool->quoted, at + 2};
}

void spool_text_flush(struct spool *spool)
{
	struct link_slice parent = {spool->parent, spool->parent_len};
	struct link_slice content;
	struct frames frames;

	if (spool->text_len == 0)
		return;
	frames_init(&frames);
	content = stream_content(spool);
	spool->text_len = 0;
	if (message_publish_text(spool->session, "stream", &parent, content, &frames) == 0)
		spool_put(spool, JUPYTER_IOPUB, &frames);
	frames_clear(&frames);
}

static bool same_stream(const struct spool *spool, struct link_slice name,
			struct link_slice parent)
{
	return strlen(spool->name) == name.len && !memcmp(spool->name, name.data, name.len) &&
	       spool->parent_len == parent.len && !memcmp(spool->parent, parent.data, parent.len);
}

static void stream_begin(struct spool *spool, struct link_slice name, struct link_slice parent)
{
	if (name.len >= sizeof(spool->name))
		name.len = sizeof(spool->name) - 1;
	memcpy(spool->name, name.data, name.len);
	spool->name[name.len] = '\0';
	free(spool->parent);
	spool->parent = malloc(parent.len ? parent.len : 1);
	spool->parent_len = spool->parent ? parent.len : 0;
	if (spool->parent)
		memcpy(spool->parent, parent.data, parent.len);
}

/* Where to cut text so that no UTF-8 sequence is cut in two. */
static size_t text_cut(const uint8_t *text, size_t len)
{
	size_t cut = len;

	for (size_t back = 0; back < 3 && cut > 0 && (text[cut] & 0xc0) == 0x80; back++)
		cut--;
	return cut > 0 && (text[cut] & 0xc0) != 0x80 ? cut : len;
}

void spool_text(struct spool *spool, struct link_slice name, struct link_slice parent,
		struct link_slice text)
{
	if (spool->text_len == 0 || !same_stream(spool, name, parent)) {
		spool_text_flush(spool);
		stream_begin(spool, name, parent);
	}
	while (text.len > 0) {
		size_t room = SPOOL_TEXT_MAX - spool->text_len;
		size_t take = text.len <= room ? text.len : text_cut(text.data, room);

		if (spool->text_len == 0)
			spool->text_due_ms = now_ms() + SPOOL_TEXT_MS;
		memcpy(spool->text + spool->text_len, text.data, take);
		spool->text_len += take;
		text.data += take;
		text.len -= take;
		if (text.len > 0 || spool->text_len == SPOOL_TEXT_MAX)
			spool_text_flush(spool);
	}
}

int spool_timeout(const struct spool *spool, uint64_t now)
{
	if (spool->count > 0)
		return (int)SPOOL_RETRY_MS;
	if (spool->text_len == 0)
		return -1;
	return spool->text_due_ms > now ? (int)(spool->text_due_ms - now) : 0;
}
