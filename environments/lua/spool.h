/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The serving thread's outgoing side: a short list of messages that did not fit yet, in order for
 * each socket, and printed text that waits a moment for more of its kind.
 */
#ifndef ANCHORHOLD_LUA_SPOOL_H
#define ANCHORHOLD_LUA_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "environments/lua/message.h"
#include "environments/lua/sockets.h"

#define SPOOL_MESSAGES 32u
#define SPOOL_TEXT_MAX (64u * 1024u) /* bytes of one stream message */
#define SPOOL_TEXT_MS 20u	     /* how long text waits for more */
#define SPOOL_RETRY_MS 2u	     /* between two attempts at a full socket */

struct spool {
	struct sockets *sockets;
	struct session *session;
	uint32_t count;
	struct spool_item {
		enum jupyter_port port;
		struct frames frames;
	} item[SPOOL_MESSAGES];
	/* printed text, not yet a message */
	char name[16];
	uint8_t *parent;
	size_t parent_len;
	char *text;
	size_t text_len;
	char *quoted; /* a message's content while it is made */
	uint64_t text_due_ms;
};

/* -ENOMEM. The sockets and the session are borrowed. */
int spool_init(struct spool *spool, struct sockets *sockets, struct session *session);
void spool_clear(struct spool *spool);

/* True where one event of the loop (at most 8 messages) fits for sure. */
bool spool_ready(const struct spool *spool);

/* Appends and tries to send; takes the frames. A full list drops them (see spool_ready). */
void spool_put(struct spool *spool, enum jupyter_port port, struct frames *frames);

/* Adds at most SPOOL_TEXT_MAX bytes of printed text; text of another name or parent goes first. */
void spool_text(struct spool *spool, struct link_slice name, struct link_slice parent,
		struct link_slice text);

/* Makes a message of the text that waits. */
void spool_text_flush(struct spool *spool);

/* Sends what fits; a socket that is full holds up no other. */
void spool_send(struct spool *spool);

/* Milliseconds until spool_send() or spool_text_flush() is wanted; -1: nothing waits. */
int spool_timeout(const struct spool *spool, uint64_t now_ms);

#endif
