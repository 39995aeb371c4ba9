/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CLI's side of a gateway's HTTP and WebSocket interface, one call at a time (libwebsockets
 * underneath). Nothing here is concurrent: a call returns when its answer is complete, when it
 * failed or when its deadline has passed.
 *
 * The token is kept in memory only: it is sent as a header, never printed, never part of a URL.
 */
#ifndef ANCHORHOLD_CLI_CLIENT_H
#define ANCHORHOLD_CLI_CLIENT_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#define CLIENT_BODY_MAX (32u * 1024u * 1024u) /* bytes of one answer or one WebSocket message */
#define CLIENT_ERROR_MAX 512u
#define CLIENT_CALL_MS 60000 /* deadline of one HTTP call */

struct client;

struct client_reply {
	int status;   /* HTTP status */
	json_t *json; /* the body, NULL where it was empty or no JSON; the caller's */
};

/*
 * Parses url ("http[s]://host[:port][/base]") and copies token. Returns NULL with the reason in
 * ret_error where the URL is not one or libwebsockets cannot start.
 */
struct client *client_new(const char *url, const char *token, char ret_error[CLIENT_ERROR_MAX]);
void client_free(struct client *client);

/* From now on calls return -EINTR while *interrupted is not 0 (set by a signal handler). */
void client_watch(struct client *client, const volatile sig_atomic_t *interrupted);

/*
 * One HTTP call below the base URL; body may be NULL (borrowed). Returns 0 with *ret_reply set
 * whatever the status was, or a negative errno (-ECONNREFUSED, -ETIMEDOUT, -EMSGSIZE, -EINTR); client_error() then says what happened.
 */
int client_call(struct client *client, const char *method, const char *path, const json_t *body,
		struct client_reply *ret_reply);

/* Opens the one WebSocket this client may have. Returns as client_call does. */
int client_ws_open(struct client *client, const char *path);
void client_ws_close(struct client *client);

/* Sends one text message. */
int client_ws_send(struct client *client, const json_t *message);

/*
 * The next text message, *ret_message the caller's. -ETIMEDOUT after timeout_ms, -EPIPE where the
 * other side closed (client_error() has its code), -EINTR where a signal came.
 */
int client_ws_receive(struct client *client, int timeout_ms, json_t **ret_message);

/* What the last failure was, in words; never the token. Valid until the next call. */
const char *client_error(const struct client *client);

#endif
