/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client sessions: one WebSocket each, between a client and a kernel's output log.
 *
 * Towards the client: OUT chunks are joined, framed and queued; the node gets new credit only
 * while less than SESSION_QUEUE_LOW waits for the socket, so a slow reader holds at most that,
 * one message and the window. A sequence is acknowledged to the node when a pong of the client
 * proves that everything before it arrived; what was not, the node keeps and sends again. The
 * node's log is bounded, so a flood is pinged by the byte: by the second it would wait for us.
 *
 * Towards the kernel: messages wait here, bounded, while the kernel is not ready.
 */
#ifndef ANCHORHOLD_GATEWAY_CHANNELS_H
#define ANCHORHOLD_GATEWAY_CHANNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/gateway/fleet.h"
#include "backend/gateway/framing.h"

#define SESSION_WINDOW (2u * 1024u * 1024u) /* credit the node may hold */
#define SESSION_QUEUE_LOW (1024u * 1024u)
#define SESSION_HELD_MAX 256u			  /* messages that wait for a kernel to be ready */
#define SESSION_HELD_BYTES (16u * 1024u * 1024u) /* their bytes */
#define SESSION_PING_MS 1000u /* between two pings, unless so many bytes were written: */
#define SESSION_PING_BYTES (1024u * 1024u)
#define CHANNELS_JOIN_BYTES (512u * 1024u * 1024u) /* messages being joined, of all sessions */
#define CHANNELS_SESSIONS_MAX 20000u

struct channels;
struct lws;
struct session;

/* The hooks for fleet_new() come first, since the fleet is made after; then channels_fleet(). */
struct channels *channels_new(void);
void channels_free(struct channels *channels);
void channels_hooks(struct channels *channels, struct fleet_hooks *ret_hooks);
void channels_fleet(struct channels *channels, struct fleet *fleet);

/* Pings, resending of acknowledgements, requests lost with a link. Several times a second. */
void channels_sweep(struct channels *channels);

/* Every session is closed with this code; the gateway stops. */
void channels_close_all(struct channels *channels, unsigned code, const char *reason);
size_t channels_count(const struct channels *channels);

/* ---- from the WebSocket ---- */

/*
 * client is what the client calls itself (its session_id; NULL: nothing). Coming again it goes on
 * where it was, here or at another gateway, and its older WebSocket is closed.
 * NULL: no memory or CHANNELS_SESSIONS_MAX.
 */
struct session *channels_open(struct channels *channels, struct kernel *kernel, struct lws *wsi,
			      enum framing framing, const char *client);
void channels_closed(struct session *session);

/* A piece of a message. Negative: the connection is to be closed now. */
int channels_receive(struct session *session, const void *data, size_t len, bool first, bool last,
		     bool binary);
void channels_pong(struct session *session, const void *data, size_t len);
int channels_writable(struct session *session);

#endif
