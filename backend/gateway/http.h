/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libwebsockets' side: connections become request objects (request.h) or client sessions
 * (channels.h), and answers become bytes. Also the process' one loop.
 *
 * Ceilings: HTTP_HEADERS_MAX bytes of headers a request, REQUEST_BODY_MAX of body,
 * FRAMING_MESSAGE_MAX a WebSocket message, HTTP_TIMEOUT_S for a request to arrive.
 */
#ifndef ANCHORHOLD_GATEWAY_HTTP_H
#define ANCHORHOLD_GATEWAY_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct gateway;

#define HTTP_HEADERS_MAX 16384u
#define HTTP_TIMEOUT_S 30u

/*
 * Binds the listening socket and makes the loop. On failure a sentence is in ret_error and the
 * result is negative: -EADDRINUSE, -EADDRNOTAVAIL, ...
 */
int http_new(struct gateway *gateway, char *ret_error, size_t error_size);
void http_free(struct gateway *gateway);

/*
 * Watches a descriptor: ready(ctx) is called when it is readable. The descriptor is duplicated;
 * the caller's stays the caller's. 0 or -ENOMEM.
 */
int http_watch(struct gateway *gateway, int fd, void (*ready)(void *ctx), void *ctx);

/* Waits for whatever happens next and handles it. now: handles what there is, without waiting. */
void http_wait(struct gateway *gateway, bool now);

/* The port it listens on. */
int http_port(const struct gateway *gateway);

#endif
