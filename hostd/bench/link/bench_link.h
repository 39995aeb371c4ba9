/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-link: what the way from a client to its kernel costs, measured by clients as lean as they
 * can be, so that no interpreter is in the figures. For developers' machines; it is in no image.
 *
 *	main.c	   the words
 *	ws.c	   a client's WebSocket
 *	request.c  an execute_request
 *	client.c   one sent, and what answers it
 *	direct.c   the same kernel's own sockets on loopback TCP
 *	turns.c	   round trips, one way and the other in turns
 *	flood.c	   output through the whole path
 *	pair.c	   one raw CURVE DEALER and ROUTER
 *	fleet.c	   many nodes that only keep their link
 */
#ifndef ANCHORHOLD_HOSTD_BENCH_LINK_H
#define ANCHORHOLD_HOSTD_BENCH_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link/parts.h"

#define BENCH_WAIT_S 60 /* for anything; then the bench has failed */

/* ---- ws.c ---- */

struct ws;

/*
 * Opens the channels of a kernel at a gateway, "HOST:PORT", with the token that the environment's
 * BENCH_TOKEN holds, in the framing that JupyterLab uses. 0 or -errno.
 */
int ws_open(const char *address, const char *kernel, struct ws **ret_ws);
void ws_free(struct ws *ws);

/* One binary message. */
int ws_send(struct ws *ws, const uint8_t *data, size_t len);

/* The next message; it lives until the next call. Pings are answered on the way. */
int ws_receive(struct ws *ws, const uint8_t **ret_data, size_t *ret_len);

/* ---- request.c ---- */

struct request {
	char header[320];
	char content[4096];
	char msg_id[33];
};

/* An execute_request with an id of its own. -EMSGSIZE for code that is too long. */
int request_make(struct request *request, const char *code, struct link_parts *ret_parts);
/* ---- client.c ---- */

/* Sends one as a WebSocket message. */
int request_send(struct ws *ws, const char *code, struct request *ret_request);

/* What a WebSocket message is to the one who waits for that request's. */
enum answer { ANSWER_OTHER, ANSWER_STREAM, ANSWER_REPLY, ANSWER_IDLE };
enum answer answer_of(const struct request *request, const uint8_t *data, size_t len);

/* Sends the code, and reads until its reply and its idle are in. *ret_ns: until the reply. */
int ws_execute(struct ws *ws, const char *code, uint64_t *ret_ns);

/* ---- direct.c ---- */

struct direct;

/* The kernel of a connection file with the transport tcp. */
int direct_open(const char *connection_file, struct direct **ret_direct);
void direct_free(struct direct *direct);
int direct_execute(struct direct *direct, const char *code, uint64_t *ret_ns);

/* ---- turns.c, flood.c, pair.c, fleet.c: a word each; the process's exit code ---- */

int bench_turns(int argc, char **argv);
int bench_flood(int argc, char **argv);
int bench_pair(int argc, char **argv);
int bench_fleet(int argc, char **argv);

#endif
