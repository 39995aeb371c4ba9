/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Node and gateway sockets against each other on loopback: who gets in, who does not, and what
 * becomes of frames that break the rules.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <zmq.h>

#include "link/check.h"
#include "link/peer.h"
#include "link/socket.h"
#include "link/watch.h"
#include "link/zap.h"

#define WAIT_MS 20000 /* for what must happen, on a machine however busy */
#define QUIET_MS 700  /* for what must not */

/* A gateway's context with a node's: two, as they are two machines. */
struct world {
	struct check *check;
	void *gateway_ctx, *node_ctx;
	void *router;
	struct link_zap *zap;
	struct link_inbox *inbox;
	char endpoint[64];
	struct curve_pair gateway, node;
	unsigned int asked;
	bool silent; /* the ZAP handler is there, but nobody runs it */
};

static bool lookup(void *arg, const struct curve_key *key, const char *address,
		   struct link_zap_peer *ret_peer)
{
	struct world *world = arg;

	world->asked++;
	CHECK(world->check, strcmp(address, "127.0.0.1") == 0);
	if (memcmp(key, &world->node.public_key, sizeof(*key)) != 0)
		return false;
	snprintf(ret_peer->user, LINK_NAME_MAX, "node-1");
	ret_peer->stamp = 77;
	return true;
}

static void world_new(struct world *world, struct check *check, bool handler)
{
	size_t len = sizeof(world->endpoint);

	memset(world, 0, sizeof(*world));
	world->check = check;
	world->gateway_ctx = zmq_ctx_new();
	world->node_ctx = zmq_ctx_new();
	CHECK_EQ(check, curve_pair_make(&world->gateway), 0);
	CHECK_EQ(check, curve_pair_make(&world->node), 0);
	if (handler)
		CHECK_EQ(check, link_zap_new(world->gateway_ctx, lookup, NULL, world, &world->zap), 0);
	CHECK_EQ(check, link_inbox_new(&world->inbox), 0);
	CHECK_EQ(check, link_socket_gateway(world->gateway_ctx, &world->gateway, &world->router),
		 0);
	CHECK_EQ(check, zmq_bind(world->router, "tcp://127.0.0.1:*"), 0);
	CHECK_EQ(check,
		 zmq_getsockopt(world->router, ZMQ_LAST_ENDPOINT, world->endpoint, &len), 0);
}

static void world_free(struct world *world)
{
	zmq_close(world->router);
	link_zap_free(world->zap);
	link_inbox_free(world->inbox);
	zmq_ctx_term(world->node_ctx);
	zmq_ctx_term(world->gateway_ctx);
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Runs the gateway's loop until a frame (or an error of one) comes, or the time is over. */
static int gateway_receive(struct world *world, const struct link_frame **ret_frame, long ms)
{
	const long end = now_ms() + ms;

	while (now_ms() < end) {
		zmq_pollitem_t items[] = {
			{world->router, 0, ZMQ_POLLIN, 0},
			{world->zap ? link_zap_socket(world->zap) : NULL, -1, ZMQ_POLLIN, 0},
		};
		int error;

		zmq_poll(items, world->zap != NULL && !world->silent ? 2 : 1, 20);
		if (world->zap != NULL && !world->silent)
			CHECK_EQ(world->check, link_zap_run(world->zap), 0);
		error = link_inbox_receive(world->inbox, world->router, ret_frame);
		if (error != -EAGAIN)
			return error;
	}
	return -EAGAIN;
}

static const struct link_frame frame_ack = {.type = LINK_EVENT_ACK, .u.event_ack = 7};

/* Connects a node's socket and says one frame as soon as it can. */
static int node_say(struct world *world, void *dealer, long ms)
{
	const struct link_frame *frame = NULL;
	const long end = now_ms() + ms;
	int error;

	CHECK_EQ(world->check, zmq_connect(dealer, world->endpoint), 0);
	while ((error = link_send(dealer, NULL, &frame_ack)) == -EAGAIN && now_ms() < end)
		gateway_receive(world, &frame, 20);
	if (error != 0)
		return error;
	return gateway_receive(world, &frame, ms);
}

/* libzmq tells of the handshake a moment before it has a pipe to write to. */
static int send_soon(struct world *world, void *dealer)
{
	const struct link_frame *frame;
	const long end = now_ms() + WAIT_MS;
	int error;

	while ((error = link_send(dealer, NULL, &frame_ack)) == -EAGAIN && now_ms() < end)
		CHECK_EQ(world->check, gateway_receive(world, &frame, 1), -EAGAIN);
	return error;
}

static enum link_watch_event watch_wait(struct world *world, struct link_watch *watch)
{
	const struct link_frame *frame;
	const long end = now_ms() + WAIT_MS;
	enum link_watch_event event = LINK_WATCH_NONE;

	while (event == LINK_WATCH_NONE && now_ms() < end) {
		gateway_receive(world, &frame, 20);
		event = link_watch_next(watch);
	}
	return event;
}

/* ---- who gets in ---- */

static void test_good(struct check *check)
{
	const struct link_frame *frame = NULL;
	struct link_inbox *inbox;
	struct link_watch *watch;
	struct link_route route;
	struct world world;
	void *dealer;
	int error = -EAGAIN;

	check_row(check, "good");
	world_new(&world, check, true);
	CHECK_EQ(check, link_inbox_new(&inbox), 0);
	CHECK_EQ(check, link_socket_node(world.node_ctx, &world.node, &world.gateway.public_key,
					 &dealer), 0);
	CHECK_EQ(check, link_watch_new(world.node_ctx, dealer, &watch), 0);
	CHECK_EQ(check, link_send(dealer, NULL, &frame_ack), -EAGAIN); /* nobody there yet */
	CHECK_EQ(check, zmq_connect(dealer, world.endpoint), 0);
	CHECK_EQ(check, watch_wait(&world, watch), LINK_WATCH_UP);
	CHECK_EQ(check, send_soon(&world, dealer), 0);
	CHECK_EQ(check, gateway_receive(&world, &frame, WAIT_MS), 0);
	CHECK(check, frame != NULL && frame->type == LINK_EVENT_ACK && frame->u.event_ack == 7);
	CHECK(check, strcmp(link_inbox_sender(world.inbox)->user, "node-1") == 0);
	CHECK_EQ(check, link_inbox_sender(world.inbox)->stamp, 77);
	route = link_inbox_sender(world.inbox)->route;
	CHECK(check, route.len > 0 && link_route_equal(&route, &route));

	CHECK_EQ(check, link_send(world.router, &route, &frame_ack), 0);
	for (int i = 0; i < 100 && error == -EAGAIN; i++) {
		zmq_pollitem_t item = {dealer, 0, ZMQ_POLLIN, 0};

		zmq_poll(&item, 1, 20);
		error = link_inbox_receive(inbox, dealer, &frame);
	}
	CHECK_EQ(check, error, 0);
	CHECK(check, link_inbox_sender(inbox)->user[0] == '\0' && link_inbox_sender(inbox)->route.len == 0);

	route.id[0] ^= 1;
	CHECK_EQ(check, link_send(world.router, &route, &frame_ack), -EHOSTUNREACH);
	link_watch_free(watch);
	zmq_close(dealer);
	link_inbox_free(inbox);
	world_free(&world);
}

static void test_gateway_gone(struct check *check)
{
	struct link_watch *watch;
	struct world world;
	void *dealer;

	check_row(check, "gateway gone");
	world_new(&world, check, true);
	CHECK_EQ(check, link_socket_node(world.node_ctx, &world.node, &world.gateway.public_key,
					 &dealer), 0);
	CHECK_EQ(check, link_watch_new(world.node_ctx, dealer, &watch), 0);
	CHECK_EQ(check, zmq_connect(dealer, world.endpoint), 0);
	CHECK_EQ(check, watch_wait(&world, watch), LINK_WATCH_UP);
	CHECK_EQ(check, zmq_unbind(world.router, world.endpoint), 0);
	zmq_close(world.router);
	world.router = zmq_socket(world.gateway_ctx, ZMQ_ROUTER); /* for the loop to poll */
	CHECK_EQ(check, watch_wait(&world, watch), LINK_WATCH_DOWN);
	CHECK_EQ(check, watch_wait(&world, watch), LINK_WATCH_UNREACHABLE);
	CHECK_EQ(check, link_send(dealer, NULL, &frame_ack), -EAGAIN);
	link_watch_free(watch);
	zmq_close(dealer);
	world_free(&world);
}

static void test_unknown_key(struct check *check)
{
	struct curve_pair stranger;
	struct link_watch *watch;
	struct world world;
	void *dealer;

	check_row(check, "unknown key");
	world_new(&world, check, true);
	CHECK_EQ(check, curve_pair_make(&stranger), 0);
	CHECK_EQ(check, link_socket_node(world.node_ctx, &stranger, &world.gateway.public_key,
					 &dealer), 0);
	CHECK_EQ(check, link_watch_new(world.node_ctx, dealer, &watch), 0);
	CHECK_EQ(check, zmq_connect(dealer, world.endpoint), 0);
	CHECK_EQ(check, watch_wait(&world, watch), LINK_WATCH_REFUSED);
	CHECK(check, world.asked > 0);
	CHECK_EQ(check, link_send(dealer, NULL, &frame_ack), -EAGAIN);
	link_watch_free(watch);
	zmq_close(dealer);
	world_free(&world);
}

static void test_wrong_server(struct check *check)
{
	struct curve_pair other;
	struct link_watch *watch;
	struct world world;
	void *dealer;

	check_row(check, "wrong server key");
	world_new(&world, check, true);
	CHECK_EQ(check, curve_pair_make(&other), 0);
	CHECK_EQ(check, link_socket_node(world.node_ctx, &world.node, &other.public_key, &dealer),
		 0);
	CHECK_EQ(check, link_watch_new(world.node_ctx, dealer, &watch), 0);
	CHECK_EQ(check, zmq_connect(dealer, world.endpoint), 0);
	CHECK_EQ(check, watch_wait(&world, watch), LINK_WATCH_WRONG_SERVER);
	CHECK_EQ(check, link_send(dealer, NULL, &frame_ack), -EAGAIN);
	CHECK_EQ(check, world.asked, 0); /* it never got as far as the handler */
	link_watch_free(watch);
	zmq_close(dealer);
	world_free(&world);
}

static void test_null_mechanism(struct check *check)
{
	struct world world;
	const int none = 0;
	void *dealer;

	check_row(check, "no security");
	world_new(&world, check, true);
	dealer = zmq_socket(world.node_ctx, ZMQ_DEALER);
	zmq_setsockopt(dealer, ZMQ_LINGER, &none, sizeof(none));
	CHECK_EQ(check, node_say(&world, dealer, QUIET_MS), -EAGAIN);
	CHECK_EQ(check, world.asked, 0);
	zmq_close(dealer);
	world_free(&world);
}

static void test_handler_missing(struct check *check)
{
	struct world world;
	void *dealer;

	check_row(check, "handler missing");
	world_new(&world, check, false);
	CHECK_EQ(check, link_socket_node(world.node_ctx, &world.node, &world.gateway.public_key,
					 &dealer), 0);
	CHECK_EQ(check, node_say(&world, dealer, QUIET_MS), -EAGAIN);
	zmq_close(dealer);
	world_free(&world);
}

static void test_handler_silent(struct check *check)
{
	struct world world;
	void *dealer;

	check_row(check, "handler silent");
	world_new(&world, check, true);
	world.silent = true;
	CHECK_EQ(check, link_socket_node(world.node_ctx, &world.node, &world.gateway.public_key,
					 &dealer), 0);
	CHECK_EQ(check, node_say(&world, dealer, QUIET_MS), -EAGAIN);
	CHECK_EQ(check, world.asked, 0);
	zmq_close(dealer);
	world_free(&world);
}

static void test_handler_dies(struct check *check)
{
	struct world world;
	void *dealer;

	check_row(check, "handler dies");
	world_new(&world, check, true);
	link_zap_free(world.zap);
	world.zap = NULL;
	CHECK_EQ(check, link_socket_node(world.node_ctx, &world.node, &world.gateway.public_key,
					 &dealer), 0);
	CHECK_EQ(check, node_say(&world, dealer, QUIET_MS), -EAGAIN);
	zmq_close(dealer);
	world_free(&world);
}

static void test_two_handlers(struct check *check)
{
	struct link_zap *second = NULL;
	struct world world;

	check_row(check, "two handlers");
	world_new(&world, check, true);
	CHECK_EQ(check, link_zap_new(world.gateway_ctx, lookup, NULL, &world, &second), -EADDRINUSE);
	world_free(&world);
}

/* ---- what gets through ---- */

struct bytes_row {
	const char *name;
	size_t len;
	bool two_parts;
	int want; /* of the gateway's receive; -EAGAIN: it never comes */
};

static const struct bytes_row bytes_rows[] = {
	{"empty frame", 0, false, -EBADMSG},
	{"unknown version", 40, false, -EPROTO},
	{"largest frame", LINK_FRAME_MAX, false, -EPROTO},
	{"one byte too many", LINK_FRAME_MAX + 1, false, -EAGAIN},
	{"ten times too many", 10 * LINK_FRAME_MAX, false, -EAGAIN},
	{"two parts", 40, true, -EMSGSIZE},
};

/* Is this libzmq ours? Asked of a socket of its own: the hostile node's stays as it is. */
static bool single_part_patch(void *ctx)
{
	const int on = 1;
	void *probe = zmq_socket(ctx, ZMQ_DEALER);
	bool ours = zmq_setsockopt(probe, LINK_SINGLE_PART_OPTION, &on, sizeof(on)) == 0;

	zmq_close(probe);
	return ours;
}

static void test_bytes(struct check *check, const struct bytes_row *row)
{
	static const uint8_t data[10 * LINK_FRAME_MAX];
	const struct link_frame *frame = NULL;
	struct world world;
	void *dealer;
	const int none = 0;
	int want = row->want;

	check_row(check, row->name);
	world_new(&world, check, true);
	/* Not made by link_socket_node(): a hostile node sets what it likes. */
	dealer = zmq_socket(world.node_ctx, ZMQ_DEALER);
	zmq_setsockopt(dealer, ZMQ_LINGER, &none, sizeof(none));
	zmq_setsockopt(dealer, ZMQ_CURVE_SERVERKEY, world.gateway.public_key.bytes, CURVE_KEY_LEN);
	zmq_setsockopt(dealer, ZMQ_CURVE_PUBLICKEY, world.node.public_key.bytes, CURVE_KEY_LEN);
	zmq_setsockopt(dealer, ZMQ_CURVE_SECRETKEY, world.node.secret_key.bytes, CURVE_KEY_LEN);
	CHECK_EQ(check, zmq_connect(dealer, world.endpoint), 0);
	if (row->two_parts && single_part_patch(world.node_ctx))
		want = -EAGAIN; /* the patched library ends the connection instead */
	if (row->two_parts)
		CHECK(check, zmq_send(dealer, data, 1, ZMQ_SNDMORE) == 1);
	CHECK(check, zmq_send(dealer, data, row->len, 0) == (int)row->len);
	CHECK_EQ(check, gateway_receive(&world, &frame, want == -EAGAIN ? QUIET_MS : WAIT_MS),
		 want);
	zmq_close(dealer);

	/* and afterwards a good node is served */
	CHECK_EQ(check, link_socket_node(world.node_ctx, &world.node, &world.gateway.public_key,
					 &dealer), 0);
	CHECK_EQ(check, node_say(&world, dealer, WAIT_MS), 0);
	CHECK(check, strcmp(link_inbox_sender(world.inbox)->user, "node-1") == 0);
	zmq_close(dealer);
	world_free(&world);
}

/* A reader that stands still fills the marks, then the outbox, and then is told apart. */
static void test_marks(struct check *check)
{
	static uint8_t data[LINK_CHUNK_MAX];
	struct link_frame *out = calloc(1, sizeof(*out));
	struct link_outbox *outbox;
	struct world world;
	void *dealer;
	int error = 0;
	size_t sent = 0;

	check_row(check, "marks");
	world_new(&world, check, true);
	CHECK_EQ(check, link_socket_node(world.node_ctx, &world.node, &world.gateway.public_key,
					 &dealer), 0);
	CHECK_EQ(check, node_say(&world, dealer, WAIT_MS), 0);
	out->type = LINK_OUT;
	out->u.chunk = (struct link_chunk){.session = 1, .seq = 1, .total = sizeof(data),
					   .data = data, .data_len = sizeof(data)};
	CHECK_EQ(check, link_outbox_new(3 * LINK_FRAME_MAX, &outbox), 0);
	for (; error == 0 && sent < 10000; sent++)
		error = link_send(world.router, &link_inbox_sender(world.inbox)->route, out);
	CHECK_EQ(check, error, -EAGAIN);
	CHECK(check, sent < 1000); /* the marks, and what the sockets' buffers hold */
	for (int i = 0; i < 4; i++)
		CHECK_EQ(check, link_outbox_push(outbox, out), 0);
	CHECK_EQ(check, link_outbox_push(outbox, out), -ENOBUFS);
	CHECK_EQ(check, link_outbox_flush(outbox, world.router, &link_inbox_sender(world.inbox)->route),
		 -EAGAIN);
	CHECK(check, link_outbox_bytes(outbox) > 4 * sizeof(data));
	link_outbox_clear(outbox);
	CHECK_EQ(check, link_outbox_flush(outbox, world.router, &link_inbox_sender(world.inbox)->route), 0);
	link_outbox_free(outbox);
	free(out);
	zmq_close(dealer);
	world_free(&world);
}

int main(void)
{
	struct check check = {0};

	test_good(&check);
	test_gateway_gone(&check);
	test_unknown_key(&check);
	test_wrong_server(&check);
	test_null_mechanism(&check);
	test_handler_missing(&check);
	test_handler_silent(&check);
	test_handler_dies(&check);
	test_two_handlers(&check);
	for (size_t i = 0; i < sizeof(bytes_rows) / sizeof(bytes_rows[0]); i++)
		test_bytes(&check, &bytes_rows[i]);
	test_marks(&check);
	return CHECK_DONE(&check);
}
