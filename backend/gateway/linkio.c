/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/linkio.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#include "backend/gateway/clock.h"
#include "backend/gateway/linkwatch.h"
#include "backend/gateway/log.h"
#include "backend/gateway/refusals.h"
#include "link/peer.h"
#include "link/socket.h"
#include "link/zap.h"

#define FRAMES_A_TURN 256

struct linkio {
	void *zmq;
	void *socket;
	struct link_zap *zap;
	struct link_inbox *inbox;
	struct linkwatch *watch;
	struct store *store;
	struct refusals *refusals;
	int port;
	bool ready[LINKIO_FDS]; /* may have something to take */
};

/*
 * Let in: keys of the store whose nodes are not out; the name the store gives them is who they are.
 * Others only while a node is awaited, and as strangers: all they may do is enrol.
 */
static bool lookup(void *arg, const struct curve_key *key, const char *address,
		   struct link_zap_peer *ret_peer)
{
	struct linkio *linkio = arg;
	char text[CURVE_TEXT_LEN + 1];
	struct store_node node;
	int r;

	curve_key_format(key, text);
	r = store_node_by_key(linkio->store, text, &node);
	if (r == 0 && !node.revoked && !node.locked) {
		memcpy(ret_peer->user, node.name, LINK_NAME_MAX);
		ret_peer->stamp = node.joins;
		return true;
	}
	if (r == -ENOENT && store_enrol_any(linkio->store, (int64_t)time(NULL))) {
		snprintf(ret_peer->user, LINK_NAME_MAX, FLEET_STRANGER);
		return true;
	}
	if (r == -EIO)
		log_line("store: %s", store_error(linkio->store));
	else if (r == 0)
		refusals_tell(linkio->refusals, clock_ms(),
			      node.revoked ? REFUSAL_REVOKED : REFUSAL_LOCKED, address,
			      node.revoked ? "the key of node %s, which was revoked"
					   : "the key of node %s, which is locked: two nodes have it",
			      node.name);
	else
		refusals_tell(linkio->refusals, clock_ms(), REFUSAL_KEY, address,
			      "the key %s is no node's", text);
	return false;
}

static void handshake_failed(void *arg, const char *address, const char *what)
{
	struct linkio *linkio = arg;

	refusals_tell(linkio->refusals, clock_ms(), REFUSAL_HANDSHAKE, address, "%s", what);
}

static void weak_key(void *arg, const struct curve_key *key, const char *address)
{
	struct linkio *linkio = arg;
	char text[CURVE_TEXT_LEN + 1];

	curve_key_format(key, text);
	refusals_tell(linkio->refusals, clock_ms(), REFUSAL_WEAK, address,
		      "the key %s is a published or a weak one", text);
}

static void silent(void *arg, const char *address)
{
	struct linkio *linkio = arg;

	refusals_tell(linkio->refusals, clock_ms(), REFUSAL_SILENT, address,
		      "it got in and said neither HELLO nor ENROL for %u s", LINK_SILENT_MS / 1000u);
}

void linkio_sweep(struct linkio *linkio, uint64_t now_ms)
{
	linkwatch_sweep(linkio->watch, now_ms, silent, linkio);
}

static int bind_to(struct linkio *linkio, const struct options_address *address)
{
	bool v6 = strchr(address->host, ':') != NULL;
	int on = 1;
	char name[128];
	size_t len = sizeof(name);
	const char *colon;

	if (v6 && zmq_setsockopt(linkio->socket, ZMQ_IPV6, &on, sizeof(on)) < 0)
		return -zmq_errno();
	snprintf(name, sizeof(name), v6 ? "tcp://[%s]:%u" : "tcp://%s:%u", address->host,
		 address->port);
	if (zmq_bind(linkio->socket, name) < 0 ||
	    zmq_getsockopt(linkio->socket, ZMQ_LAST_ENDPOINT, name, &len) < 0)
		return -zmq_errno();
	colon = strrchr(name, ':');
	linkio->port = colon == NULL ? 0 : atoi(colon + 1);
	return 0;
}

int linkio_new(const struct options_address *address, const struct curve_pair *own,
	       struct store *store, struct refusals *refusals, struct linkio **ret_linkio, char *ret_error,
	       size_t error_size)
{
	struct linkio *linkio = calloc(1, sizeof(*linkio));
	int r;

	if (linkio == NULL)
		return -ENOMEM;
	linkio->store = store;
	linkio->refusals = refusals;
	linkio->zmq = zmq_ctx_new();
	r = linkio->zmq == NULL ? -ENOMEM : link_inbox_new(&linkio->inbox);
	/* The handler before the socket: nobody is let in in between. */
	if (r == 0)
		r = link_zap_new(linkio->zmq, lookup, weak_key, linkio, &linkio->zap);
	if (r == 0)
		r = link_socket_gateway(linkio->zmq, own, &linkio->socket);
	if (r == 0)
		r = linkwatch_new(linkio->zmq, linkio->socket, handshake_failed, linkio,
				  &linkio->watch);
	if (r < 0) {
		snprintf(ret_error, error_size, "the link's sockets: %s", strerror(-r));
		linkio_free(linkio);
		return r;
	}
	r = bind_to(linkio, address);
	if (r < 0) {
		snprintf(ret_error, error_size, "--link %s:%u: %s", address->host, address->port,
			 zmq_strerror(-r));
		linkio_free(linkio);
		return r;
	}
	/* libzmq tells a reader of what came only once it has looked and found nothing. */
	for (int fd = 0; fd < LINKIO_FDS; fd++)
		linkio->ready[fd] = true;
	*ret_linkio = linkio;
	return 0;
}

void linkio_free(struct linkio *linkio)
{
	int linger = 0;

	if (linkio == NULL)
		return;
	linkwatch_free(linkio->watch);
	if (linkio->socket != NULL) {
		zmq_setsockopt(linkio->socket, ZMQ_LINGER, &linger, sizeof(linger));
		zmq_close(linkio->socket);
	}
	link_zap_free(linkio->zap);
	link_inbox_free(linkio->inbox);
	if (linkio->zmq != NULL)
		zmq_ctx_term(linkio->zmq);
	free(linkio);
}

void *linkio_socket(const struct linkio *linkio)
{
	return linkio->socket;
}

int linkio_port(const struct linkio *linkio)
{
	return linkio->port;
}

static int fd_of(void *socket)
{
	int fd = -1;
	size_t len = sizeof(fd);

	zmq_getsockopt(socket, ZMQ_FD, &fd, &len);
	return fd;
}

void linkio_fds(const struct linkio *linkio, int ret_fd[LINKIO_FDS])
{
	ret_fd[LINKIO_ROUTER] = fd_of(linkio->socket);
	ret_fd[LINKIO_ZAP] = fd_of(link_zap_socket(linkio->zap));
	ret_fd[LINKIO_WATCH] = fd_of(linkwatch_socket(linkio->watch));
}

bool *linkio_ready(struct linkio *linkio, enum linkio_fd fd)
{
	return &linkio->ready[fd];
}

static bool waiting(void *socket)
{
	int events = 0;
	size_t len = sizeof(events);

	return zmq_getsockopt(socket, ZMQ_EVENTS, &events, &len) == 0 && (events & ZMQ_POLLIN);
}

bool linkio_waiting(struct linkio *linkio)
{
	void *const sockets[LINKIO_FDS] = {
		[LINKIO_ROUTER] = linkio->socket,
		[LINKIO_ZAP] = link_zap_socket(linkio->zap),
		[LINKIO_WATCH] = linkwatch_socket(linkio->watch),
	};
	bool any = false;

	/* The ROUTER always, for all that was sent on it; the others where one turn left something. */
	for (int fd = 0; fd < LINKIO_FDS; fd++) {
		if (fd == LINKIO_ROUTER ? !linkio->ready[fd] : linkio->ready[fd])
			linkio->ready[fd] = waiting(sockets[fd]);
		any |= linkio->ready[fd];
	}
	return any;
}

static void take(struct linkio *linkio, struct fleet *fleet, const struct link_frame *frame)
{
	struct link_mark mark;

	if (frame->type == LINK_HELLO || frame->type == LINK_ENROL) {
		link_inbox_mark(linkio->inbox, &mark);
		linkwatch_spoke(linkio->watch, &mark);
	}
	fleet_frame(fleet, linkio->inbox, frame);
}

/* What is no frame. A stranger has nothing else to say than one ENROL. */
static void drop(struct linkio *linkio, int error)
{
	const struct link_sender *sender = link_inbox_sender(linkio->inbox);

	refusals_tell(linkio->refusals, clock_ms(), REFUSAL_FRAME, sender->user,
		      "a frame was dropped: %s", zmq_strerror(-error));
	if (strcmp(sender->user, FLEET_STRANGER) == 0)
		fleet_shut(linkio->inbox);
}

void linkio_run(struct linkio *linkio, struct fleet *fleet)
{
	const struct link_frame *frame;

	if (linkio->ready[LINKIO_ZAP])
		link_zap_run(linkio->zap);
	if (linkio->ready[LINKIO_WATCH])
		linkwatch_run(linkio->watch, clock_ms());
	for (int i = 0; linkio->ready[LINKIO_ROUTER] && i < FRAMES_A_TURN; i++) {
		int r = link_inbox_receive(linkio->inbox, linkio->socket, &frame);

		if (r == -EAGAIN || r == -ETERM || r == -ENOTSOCK)
			linkio->ready[LINKIO_ROUTER] = false;
		else if (r == 0)
			take(linkio, fleet, frame);
		else
			drop(linkio, r);
	}
}
