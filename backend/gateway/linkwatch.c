/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/linkwatch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <zmq.h>

#define FDS_MAX 65536
#define EVENTS (ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)

struct peer {
	char address[INET6_ADDRSTRLEN];
	uint64_t round; /* of linkwatch_run() that took its ACCEPTED */
};

struct linkwatch {
	void *watched, *pair;
	linkwatch_failed failed;
	void *arg;
	uint64_t round;
	uint32_t error; /* of the handshake that failed last; 0: none is waiting for its end */
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

static void accepted(struct linkwatch *watch, uint32_t fd)
{
	struct peer *peer = peer_of(watch, fd, true);
	struct sockaddr_storage name = {0};
	socklen_t len = sizeof(name);

	if (peer == NULL)
		return;
	peer->address[0] = '\0';
	peer->round = watch->round;
	if (getpeername((int)fd, (struct sockaddr *)&name, &len) < 0)
		return;
	if (name.ss_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *)&name)->sin_addr, peer->address,
			  sizeof(peer->address));
	else if (name.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&name)->sin6_addr, peer->address,
			  sizeof(peer->address));
}

/*
 * Its end stands in the queue before its number is given again. One that was accepted in an
 * earlier round had not ended when it was looked at, for that round emptied the queue.
 */
static const char *address_of(struct linkwatch *watch, uint32_t fd)
{
	const struct peer *peer = peer_of(watch, fd, false);

	if (peer == NULL || peer->address[0] == '\0' || peer->round == watch->round)
		return "an unknown address";
	return peer->address;
}

/* ---- events ---- */

static const char *sentence(uint32_t error)
{
	switch (error) {
	case ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
		return "it offered another mechanism than CURVE";
	case ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC:
		return "its handshake does not fit this gateway's key";
	default:
		return "it broke the rules of the handshake";
	}
}

/* u16 event and u32 value, in the machine's order, and an address of this side. */
static bool event_receive(void *pair, uint16_t *ret_event, uint32_t *ret_value)
{
	uint8_t head[6], address[256];
	int more = 0;
	size_t len = sizeof(more);

	if (zmq_recv(pair, head, sizeof(head), ZMQ_DONTWAIT) != (int)sizeof(head))
		return false;
	memcpy(ret_event, head, sizeof(*ret_event));
	memcpy(ret_value, head + 2, sizeof(*ret_value));
	while (zmq_getsockopt(pair, ZMQ_RCVMORE, &more, &len) == 0 && more != 0)
		if (zmq_recv(pair, address, sizeof(address), ZMQ_DONTWAIT) < 0)
			return false;
	return true;
}

void linkwatch_run(struct linkwatch *watch)
{
	uint16_t event;
	uint32_t value;

	watch->round++;
	while (event_receive(watch->pair, &event, &value)) {
		if (event == ZMQ_EVENT_ACCEPTED)
			accepted(watch, value);
		/* One thread of libzmq's tells both, one behind the other. */
		if (event == ZMQ_EVENT_DISCONNECTED && watch->error != 0)
			watch->failed(watch->arg, address_of(watch, value), sentence(watch->error));
		watch->error = event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL ? value : 0;
	}
}
