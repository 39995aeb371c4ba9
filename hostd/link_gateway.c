/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <zmq.h>

#include "hostd/link_role.h"
#include "hostd/log.h"
#include "link/secret.h"
#include "link/socket.h"

#define PUMP_MAX 64u

static void dial(void *ctx);

/* The descriptors only tell what the act step is to look at. */
static void on_socket(void *ctx, uint32_t events)
{
	*(bool *)ctx = true;
}

static int socket_fd(void *socket)
{
	int fd = -1;
	size_t len = sizeof(fd);

	zmq_getsockopt(socket, ZMQ_FD, &fd, &len);
	return fd;
}

static int socket_events(void *socket)
{
	int events = 0;
	size_t len = sizeof(events);

	return zmq_getsockopt(socket, ZMQ_EVENTS, &events, &len) < 0 ? 0 : events;
}

static void tell_state(struct gateway *gateway, bool up)
{
	const struct ipc_gateway body = {
		.gateway = gateway->index,
		.up = up,
		.next_key = gateway->key == 1,
	};

	link_tell(gateway->link, IPC_GATEWAY, &body);
}

/* It is not there any more; libzmq dials again by itself where the socket stays. */
static void down(struct gateway *gateway)
{
	if (gateway->state == GATEWAY_WELCOMED)
		tell_state(gateway, false);
	gateway->state = GATEWAY_DOWN;
	join_down(gateway);
	gateway->event_sent = 0;
	link_outbox_clear(gateway->outbox);
	entries_pause(gateway->link, gateway);
}

static void hang_up(struct gateway *gateway)
{
	struct loop *loop = gateway->link->loop;

	down(gateway);
	if (!gateway->socket)
		return;
	loop_unwatch(loop, socket_fd(link_watch_socket(gateway->watch)));
	loop_unwatch(loop, socket_fd(gateway->socket));
	link_watch_free(gateway->watch);
	zmq_close(gateway->socket);
	gateway->watch = NULL;
	gateway->socket = NULL;
}

/* Jitter keeps the nodes of a fleet from dialling a gateway that came back all at once. */
void gateway_redial(struct gateway *gateway)
{
	uint32_t delay = gateway->redial_ms / 2 + randombytes_uniform(gateway->redial_ms);

	hang_up(gateway);
	gateway->redial_ms = gateway->redial_ms * 2 < LINK_REDIAL_MAX_MS ? gateway->redial_ms * 2
									  : LINK_REDIAL_MAX_MS;
	loop_timer_start(gateway->link->loop, &gateway->redial, delay, dial, gateway);
}

static int socket_open(struct gateway *gateway)
{
	struct link *link = gateway->link;
	int r = link_socket_node(link->zmq, &link->own[gateway->own], &link->keys[gateway->key],
				 &gateway->socket);

	if (r < 0) {
		gateway->socket = NULL;
		return r;
	}
	r = link_watch_new(link->zmq, gateway->socket, &gateway->watch);
	if (r < 0) {
		zmq_close(gateway->socket);
		gateway->socket = NULL;
		return r;
	}
	gateway->awake = gateway->watch_awake = true;
	r = loop_watch(link->loop, socket_fd(gateway->socket), EPOLLIN, on_socket, &gateway->awake);
	if (r == 0)
		r = loop_watch(link->loop, socket_fd(link_watch_socket(gateway->watch)), EPOLLIN,
			       on_socket, &gateway->watch_awake);
	if (r == 0 && zmq_connect(gateway->socket, gateway->endpoint) < 0)
		r = -zmq_errno();
	return r;
}

static void dial(void *ctx)
{
	struct gateway *gateway = ctx;
	int r = socket_open(gateway);

	if (r < 0) {
		log_error(r, "gateway %s", gateway->endpoint);
		gateway_redial(gateway);
	}
}

void gateway_dial_now(struct gateway *gateway)
{
	hang_up(gateway);
	loop_timer_start(gateway->link->loop, &gateway->redial, 0, dial, gateway);
}

int gateways_open(struct link *link, const struct ipc_link_setup *setup)
{
	link->gateways_count = setup->gateways_count;
	for (uint32_t i = 0; i < setup->gateways_count; i++) {
		struct gateway *gateway = &link->gateways[i];
		struct in_addr address = {.s_addr = htonl(setup->gateways[i].address)};
		char text[INET_ADDRSTRLEN];
		int r = link_outbox_new(LINK_OUTBOX_MAX, &gateway->outbox);

		if (r < 0)
			return r;
		inet_ntop(AF_INET, &address, text, sizeof(text));
		snprintf(gateway->endpoint, sizeof(gateway->endpoint), "tcp://%s:%u", text,
			 setup->gateways[i].port);
		gateway->link = link;
		gateway->index = i;
		gateway->redial_ms = LINK_REDIAL_MS;
		dial(gateway);
	}
	return 0;
}

void gateways_close(struct link *link)
{
	for (uint32_t i = 0; i < link->gateways_count; i++) {
		if (!link->gateways[i].outbox)
			continue;
		hang_up(&link->gateways[i]);
		loop_timer_stop(link->loop, &link->gateways[i].redial);
		link_outbox_free(link->gateways[i].outbox);
	}
}

/* ---- what became of the connection ---- */

static void watch_take(struct gateway *gateway, enum link_watch_event event)
{
	struct link *link = gateway->link;

	switch (event) {
	case LINK_WATCH_UP:
		/* A connection may be up again before the loss of the last was read. */
		down(gateway);
		join_start(gateway);
		break;
	case LINK_WATCH_DOWN:
		/* libzmq dials again after a loss, but never after what broke its protocol. */
		gateway_redial(gateway);
		break;
	case LINK_WATCH_REFUSED:
		join_refused(gateway);
		break;
	case LINK_WATCH_WRONG_SERVER:
		log_info("what answers at %s does not prove that it holds the gateway's key that "
			 "this node pins: nothing is told to it",
			 gateway->endpoint);
		gateway->key = (gateway->key + 1) % link->keys_count;
		/* Of a gateway that changes its key one is wrong. */
		if (gateway->key == 0)
			gateway_refused(gateway, IPC_REFUSAL_KEY);
		gateway_redial(gateway);
		break;
	default:
		break;
	}
}

/* ---- pump ---- */

static void outbox_flush(struct gateway *gateway)
{
	int r;

	if (link_outbox_bytes(gateway->outbox) == 0)
		return;
	r = link_outbox_flush(gateway->outbox, gateway->socket, NULL);
	gateway->awake = true;
	gateway->full |= r == -EAGAIN;
	if (r < 0 && r != -EAGAIN)
		log_error(r, "%s", gateway->endpoint);
}

/* -EAGAIN: nothing waits. */
static int frame_receive(struct gateway *gateway)
{
	const struct link_frame *frame;
	int r = -EAGAIN;

	/* The frame before may have ended the connection. */
	if (gateway->socket)
		r = link_inbox_receive(gateway->link->inbox, gateway->socket, &frame);
	if (r == -EAGAIN)
		return r;
	if (r == 0)
		r = request_take(gateway, frame);
	if (r < 0) {
		/* It is authenticated and still talks nonsense: another version, or worse. */
		log_error(r, "%s: %s", gateway->endpoint,
			  r == -EPROTO ? "unexpected frame" : "malformed frame");
		if (r == -EPROTO || r == -EBADMSG || r == -EMSGSIZE)
			gateway_refused(gateway, IPC_REFUSAL_FRAME);
		gateway_redial(gateway);
		return -EAGAIN;
	}
	return 0;
}

static bool watch_pump(struct gateway *gateway)
{
	enum link_watch_event event;
	bool more = false;

	while (gateway->socket && gateway->watch_awake) {
		event = link_watch_next(gateway->watch);
		gateway->watch_awake = event != LINK_WATCH_NONE;
		if (event == LINK_WATCH_NONE)
			break;
		watch_take(gateway, event);
		more = true;
	}
	return more;
}

bool gateway_pump(struct gateway *gateway, bool receive)
{
	bool more = watch_pump(gateway);
	unsigned taken = 0;

	if (!gateway->socket)
		return more;
	/* Receiving is also what lets libzmq work in this thread, and so is asking. */
	if (gateway->awake && !receive)
		(void)socket_events(gateway->socket);
	while (gateway->awake && receive && taken < PUMP_MAX) {
		gateway->awake = frame_receive(gateway) == 0;
		taken++;
	}
	if (gateway->socket && gateway->state != GATEWAY_DOWN)
		outbox_flush(gateway);
	return more || taken == PUMP_MAX;
}

bool gateway_more(struct gateway *gateway, bool receive)
{
	const bool full = gateway->full;
	int events;

	if (!gateway->socket || !gateway->awake)
		return false;
	events = socket_events(gateway->socket);
	gateway->awake = (events & ZMQ_POLLIN) != 0;
	gateway->full = full && !(events & ZMQ_POLLOUT);
	return (gateway->awake && receive) || (full && !gateway->full);
}

void gateway_send(struct gateway *gateway, const struct link_frame *frame)
{
	int r;

	if (gateway->state == GATEWAY_DOWN || gateway->state == GATEWAY_TURN ||
	    (gateway->state == GATEWAY_GREETED && frame->type != LINK_HELLO) ||
	    (gateway->state == GATEWAY_ENROLLING && frame->type != LINK_ENROL))
		return;
	r = link_outbox_push(gateway->outbox, frame);
	if (r < 0) {
		log_error(r, "%s: %s", gateway->endpoint, link_type_name(frame->type));
		gateway_redial(gateway);
	}
}

void gateways_send(struct link *link, const struct link_frame *frame)
{
	for (uint32_t i = 0; i < link->gateways_count; i++)
		if (link->gateways[i].state == GATEWAY_WELCOMED)
			gateway_send(&link->gateways[i], frame);
}

int gateway_forward(struct gateway *gateway, const uint8_t *bytes, size_t len)
{
	if (gateway->state != GATEWAY_WELCOMED)
		return -EHOSTUNREACH;
	/* Control frames go first. */
	if (link_outbox_bytes(gateway->outbox) > 0)
		outbox_flush(gateway);
	if (link_outbox_bytes(gateway->outbox) > 0)
		return -EAGAIN;
	gateway->awake = true;
	if (zmq_send(gateway->socket, bytes, len, ZMQ_DONTWAIT) >= 0)
		return 0;
	gateway->full = true;
	return -zmq_errno();
}
