/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gateways that come, go, change and misbehave, as the node's link sees them.
 *
 *	test_gateways HOSTD-DEV ENVIRONMENT [LUA-KERNEL]
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "hostd/test_world.h"
#include "link/socket.h"

#define WAIT_MS 30000
#define SLOW_MS 120000

static void execute(struct world *world, const char *id, const char *code)
{
	char content[512];

	snprintf(content, sizeof(content),
		 "{\"code\":\"%s\",\"silent\":false,\"store_history\":false,"
		 "\"user_expressions\":{},\"allow_stdin\":false,\"stop_on_error\":true}",
		 code);
	world_request(world, 1, 7, LINK_SHELL, "execute_request", id, content);
}

/* Messages to session 7 until one has text, whose sequence is returned; 0: none came. */
static uint64_t expect(struct world *world, const char *text)
{
	struct world_message message;

	while ((message = world_message(world, WAIT_MS)).ok)
		if (message.session == 7 && strstr(message.content, text))
			return message.seq;
	return 0;
}

/* The gateway's process dies and comes back at its place; epoch tells whether it is another. */
static void router_again(struct world *world, bool bind)
{
	char endpoint[64];
	int zero = 0;

	if (!bind) {
		zmq_setsockopt(world->router, ZMQ_LINGER, &zero, sizeof(zero));
		zmq_close(world->router);
		return;
	}
	CHECK_EQ(world->check, link_socket_gateway(world->zmq, &world->gateway, &world->router),
		 0);
	snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d", world->port);
	for (int i = 0; i < 100 && zmq_bind(world->router, endpoint) < 0; i++)
		usleep(20000);
}

/* Cut off while the kernel prints: all of it comes afterwards, once, in order. */
static void test_cut(struct world *world)
{
	struct check *check = world->check;
	uint64_t first;
	uint64_t last;

	world_attach(world, 1, 7, false, 0, LINK_WINDOW_MAX);
	execute(world, "before", "print('before')");
	first = expect(world, "before");
	CHECK(check, first > 0);
	execute(world, "during", "print('during')");
	usleep(100000);
	router_again(world, false);
	usleep(300000);
	router_again(world, true);
	if (!CHECK(check, world_greet(world)))
		return;
	world_attach(world, 1, 7, true, first, LINK_WINDOW_MAX);
	last = expect(world, "during");
	CHECK(check, last > first);
	/* Asked again from the same place: the same again, under the same number. What is still
	 * under way by the ATTACH before is read first. */
	while (world_message(world, 300).ok)
		;
	world_attach(world, 1, 7, true, first, LINK_WINDOW_MAX);
	CHECK_EQ(check, expect(world, "during"), last);
}

/* Another process: its sessions are not those of the one before; who comes takes their place. */
static void test_epoch(struct world *world)
{
	struct check *check = world->check;
	uint64_t last;
	const struct link_frame *frame;

	execute(world, "old", "print('of the old epoch')");
	last = expect(world, "of the old epoch");
	CHECK(check, last > 0);
	router_again(world, false);
	usleep(200000);
	router_again(world, true);
	world->epoch = WORLD_EPOCH + 1;
	if (!CHECK(check, world_greet(world)))
		return;
	/* Not attached any more. */
	memset(world->in_seq, 0, sizeof(world->in_seq));
	execute(world, "stranger", "print('not carried out')");
	frame = world_wait(world, LINK_REFUSED, WAIT_MS);
	CHECK(check, frame && frame->u.refused.code == LINK_E_UNKNOWN);
	memset(world->in_seq, 0, sizeof(world->in_seq));
	/* Nothing was acknowledged: a new session begins where the log still is. */
	world_attach(world, 1, 7, false, 0, LINK_WINDOW_MAX);
	CHECK_EQ(check, expect(world, "of the old epoch"), last);
}

/* Frames that a gateway may not send end its connection, not the node. */
static void test_nonsense(struct world *world)
{
	struct check *check = world->check;
	struct link_frame *frame = &world->frame;

	frame->type = LINK_STATUS;
	memset(&frame->u.status, 0, sizeof(frame->u.status));
	world_send(world, frame);
	CHECK(check, world_greet(world));
	zmq_send(world->router, world->route.id, world->route.len, ZMQ_SNDMORE);
	zmq_send(world->router, "nonsense", 8, 0);
	CHECK(check, world_greet(world));
	/* Before WELCOME nothing but WELCOME. */
	router_again(world, false);
	router_again(world, true);
	CHECK(check, world_wait(world, LINK_HELLO, WAIT_MS) != NULL);
	world->route = link_inbox_sender(world->inbox)->route;
	frame->type = LINK_EVENT_ACK;
	frame->u.event_ack = 1;
	world_send(world, frame);
	CHECK(check, world_greet(world));
}

static bool is_told_dead(struct world *world)
{
	const struct link_frame *frame = world_wait(world, LINK_HELLO, WAIT_MS);
	struct check *check = world->check;

	if (!CHECK(check, frame && frame->u.hello.kernels_count == 1))
		return false;
	CHECK_EQ(check, frame->u.hello.kernels[0].state, LINK_KERNEL_DEAD);
	world_welcome(world);
	frame = world_wait(world, LINK_KERNEL, WAIT_MS);
	return CHECK(check, frame && frame->u.kernel.state == LINK_KERNEL_DEAD &&
				    frame->u.kernel.reason == LINK_WHY_EXITED &&
				    frame->u.kernel.status == 3);
}

/* It dies while no gateway is there: why is told once one is, and again over another connection. */
static void test_death_unheard(struct world *world, const char *environment)
{
	struct check *check = world->check;
	const struct link_frame *frame;

	router_again(world, false);
	router_again(world, true);
	world->epoch++;
	if (!CHECK(check, world_greet(world)))
		return;
	memset(world->in_seq, 0, sizeof(world->in_seq));
	world_attach(world, 1, 7, false, 0, LINK_WINDOW_MAX);
	execute(world, "last", "import os, time; print('soon', flush=True); time.sleep(1); os._exit(3)");
	CHECK(check, expect(world, "soon") > 0);
	router_again(world, false);
	sleep(3);
	router_again(world, true);
	if (!is_told_dead(world))
		return;
	router_again(world, false);
	router_again(world, true);
	CHECK(check, is_told_dead(world));
	/* Its number is free for another. */
	CHECK_EQ(check, world_ask(world, LINK_STOP, 1, NULL, WAIT_MS), LINK_OK);
	CHECK_EQ(check, world_ask(world, LINK_START, 1, environment, WAIT_MS), LINK_OK);
	CHECK(check, world_state(world, 1, LINK_KERNEL_READY, SLOW_MS));
	router_again(world, false);
	router_again(world, true);
	frame = world_wait(world, LINK_HELLO, WAIT_MS);
	CHECK(check, frame && frame->u.hello.kernels_count == 1 &&
			     frame->u.hello.kernels[0].state == LINK_KERNEL_READY);
}

/* A node that is told the wrong key first finds the next one. */
static void test_next_key(struct check *check, const char *program)
{
	struct world world;

	world_open(&world, check);
	CHECK_EQ(check, curve_pair_make(&world.pinned), 0);
	world_node_start(&world, program, NULL);
	CHECK(check, world_greet(&world));
	world_close(&world);
}

/* What the node lacks is said in HELLO and with every refusal. */
static void test_refusing(struct check *check, const char *program, const char *environment)
{
	struct world world;
	const struct link_frame *frame;

	world_open(&world, check);
	world_file(&world, "promises", "ok first\nmissing second it is not there\n");
	world_node_start(&world, program, NULL);
	frame = world_wait(&world, LINK_HELLO, WAIT_MS);
	CHECK(check, frame && frame->u.hello.missing_count == 1 &&
			     strcmp(frame->u.hello.missing[0], "second") == 0);
	world_welcome(&world);
	frame = world_wait(&world, LINK_EVENT, WAIT_MS);
	CHECK(check, frame && strcmp(frame->u.event.kind, "node.refusing") == 0);
	CHECK_EQ(check, world_ask(&world, LINK_START, 1, environment, WAIT_MS), LINK_E_REFUSING);
	world_close(&world);
}

int main(int argc, char **argv)
{
	struct check check = {0};
	struct world world;

	if (argc < 3)
		return 2;
	world_open(&world, &check);
	world_node_start(&world, argv[1], argc > 3 ? argv[3] : NULL);
	if (CHECK(&check, world_greet(&world))) {
		CHECK_EQ(&check, world_ask(&world, LINK_START, 1, argv[2], WAIT_MS), LINK_OK);
		CHECK(&check, world_state(&world, 1, LINK_KERNEL_READY, SLOW_MS));
		test_cut(&world);
		test_epoch(&world);
		test_nonsense(&world);
		test_death_unheard(&world, argv[2]);
	}
	world_close(&world);
	test_next_key(&check, argv[1]);
	test_refusing(&check, argv[1], argv[2]);
	return CHECK_DONE(&check);
}
