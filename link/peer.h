/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a link: frames in and out of a socket made by socket.h, never blocking.
 *
 * On a gateway's ROUTER a peer is addressed by the routing id libzmq gave its connection, which
 * proves nothing: what counts is .user, the name under which ZAP let the key in.
 */
#ifndef ANCHORHOLD_LINK_PEER_H
#define ANCHORHOLD_LINK_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link/curve.h"
#include "link/mark.h"
#include "link/wire.h"

#define LINK_ROUTE_MAX 32u

/* The address of a connection at a ROUTER. len is 0 at a DEALER. */
struct link_route {
	uint8_t len;
	uint8_t id[LINK_ROUTE_MAX];
};

bool link_route_equal(const struct link_route *a, const struct link_route *b);

/* Who sent a frame. At a DEALER all of it is empty. */
struct link_sender {
	struct link_route route;
	char user[LINK_NAME_MAX];	/* the name ZAP let its key in by */
	char key[CURVE_PRINT_LEN + 1];	/* that key's fingerprint */
	uint64_t stamp;			/* what ZAP gave its connection */
};

/* ---- receiving ---- */

/* Large (a HELLO unpacked): allocated once, used for every frame. */
struct link_inbox;

int link_inbox_new(struct link_inbox **ret_inbox);
void link_inbox_free(struct link_inbox *inbox);

/*
 * The next frame of socket. On 0 *ret_frame points into the inbox and lives, with its data, until
 * the next call. -EAGAIN: none is waiting. -EMSGSIZE: more than one part, all of them dropped.
 * -EBADMSG, -EPROTO: malformed (wire.h). -EACCES: at a ROUTER, no User-Id or key. After each of the last
 * four the route and the user are still those of the sender. -ETERM or another: the socket.
 */
int link_inbox_receive(struct link_inbox *inbox, void *socket, const struct link_frame **ret_frame);

/* Who sent the frame last received. */
const struct link_sender *link_inbox_sender(const struct link_inbox *inbox);

/* The IP address it came from, as text, until the next call of link_inbox_receive(). */
const char *link_inbox_address(const struct link_inbox *inbox);

/* Its connection, to end it by (mark.h); of none where it is gone already. */
void link_inbox_mark(const struct link_inbox *inbox, struct link_mark *ret_mark);

/* ---- sending ---- */

/*
 * Sends one frame at once. route is NULL at a DEALER. -EAGAIN: the mark is reached (or, at a
 * DEALER, nobody is connected); -EHOSTUNREACH: the ROUTER has no such connection any more;
 * -EINVAL: the frame cannot be packed (wire.h); -ENOMEM.
 */
int link_send(void *socket, const struct link_route *route, const struct link_frame *frame);

/* Frames that wait for one peer, packed; bounded, first in first out. */
struct link_outbox;

int link_outbox_new(size_t bytes_max, struct link_outbox **ret_outbox);
void link_outbox_free(struct link_outbox *outbox);

/* Packs and queues a copy. -ENOBUFS over bytes_max: nothing is queued. -EINVAL as above. */
int link_outbox_push(struct link_outbox *outbox, const struct link_frame *frame);

/* Sends as many as go. 0: empty now; -EAGAIN: the rest waits; -EHOSTUNREACH as in link_send(). */
int link_outbox_flush(struct link_outbox *outbox, void *socket, const struct link_route *route);

void link_outbox_clear(struct link_outbox *outbox);
size_t link_outbox_bytes(const struct link_outbox *outbox);

#endif
