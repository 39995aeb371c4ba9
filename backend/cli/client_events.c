/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/cli/client_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_MAX 4096u /* received messages that nobody has asked for yet */

static void buffer_put(struct buffer *buffer, const void *data, size_t len)
{
	char *grown;

	if (buffer->overflow || len > CLIENT_BODY_MAX - buffer->len) {
		buffer->overflow = true;
		return;
	}
	grown = realloc(buffer->data, buffer->len + len + 1);
	if (grown == NULL) {
		buffer->overflow = true;
		return;
	}
	memcpy(grown + buffer->len, data, len);
	buffer->data = grown;
	buffer->len += len;
	grown[buffer->len] = '\0';
}

void client_buffer_reset(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){ 0 };
}

static void queue_message(struct client *client)
{
	struct message *message;
	json_t *json = NULL;

	if (!client->incoming.overflow && client->incoming.data != NULL)
		json = json_loadb(client->incoming.data, client->incoming.len, 0, NULL);
	client_buffer_reset(&client->incoming);
	/* Binary framings carry widgets' buffers, which a terminal cannot show. */
	if (json == NULL || client->queued >= QUEUE_MAX) {
		json_decref(json);
		return;
	}
	message = calloc(1, sizeof(*message));
	if (message == NULL) {
		json_decref(json);
		return;
	}
	message->json = json;
	*client->last = message;
	client->last = &message->next;
	client->queued++;
	client->woken = true;
}

static int append_headers(struct client *client, struct lws *wsi, unsigned char **pos,
			  unsigned char *end)
{
	const char *type = "application/json";
	char length[24];

	if (client->authorization[0] != '\0' &&
	    lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_AUTHORIZATION,
					 (const unsigned char *)client->authorization,
					 (int)strlen(client->authorization), pos, end))
		return -1;
	if (wsi == client->ws || client->request == NULL)
		return 0;
	snprintf(length, sizeof(length), "%zu", client->request_len);
	if (lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH,
					 (unsigned char *)length, (int)strlen(length), pos, end) ||
	    lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE,
					 (const unsigned char *)type, (int)strlen(type), pos, end))
		return -1;
	lws_client_http_body_pending(wsi, 1);
	lws_callback_on_writable(wsi);
	return 0;
}

static int http_event(struct client *client, struct lws *wsi, enum lws_callback_reasons reason,
		      void *in, size_t len)
{
	/* The end of an earlier call's connection may come late: it says nothing of this one. */
	if (wsi != client->http)
		return 0;
	switch (reason) {
	case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
		client->status = (int)lws_http_client_http_response(wsi);
		return 0;
	case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE:
		lws_client_http_body_pending(wsi, 0);
		if (client->request != NULL &&
		    lws_write(wsi, (unsigned char *)client->request + LWS_PRE, client->request_len,
			      LWS_WRITE_HTTP_FINAL) < 0)
			return -1;
		return 0;
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP: {
		char chunk[LWS_PRE + 4096];
		char *start = chunk + LWS_PRE;
		int room = 4096;

		return lws_http_client_read(wsi, &start, &room) < 0 ? -1 : 0;
	}
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
		buffer_put(&client->reply, in, len);
		return 0;
	case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
		client->done = client->woken = true;
		return 0;
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
		client->http = NULL;
		client->done = client->woken = true;
		client->failed |= client->status == 0;
		return 0;
	default:
		return 0;
	}
}

static int ws_write(struct client *client, struct lws *wsi)
{
	if (client->outgoing == NULL)
		return 0;
	if (lws_write(wsi, (unsigned char *)client->outgoing + LWS_PRE, client->outgoing_len,
		      LWS_WRITE_TEXT) < 0)
		return -1;
	free(client->outgoing);
	client->outgoing = NULL;
	client->woken = true;
	return 0;
}

static int ws_event(struct client *client, struct lws *wsi, enum lws_callback_reasons reason,
		    void *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		client->ws_open = client->woken = true;
		return 0;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return ws_write(client, wsi);
	case LWS_CALLBACK_CLIENT_RECEIVE:
		buffer_put(&client->incoming, in, len);
		if (lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0)
			queue_message(client);
		return 0;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		if (len >= 2) {
			const unsigned char *code = in;

			client->close_code = (unsigned int)code[0] << 8 | code[1];
		}
		return 0;
	case LWS_CALLBACK_CLIENT_CLOSED:
		client->ws_closed = client->woken = true;
		client->ws = NULL;
		return 0;
	default:
		return 0;
	}
}

int client_on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		    size_t len)
{
	struct client *client = lws_context_user(lws_get_context(wsi));

	(void)user;
	switch (reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER: {
		unsigned char **pos = in;

		return append_headers(client, wsi, pos, *pos + len);
	}
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		snprintf(client->error, sizeof(client->error), "%.*s",
			 in != NULL ? (int)len : 17, in != NULL ? (char *)in : "connection failed");
		client->failed = client->done = client->woken = true;
		if (wsi == client->ws || client->ws != NULL) {
			client->ws_closed = true;
			client->ws = NULL;
		}
		client->http = NULL;
		return 0;
	case LWS_CALLBACK_WSI_DESTROY:
		if (wsi == client->http)
			client->http = NULL;
		if (wsi == client->ws)
			client->ws = NULL;
		return 0;
	default:
		if (http_event(client, wsi, reason, in, len))
			return -1;
		return ws_event(client, wsi, reason, in, len);
	}
}
