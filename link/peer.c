/* SPDX-License-Identifier: Apache-2.0 */
#include "link/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "link/zap.h"

bool link_route_equal(const struct link_route *a, const struct link_route *b)
{
	return a->len == b->len && memcmp(a->id, b->id, a->len) == 0;
}

/* ---- receiving ---- */

struct link_inbox {
	zmq_msg_t msg; /* the frame's bytes; always initialised */
	struct link_sender sender;
	struct link_frame frame;
};

int link_inbox_new(struct link_inbox **ret_inbox)
{
	struct link_inbox *inbox = calloc(1, sizeof(*inbox));

	if (inbox == NULL)
		return -ENOMEM;
	zmq_msg_init(&inbox->msg);
	*ret_inbox = inbox;
	return 0;
}

void link_inbox_free(struct link_inbox *inbox)
{
	if (inbox == NULL)
		return;
	zmq_msg_close(&inbox->msg);
	free(inbox);
}

const struct link_sender *link_inbox_sender(const struct link_inbox *inbox)
{
	return &inbox->sender;
}

/*
 * Its descriptor may be another connection's by now, which is then the one marked: all are nodes'
 * here, so the worst is that one of them has to dial again.
 */
void link_inbox_mark(const struct link_inbox *inbox, struct link_mark *ret_mark)
{
	const char *fd = zmq_msg_gets(&inbox->msg, "__fd");

	link_mark_take(fd == NULL ? -1 : (int)strtol(fd, NULL, 10), ret_mark);
}

const char *link_inbox_address(const struct link_inbox *inbox)
{
	const char *address = zmq_msg_gets(&inbox->msg, "Peer-Address");

	return address == NULL ? "an unknown address" : address;
}

static bool is_router(void *socket)
{
	int type = 0;
	size_t len = sizeof(type);

	return zmq_getsockopt(socket, ZMQ_TYPE, &type, &len) == 0 && type == ZMQ_ROUTER;
}

static int receive_part(struct link_inbox *inbox, void *socket)
{
	return zmq_msg_recv(&inbox->msg, socket, ZMQ_DONTWAIT) < 0 ? -zmq_errno() : 0;
}

/* All parts of a message are there once the first is: this does not leave half of one behind. */
static void drain(struct link_inbox *inbox, void *socket)
{
	while (zmq_msg_more(&inbox->msg) != 0 && receive_part(inbox, socket) == 0)
		;
}

static int receive_route(struct link_inbox *inbox, void *socket)
{
	size_t len;
	int error = receive_part(inbox, socket);

	if (error != 0)
		return error;
	len = zmq_msg_size(&inbox->msg);
	/* libzmq made it (5 bytes), unless the peer chose one: that is against the protocol. */
	if (len > LINK_ROUTE_MAX || zmq_msg_more(&inbox->msg) == 0) {
		drain(inbox, socket);
		return -EMSGSIZE;
	}
	inbox->sender.route.len = (uint8_t)len;
	memcpy(inbox->sender.route.id, zmq_msg_data(&inbox->msg), len);
	return receive_part(inbox, socket);
}

/* What ZAP said of its key, which libzmq puts on every message of the connection. */
static bool receive_user(struct link_inbox *inbox)
{
	const char *user = zmq_msg_gets(&inbox->msg, "User-Id");
	const char *key = zmq_msg_gets(&inbox->msg, LINK_ZAP_KEY);
	const char *stamp = zmq_msg_gets(&inbox->msg, LINK_ZAP_STAMP);

	if (user == NULL || !link_identifier_ok(user) || key == NULL ||
	    strlen(key) != CURVE_PRINT_LEN || stamp == NULL)
		return false;
	/* an identifier is shorter than the field */
	memcpy(inbox->sender.user, user, strlen(user) + 1);
	memcpy(inbox->sender.key, key, CURVE_PRINT_LEN + 1);
	inbox->sender.stamp = strtoull(stamp, NULL, 10);
	return true;
}


int link_inbox_receive(struct link_inbox *inbox, void *socket, const struct link_frame **ret_frame)
{
	const bool router = is_router(socket);
	bool known;
	int error;

	memset(&inbox->sender, 0, sizeof(inbox->sender));
	error = router ? receive_route(inbox, socket) : receive_part(inbox, socket);
	if (error != 0)
		return error;
	known = !router || receive_user(inbox);
	if (zmq_msg_more(&inbox->msg) != 0) {
		drain(inbox, socket);
		return -EMSGSIZE;
	}
	if (!known)
		return -EACCES;
	error = link_frame_unpack(zmq_msg_data(&inbox->msg), zmq_msg_size(&inbox->msg),
				  &inbox->frame);
	if (error == 0)
		*ret_frame = &inbox->frame;
	return error;
}

/* ---- sending ---- */

static int send_route(void *socket, const struct link_route *route)
{
	if (route == NULL || route->len == 0)
		return 0;
	return zmq_send(socket, route->id, route->len, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0
		       ? -zmq_errno()
		       : 0;
}

int link_send(void *socket, const struct link_route *route, const struct link_frame *frame)
{
	size_t size = link_frame_size(frame), len;
	zmq_msg_t msg;
	int error;

	if (size == 0)
		return -EINVAL;
	if (zmq_msg_init_size(&msg, size) != 0)
		return -ENOMEM;
	error = link_frame_pack(frame, zmq_msg_data(&msg), size, &len);
	if (error == 0)
		error = send_route(socket, route);
	if (error == 0 && zmq_msg_send(&msg, socket, ZMQ_DONTWAIT) < 0)
		error = -zmq_errno();
	if (error != 0)
		zmq_msg_close(&msg);
	return error;
}

/* ---- waiting to be sent ---- */

struct packed {
	struct packed *next;
	size_t len;
	uint8_t data[];
};

struct link_outbox {
	size_t bytes;
	size_t bytes_max;
	struct packed *head;
	struct packed *tail;
};

int link_outbox_new(size_t bytes_max, struct link_outbox **ret_outbox)
{
	struct link_outbox *outbox = calloc(1, sizeof(*outbox));

	if (outbox == NULL)
		return -ENOMEM;
	outbox->bytes_max = bytes_max;
	*ret_outbox = outbox;
	return 0;
}

void link_outbox_free(struct link_outbox *outbox)
{
	if (outbox == NULL)
		return;
	link_outbox_clear(outbox);
	free(outbox);
}

size_t link_outbox_bytes(const struct link_outbox *outbox)
{
	return outbox->bytes;
}

int link_outbox_push(struct link_outbox *outbox, const struct link_frame *frame)
{
	size_t size = link_frame_size(frame);
	struct packed *packed;

	if (size == 0)
		return -EINVAL;
	if (size > outbox->bytes_max || outbox->bytes > outbox->bytes_max - size)
		return -ENOBUFS;
	packed = malloc(sizeof(*packed) + size);
	if (packed == NULL)
		return -ENOMEM;
	packed->next = NULL;
	link_frame_pack(frame, packed->data, size, &packed->len); /* measured: it fits */
	if (outbox->tail == NULL)
		outbox->head = packed;
	else
		outbox->tail->next = packed;
	outbox->tail = packed;
	outbox->bytes += packed->len;
	return 0;
}

static void shift(struct link_outbox *outbox)
{
	struct packed *packed = outbox->head;

	outbox->head = packed->next;
	if (outbox->head == NULL)
		outbox->tail = NULL;
	outbox->bytes -= packed->len;
	free(packed);
}

void link_outbox_clear(struct link_outbox *outbox)
{
	while (outbox->head != NULL)
		shift(outbox);
}

int link_outbox_flush(struct link_outbox *outbox, void *socket, const struct link_route *route)
{
	while (outbox->head != NULL) {
		int error = send_route(socket, route);

		if (error != 0)
			return error;
		if (zmq_send(socket, outbox->head->data, outbox->head->len, ZMQ_DONTWAIT) < 0)
			return -zmq_errno();
		shift(outbox);
	}
	return 0;
}
