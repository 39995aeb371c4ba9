/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A man in the middle between a node's socket and a gateway's, both as the product makes them: he
 * changes one place of a session, anywhere from the greeting to the frames behind the handshake.
 * What comes out at either end is what went in at the other, or nothing, and both go on.
 *
 * usage: test_mutations [ROUNDS [SEED]]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "link/check.h"
#include "link/peer.h"
#include "link/socket.h"
#include "link/zap.h"

#define ROUNDS 200
#define ROUND_MS 150 /* a changed length may make an end wait: that is left to its time-outs */
#define GOOD_MS 20000
#define PLACES 600u /* bytes of a session each way, about */
#define JUNK_MAX 300u

enum how { HOW_NOT, HOW_FLIP, HOW_NOISE, HOW_INSERT, HOW_DROP, HOW_TWICE, HOW_LENGTH, HOW_COUNT };

struct mutation {
	enum how how;
	bool up; /* from the node */
	size_t at, len;
	uint32_t random;
};

struct middle {
	int listener;
	uint16_t port, target;
	pthread_mutex_t lock;
	struct mutation mutation;
};

static uint32_t random_next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the man in the middle ---- */

/* data has room for as much again; its new length. */
static size_t mutate(const struct mutation *m, uint8_t *data, size_t len, size_t at)
{
	size_t n = m->len < len - at ? m->len : len - at;
	uint32_t state = m->random | 1u;

	switch (m->how) {
	case HOW_FLIP:
		data[at] ^= (uint8_t)(1u << (m->random % 8));
		return len;
	case HOW_NOISE:
		for (size_t i = 0; i < n; i++)
			data[at + i] = (uint8_t)random_next(&state);
		return len;
	case HOW_INSERT:
	case HOW_TWICE:
		memmove(data + at + n, data + at, len - at);
		for (size_t i = 0; m->how == HOW_INSERT && i < n; i++)
			data[at + i] = (uint8_t)random_next(&state);
		return len + n;
	case HOW_DROP:
		memmove(data + at, data + at + n, len - at - n);
		return len - n;
	case HOW_LENGTH:
		memset(data + at, (m->random & 1) ? 0xff : 0x7f, n < 8 ? n : 8);
		return len;
	default:
		return len;
	}
}

static bool pump(const struct mutation *m, bool up, int from, int to, size_t *seen)
{
	uint8_t data[2 * 4096];
	ssize_t got = recv(from, data, 4096, 0);
	size_t len;

	if (got <= 0)
		return false;
	len = (size_t)got;
	if (m->how != HOW_NOT && m->up == up && m->at >= *seen && m->at < *seen + len)
		len = mutate(m, data, len, m->at - *seen);
	*seen += (size_t)got;
	return send(to, data, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static void carry(struct middle *middle, int near)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				      .sin_port = htons(middle->target)};
	int far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t seen[2] = {0, 0};
	struct mutation mutation;
	bool on = connect(far, (struct sockaddr *)&address, sizeof(address)) == 0;

	pthread_mutex_lock(&middle->lock);
	mutation = middle->mutation;
	pthread_mutex_unlock(&middle->lock);
	while (on) {
		struct pollfd fds[2] = {{near, POLLIN, 0}, {far, POLLIN, 0}};

		if (poll(fds, 2, -1) < 0)
			break;
		if (fds[0].revents)
			on = pump(&mutation, true, near, far, &seen[0]);
		if (on && fds[1].revents)
			on = pump(&mutation, false, far, near, &seen[1]);
	}
	close(far);
}

static void *middle_run(void *arg)
{
	struct middle *middle = arg;
	int near;

	while ((near = accept4(middle->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		carry(middle, near);
		close(near);
	}
	return NULL;
}

static int middle_open(struct middle *middle)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	pthread_mutex_init(&middle->lock, NULL);
	middle->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(middle->listener, (struct sockaddr *)&address, len) < 0 ||
	    listen(middle->listener, 64) < 0 ||
	    getsockname(middle->listener, (struct sockaddr *)&address, &len) < 0)
		return -errno;
	middle->port = ntohs(address.sin_port);
	return 0;
}

/* ---- the two ends ---- */

struct world {
	struct check *check;
	void *gateway_ctx, *node_ctx, *router;
	struct link_zap *zap;
	struct link_inbox *inbox;
	struct curve_pair gateway, node;
	unsigned int up, down; /* frames that came */
};

static const struct link_frame said_up = {.type = LINK_EVENT_ACK, .u.event_ack = 0x0123456789abcdef};
static const struct link_frame said_down = {.type = LINK_EVENT_ACK, .u.event_ack = 42};

static bool lookup(void *arg, const struct curve_key *key, const char *address,
		   struct link_zap_peer *ret_peer)
{
	struct world *world = arg;

	(void)address;
	snprintf(ret_peer->user, LINK_NAME_MAX, "node-1");
	return memcmp(key, &world->node.public_key, sizeof(*key)) == 0;
}

static int world_open(struct world *world, struct middle *middle)
{
	char endpoint[64];
	size_t len = sizeof(endpoint);
	int r;

	world->gateway_ctx = zmq_ctx_new();
	world->node_ctx = zmq_ctx_new();
	r = curve_pair_make(&world->gateway);
	if (r == 0)
		r = curve_pair_make(&world->node);
	if (r == 0)
		r = link_inbox_new(&world->inbox);
	if (r == 0)
		r = link_zap_new(world->gateway_ctx, lookup, NULL, world, &world->zap);
	if (r == 0)
		r = link_socket_gateway(world->gateway_ctx, &world->gateway, &world->router);
	if (r == 0 && (zmq_bind(world->router, "tcp://127.0.0.1:*") < 0 ||
		       zmq_getsockopt(world->router, ZMQ_LAST_ENDPOINT, endpoint, &len) < 0))
		r = -zmq_errno();
	if (r == 0)
		middle->target = (uint16_t)atoi(strrchr(endpoint, ':') + 1);
	return r;
}

static void world_close(struct world *world)
{
	zmq_close(world->router);
	link_zap_free(world->zap);
	link_inbox_free(world->inbox);
	zmq_ctx_term(world->node_ctx);
	zmq_ctx_term(world->gateway_ctx);
}

/* What came is what was said, from whom it was said by; it is answered. */
static void gateway_turn(struct world *world)
{
	const struct link_frame *frame;
	int r;

	CHECK_EQ(world->check, link_zap_run(world->zap), 0);
	while ((r = link_inbox_receive(world->inbox, world->router, &frame)) != -EAGAIN) {
		CHECK_EQ(world->check, r, 0);
		CHECK(world->check, strcmp(link_inbox_sender(world->inbox)->user, "node-1") == 0);
		CHECK(world->check, frame->type == said_up.type &&
					    frame->u.event_ack == said_up.u.event_ack);
		world->up++;
		link_send(world->router, &link_inbox_sender(world->inbox)->route, &said_down);
	}
}

static void node_turn(struct world *world, void *dealer)
{
	const struct link_frame *frame;
	int r;

	while ((r = link_inbox_receive(world->inbox, dealer, &frame)) != -EAGAIN) {
		CHECK_EQ(world->check, r, 0);
		CHECK(world->check, frame->type == said_down.type &&
					    frame->u.event_ack == said_down.u.event_ack);
		world->down++;
	}
}

/* One connection through the middle, until a frame came back or the time is over. */
static bool session(struct world *world, uint16_t port, long ms)
{
	const long end = now_ms() + ms;
	const unsigned int before = world->down;
	char endpoint[64];
	bool said = false;
	void *dealer;

	snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%u", port);
	if (link_socket_node(world->node_ctx, &world->node, &world->gateway.public_key,
			     &dealer) < 0)
		return false;
	CHECK_EQ(world->check, zmq_connect(dealer, endpoint), 0);
	while (world->down == before && now_ms() < end) {
		zmq_pollitem_t items[] = {{world->router, 0, ZMQ_POLLIN, 0},
					  {link_zap_socket(world->zap), -1, ZMQ_POLLIN, 0},
					  {dealer, 0, ZMQ_POLLIN, 0}};

		zmq_poll(items, 3, 2);
		gateway_turn(world);
		said = said || link_send(dealer, NULL, &said_up) == 0;
		node_turn(world, dealer);
	}
	zmq_close(dealer);
	return world->down > before;
}

static void mutation_set(struct middle *middle, const struct mutation *mutation)
{
	pthread_mutex_lock(&middle->lock);
	middle->mutation = *mutation;
	pthread_mutex_unlock(&middle->lock);
}

static void test_rounds(struct check *check, unsigned long rounds, uint32_t seed)
{
	const struct mutation none = {.how = HOW_NOT};
	struct middle middle = {.listener = -1};
	struct world world = {.check = check};
	unsigned long through = 0;
	uint32_t state = seed | 1u;
	pthread_t thread;

	CHECK_EQ(check, middle_open(&middle), 0);
	CHECK_EQ(check, world_open(&world, &middle), 0);
	CHECK_EQ(check, pthread_create(&thread, NULL, middle_run, &middle), 0);
	CHECK(check, session(&world, middle.port, GOOD_MS)); /* the control: unchanged it works */
	for (unsigned long i = 0; i < rounds; i++) {
		struct mutation mutation = {
			.how = (enum how)(1 + random_next(&state) % (HOW_COUNT - 1)),
			.up = random_next(&state) % 2,
			.at = random_next(&state) % PLACES,
			.len = 1 + random_next(&state) % JUNK_MAX,
			.random = random_next(&state),
		};

		mutation_set(&middle, &mutation);
		through += session(&world, middle.port, ROUND_MS);
	}
	mutation_set(&middle, &none);
	CHECK(check, session(&world, middle.port, GOOD_MS));
	printf("seed %u: %lu rounds, %lu came through whole\n", seed, rounds, through);
	CHECK(check, through < rounds / 2); /* what was changed did matter */
	shutdown(middle.listener, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(middle.listener);
	world_close(&world);
}

int main(int argc, char **argv)
{
	const char *more = getenv("ANCHORHOLD_LONG");
	unsigned long rounds = more != NULL && atoi(more) > 1 ? 100ul * ROUNDS : ROUNDS;
	struct check check = {0};

	test_rounds(&check, argc > 1 ? strtoul(argv[1], NULL, 10) : rounds,
		    argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 7u);
	return CHECK_DONE(&check);
}
