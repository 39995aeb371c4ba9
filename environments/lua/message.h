/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jupyter messages: made and signed to be sent, checked and parsed as received.
 * No sockets here; each thread has a struct session of its own.
 */
#ifndef ANCHORHOLD_LUA_MESSAGE_H
#define ANCHORHOLD_LUA_MESSAGE_H

#include <jansson.h>

#include "environments/lua/frames.h"
#include "link/jupyter.h"

#define SESSION_ID_LEN 32u
#define MESSAGE_CONTENT_MAX (LINK_MESSAGE_MAX - 64u * 1024u) /* the relay takes no more */

/* Who speaks: one kernel has one session id; `thread` keeps the threads' message ids apart. */
struct session {
	struct jupyter_key key;
	char id[SESSION_ID_LEN + 1];
	char thread;
	uint64_t sent;
};

/* A message received; its bytes live in frames. */
struct request {
	struct frames frames;
	struct jupyter_message view;
	struct link_header header;
	json_t *content; /* an object */
};

/* A random session id. -errno of getrandom. */
int session_new(const struct jupyter_key *key, struct session *ret_session);

/*
 * Appends "<IDS|MSG>", signature, header, the parent's header (NULL: {}), metadata and content.
 * -EMSGSIZE where the content is over MESSAGE_CONTENT_MAX or frames is full, -ENOMEM, -EIO.
 */
int message_make(struct session *session, const char *type, const struct link_slice *parent,
		 const json_t *content, struct frames *frames);

/* As message_make(), behind the idents that the request came with. */
int message_reply(struct session *session, const char *type, const struct request *request,
		  const json_t *content, struct frames *frames);

/* As message_make(), behind iopub's topic. */
int message_publish(struct session *session, const char *type, const struct link_slice *parent,
		    const json_t *content, struct frames *frames);

/* As message_publish(), for content that is JSON text already. */
int message_publish_text(struct session *session, const char *type, const struct link_slice *parent,
			 struct link_slice content, struct frames *frames);

/*
 * Takes the frames from the index on, checks the signature and parses. -EBADMSG, -EMSGSIZE,
 * -EACCES; *ret_request is then empty and the frames are gone.
 */
int request_take(const struct session *session, struct frames *frames, size_t index,
		 struct request *ret_request);
void request_clear(struct request *request);

/* The header as the parent of what is sent in answer. */
struct link_slice request_parent(const struct request *request);

/* A JSON string of any bytes: what is not UTF-8 becomes U+FFFD. NULL: no memory. */
json_t *json_text(const char *data, size_t len);

#endif
