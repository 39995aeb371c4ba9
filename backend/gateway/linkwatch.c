/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/linkwatch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <zmq.h>

#include "link/socket.h"

/* Of our patched libzmq; another one never tells these. */
#ifndef ZMQ_PROTOCOL_ERROR_ANCHORHOLD_VERSION
#define ZMQ_PROTOCOL_ERROR_ANCHORHOLD_VERSION 0x1f000001
#define ZMQ_PROTOCOL_ERROR_ANCHORHOLD_PEER 0x1f000002
#endif

#define SWEEP_MS 1000u
#define FDS_MAX 65536
#define EVENTS (ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)

struct peer {
	struct link_mark mark; /* of the connection that the number stood for last */
	uint64_t since_ms;     /* 0: it need not be looked at */
};

struct linkwatch {
	void *watched, *pair;
	linkwatch_failed failed;
	void *arg;
	uint32_t error; /* of the connection that is ending; 0: none, or it was told */
	uint64_t swept_ms;
	struct peer *peers; /* by descriptor */
	int peers_count;
};

int linkwatch_new(void *zmq, void *socket, linkwatch_failed failed, void *arg,
		  struct linkwatch **ret_watch)
{
	static const char endpoint[] = "inproc://gateway-link-watch";
	struct linkwatch *watch = calloc(1, sizeof(*watch));
	const int none = 0;
	int error;

	if (watch == NULL)
		return -ENOMEM;
	*watch = (struct linkwatch){.watched = socket, .failed = failed, .arg = arg};
	watch->pair = zmq_socket(zmq, ZMQ_PAIR);
	/* No mark: libzmq's own thread would wait there, and it is emptied each turn of the loop. */
	if (watch->pair != NULL &&
	    zmq_setsockopt(watch->pair, ZMQ_LINGER, &none, sizeof(none)) == 0 &&
	    zmq_setsockopt(watch->pair, ZMQ_RCVHWM, &none, sizeof(none)) == 0 &&
	    zmq_socket_monitor(socket, endpoint, EVENTS) == 0 &&
	    zmq_connect(watch->pair, endpoint) == 0) {
		*ret_watch = watch;
		return 0;
	}
	error = -zmq_errno();
	linkwatch_free(watch);
	return error;
}

void linkwatch_free(struct linkwatch *watch)
{
	if (watch == NULL)
		return;
	zmq_socket_monitor(watch->watched, NULL, 0);
	if (watch->pair != NULL)
		zmq_close(watch->pair);
	free(watch->peers);
	free(watch);
}

void *linkwatch_socket(const struct linkwatch *watch)
{
	return watch->pair;
}

/* ---- who has a descriptor ---- */

static struct peer *peer_of(struct linkwatch *watch, uint32_t fd, bool make)
{
	int count = watch->peers_count > 0 ? watch->peers_count : 64;
	struct peer *more;

	if (fd >= FDS_MAX || (!make && (int)fd >= watch->peers_count))
		return NULL;
	while (count <= (int)fd)
		count *= 2;
	if (count != watch->peers_count) {
		more = realloc(watch->peers, (size_t)count * sizeof(*more));
		if (more == NULL)
			return NULL;
		memset(more + watch->peers_count, 0,
		       (size_t)(count - watch->peers_count) * sizeof(*more));
		watch->peers = more;
		watch->peers_count = count;
	}
	return &watch->peers[fd];
}

/* It may have spoken already: the two are told by different sockets. */
static void accepted(struct linkwatch *watch, uint32_t fd, uint64_t now_ms)
{
	struct peer *peer = peer_of(watch, fd, true);
	struct link_mark mark;

	if (peer == NULL)
		return;
	(void)link_mark_take((int)fd, &mark);
	if (mark.fd < 0 || mark.cookie == peer->mark.cookie)
		return;
	*peer = (struct peer){.mark = mark, .since_ms = now_ms};
}

static void ended(struct linkwatch *watch, uint32_t fd)
{
	struct peer *peer = peer_of(watch, fd, false);

	if (peer != NULL)
		peer->since_ms = 0;
}

void linkwatch_spoke(struct linkwatch *watch, const struct link_mark *mark)
{
	struct peer *peer = mark->fd < 0 ? NULL : peer_of(watch, (uint32_t)mark->fd, true);

	if (peer != NULL)
		*peer = (struct peer){.mark = *mark, .since_ms = 0};
}

static void address_of(int fd, char ret_address[INET6_ADDRSTRLEN])
{
	struct sockaddr_storage name = {0};
	socklen_t len = sizeof(name);

	snprintf(ret_address, INET6_ADDRSTRLEN, "an unknown address");
	if (getpeername(fd, (struct sockaddr *)&name, &len) < 0)
		return;
	if (name.ss_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *)&name)->sin_addr, ret_address,
			  INET6_ADDRSTRLEN);
	else if (name.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&name)->sin6_addr, ret_address,
			  INET6_ADDRSTRLEN);
}

void linkwatch_sweep(struct linkwatch *watch, uint64_t now_ms, linkwatch_silent silent, void *arg)
{
	char address[INET6_ADDRSTRLEN];

	if (now_ms - watch->swept_ms < SWEEP_MS)
		return;
	watch->swept_ms = now_ms;
	for (int fd = 0; fd < watch->peers_count; fd++) {
		struct peer *peer = &watch->peers[fd];

		if (peer->since_ms == 0 || now_ms - peer->since_ms < LINK_SILENT_MS)
			continue;
		peer->since_ms = 0;
		address_of(fd, address);
		/* The address is its own only if the number is still its own. */
		if (link_mark_shut(&peer->mark) == 0)
			silent(arg, address);
	}
}

/* ---- events ---- */

static const char *sentence(uint32_t error)
{
	switch (error) {
	case ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
		return "it offered another mechanism than CURVE";
	case ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC:
		return "what it sent does not fit this gateway's key, or a key shown before";
	case ZMQ_PROTOCOL_ERROR_ANCHORHOLD_VERSION:
		return "it speaks a version of ZMTP from before 3, which has no CURVE";
	default:
		return "it broke the rules of ZMTP, or of the link's frames";
	}
}

struct event {
	uint16_t number;
	uint32_t value;
	char address[256]; /* of this side, but for ANCHORHOLD_PEER */
};

/* u16 and u32 in the machine's order, and the address. */
static bool event_receive(void *pair, struct event *ret_event)
{
	uint8_t head[6];
	int more = 0, got;
	size_t len = sizeof(more);

	if (zmq_recv(pair, head, sizeof(head), ZMQ_DONTWAIT) != (int)sizeof(head))
		return false;
	*ret_event = (struct event){.number = 0};
	memcpy(&ret_event->number, head, sizeof(ret_event->number));
	memcpy(&ret_event->value, head + 2, sizeof(ret_event->value));
	while (zmq_getsockopt(pair, ZMQ_RCVMORE, &more, &len) == 0 && more != 0) {
		got = zmq_recv(pair, ret_event->address, sizeof(ret_event->address), ZMQ_DONTWAIT);
		if (got < 0)
			return false;
		ret_event->address[got < (int)sizeof(ret_event->address) - 1
					   ? got
					   : (int)sizeof(ret_event->address) - 1] = '\0';
	}
	return true;
}

/* One thread of libzmq's tells why, who and the end, one behind the other. */
static void failed(struct linkwatch *watch, const char *address)
{
	watch->failed(watch->arg, address, sentence(watch->error));
	watch->error = 0;
}

void linkwatch_run(struct linkwatch *watch, uint64_t now_ms)
{
	struct event event;

	while (event_receive(watch->pair, &event)) {
		if (event.number == ZMQ_EVENT_ACCEPTED) {
			accepted(watch, event.value, now_ms);
			watch->error = 0;
		} else if (event.number == ZMQ_EVENT_DISCONNECTED) {
			ended(watch, event.value);
			if (watch->error != 0)
				failed(watch, "an unknown address");
		} else if (event.value == ZMQ_PROTOCOL_ERROR_ANCHORHOLD_PEER) {
			failed(watch, event.address);
		} else {
			watch->error = event.value;
		}
	}
}
