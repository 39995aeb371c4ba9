/* SPDX-License-Identifier: Apache-2.0 */
/* What client.c (its calls) and client_events.c (what libwebsockets tells) share. */
#ifndef ANCHORHOLD_CLI_CLIENT_PRIVATE_H
#define ANCHORHOLD_CLI_CLIENT_PRIVATE_H

#include <libwebsockets.h>

#include "backend/cli/client.h"

struct message {
	struct message *next;
	json_t *json;
};

struct buffer {
	char *data;
	size_t len;
	bool overflow;
};

struct client {
	struct lws_context *context;
	char *scheme_copy; /* lws_parse_uri cuts this copy into the pieces below */
	const char *host;
	const char *base;
	int port;
	bool tls;
	char authorization[160];
	char error[CLIENT_ERROR_MAX];

	const volatile sig_atomic_t *interrupted; /* the caller's; may be NULL */
	bool woken; /* something happened that a waiting call may want to look at */

	/* The HTTP call under way. */
	struct lws *http;
	char *request;
	size_t request_len;
	struct buffer reply;
	int status;
	bool done;
	bool failed;

	/* The WebSocket. */
	struct lws *ws;
	bool ws_open;
	bool ws_closed;
	unsigned int close_code;
	char *outgoing;
	size_t outgoing_len;
	struct buffer incoming;
	struct message *first;
	struct message **last;
	size_t queued;
};

void client_buffer_reset(struct buffer *buffer);

/* Of both protocols; only notes what happened and sets woken. */
int client_on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		    size_t len);

#endif
