/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client session with one kernel: executes code and hands over what the kernel puts out.
 * The kernel message protocol 5.3 over the gateway's WebSocket in its JSON framing.
 */
#ifndef ANCHORHOLD_CLI_SESSION_H
#define ANCHORHOLD_CLI_SESSION_H

#include <jansson.h>

#include "backend/cli/client.h"

#define SESSION_ID_LEN 37u /* a UUID in text, NUL included */

struct session {
	struct client *client;
	char id[SESSION_ID_LEN];
	unsigned int counter; /* of requests: makes message ids */
	volatile sig_atomic_t *interrupted;
	int (*interrupt)(void *user); /* called once a user's interrupt came */
	/* type is the iopub message's, content borrowed. */
	void (*output)(void *user, const char *type, const json_t *content);
	void *user;
};

/* Fills id with a fresh UUID and opens the WebSocket of kernel_id. 0 or a negative errno. */
int session_open(struct session *session, const char *kernel_id);

/*
 * Executes code and returns when its reply and its idle have both come. *ret_reply is the
 * reply's content, the caller's. 0 or a negative errno (client_error() says what happened).
 */
int session_execute(struct session *session, const char *code, json_t **ret_reply);

#endif
