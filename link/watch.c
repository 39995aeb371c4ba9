/* SPDX-License-Identifier: Apache-2.0 */
#include "link/watch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#define EVENTS                                                                                     \
	(ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED |                         \
	 ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |                    \
	 ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)

/* Where the one connection of the socket stands. */
enum state { DIALLING, SHAKING, UP };

struct link_watch {
	void *watched;
	void *pair;
	enum state state;
};

int link_watch_new(void *ctx, void *socket, struct link_watch **ret_watch)
{
	struct link_watch *watch = calloc(1, sizeof(*watch));
	const int none = 0;
	char endpoint[64];
	int error;

	if (watch == NULL)
		return -ENOMEM;
	/* unique in the context, since the socket's address is */
	snprintf(endpoint, sizeof(endpoint), "inproc://link-watch-%p", socket);
	watch->watched = socket;
	watch->pair = zmq_socket(ctx, ZMQ_PAIR);
	if (watch->pair != NULL &&
	    zmq_setsockopt(watch->pair, ZMQ_LINGER, &none, sizeof(none)) == 0 &&
	    zmq_socket_monitor(socket, endpoint, EVENTS) == 0 &&
	    zmq_connect(watch->pair, endpoint) == 0) {
		*ret_watch = watch;
		return 0;
	}
	error = -zmq_errno();
	link_watch_free(watch);
	return error;
}

void link_watch_free(struct link_watch *watch)
{
	if (watch == NULL)
		return;
	zmq_socket_monitor(watch->watched, NULL, 0);
	if (watch->pair != NULL)
		zmq_close(watch->pair);
	free(watch);
}

void *link_watch_socket(const struct link_watch *watch)
{
	return watch->pair;
}

/* One event of the monitor: u16 event and u32 value, in the machine's order, and an address. */
static bool event_receive(void *pair, uint16_t *ret_event)
{
	uint8_t head[6], address[256];
	int more = 0;
	size_t len = sizeof(more);

	if (zmq_recv(pair, head, sizeof(head), ZMQ_DONTWAIT) != (int)sizeof(head))
		return false;
	memcpy(ret_event, head, sizeof(*ret_event));
	while (zmq_getsockopt(pair, ZMQ_RCVMORE, &more, &len) == 0 && more != 0)
		if (zmq_recv(pair, address, sizeof(address), ZMQ_DONTWAIT) < 0)
			return false;
	return true;
}

/*
 * A handshake that failed ends the connection too: one report is enough. libzmq tells of a frame
 * that cannot be opened by the same events, also long after the handshake.
 */
static enum link_watch_event fail(struct link_watch *watch, enum link_watch_event event)
{
	enum state was = watch->state;

	watch->state = DIALLING;
	if (was == UP)
		return LINK_WATCH_DOWN;
	return was == SHAKING ? event : LINK_WATCH_NONE;
}

static enum link_watch_event step(struct link_watch *watch, uint16_t event)
{
	switch (event) {
	case ZMQ_EVENT_CONNECTED:
		watch->state = SHAKING;
		return LINK_WATCH_NONE;
	case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
		watch->state = UP;
		return LINK_WATCH_UP;
	case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
		return fail(watch, LINK_WATCH_REFUSED);
	case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
	case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
	case ZMQ_EVENT_DISCONNECTED:
		return fail(watch, LINK_WATCH_WRONG_SERVER);
	case ZMQ_EVENT_CLOSED:
		return watch->state == DIALLING ? LINK_WATCH_UNREACHABLE : LINK_WATCH_NONE;
	default:
		return LINK_WATCH_NONE;
	}
}

enum link_watch_event link_watch_next(struct link_watch *watch)
{
	enum link_watch_event event = LINK_WATCH_NONE;
	uint16_t number;

	while (event == LINK_WATCH_NONE && event_receive(watch->pair, &number))
		event = step(watch, number);
	return event;
}
