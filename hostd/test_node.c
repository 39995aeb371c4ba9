/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node as a gateway sees it: hostd-dev over CURVE on the loopback, with a real kernel.
 *
 *	test_node HOSTD-DEV ENVIRONMENT [LUA-KERNEL]
 */
#include <stdio.h>
#include <string.h>

#include "hostd/test_world.h"

#define WAIT_MS 30000
#define SLOW_MS 120000 /* a kernel's start on a loaded machine */

/* Until the kernel is idle after this request; how many of each came. */
struct outcome {
	bool reply;
	bool idle;
	unsigned streams;
	uint64_t last;
	bool in_order;
	char text[8192];
};

static struct outcome collect(struct world *world, uint64_t session, const char *id)
{
	struct outcome outcome = {.in_order = true};

	while (!(outcome.reply && outcome.idle)) {
		struct world_message message = world_message(world, WAIT_MS);

		if (!CHECK(world->check, message.ok))
			break;
		if (message.session != session)
			continue;
		if (message.seq <= outcome.last)
			outcome.in_order = false;
		outcome.last = message.seq;
		world_session(world, LINK_CREDIT, 1, session, 65536);
		world_session(world, LINK_CURSOR, 1, session, message.seq);
		if (strcmp(message.parent, id) != 0)
			continue;
		if (strcmp(message.type, "execute_reply") == 0)
			outcome.reply = true;
		else if (strcmp(message.type, "status") == 0 && strstr(message.content, "idle"))
			outcome.idle = true;
		else if (strcmp(message.type, "stream") == 0)
			outcome.streams++;
		strncat(outcome.text, message.content,
			sizeof(outcome.text) - strlen(outcome.text) - 1);
	}
	return outcome;
}

static struct outcome execute(struct world *world, uint64_t session, const char *id,
			      const char *code)
{
	char content[512];

	snprintf(content, sizeof(content),
		 "{\"code\":\"%s\",\"silent\":false,\"store_history\":true,"
		 "\"user_expressions\":{},\"allow_stdin\":false,\"stop_on_error\":true}",
		 code);
	world_request(world, 1, session, LINK_SHELL, "execute_request", id, content);
	return collect(world, session, id);
}

static void test_requests(struct world *world, const char *environment)
{
	struct check *check = world->check;

	CHECK_EQ(check, world_ask(world, LINK_START, 1, "nonesuch", WAIT_MS), LINK_E_ENVIRONMENT);
	CHECK_EQ(check, world_ask(world, LINK_STOP, 1, NULL, WAIT_MS), LINK_E_UNKNOWN);
	CHECK_EQ(check, world_ask(world, LINK_LOGS, 0, NULL, WAIT_MS), LINK_OK);
	CHECK_EQ(check, world_ask(world, LINK_START, 1, environment, WAIT_MS), LINK_OK);
	CHECK_EQ(check, world->incarnation, 1);
	CHECK_EQ(check, world_ask(world, LINK_START, 1, environment, WAIT_MS), LINK_E_EXISTS);
}

static void test_execute(struct world *world)
{
	struct check *check = world->check;
	struct outcome outcome;

	world_attach(world, 1, 7, false, 0, LINK_WINDOW_MAX);
	outcome = execute(world, 7, "first", "print(6*7)");
	CHECK(check, outcome.reply && outcome.idle && outcome.in_order);
	CHECK(check, strstr(outcome.text, "42") != NULL);
	/* A second session sees outputs, not the other's replies. */
	world_attach(world, 1, 8, false, 0, LINK_WINDOW_MAX);
	outcome = execute(world, 8, "second", "print('to all')");
	CHECK(check, outcome.reply && strstr(outcome.text, "to all") != NULL);
	world_session(world, LINK_DETACH, 1, 8, 0);
}

static void test_refusals(struct world *world)
{
	struct check *check = world->check;
	const struct link_frame *frame;

	world_request(world, 1, 99, LINK_SHELL, "execute_request", "stranger", "{}");
	frame = world_wait(world, LINK_REFUSED, WAIT_MS);
	CHECK(check, frame && frame->u.refused.code == LINK_E_UNKNOWN);
	/* Not carried to the relay, so not counted there. */
	world->in_seq[LINK_SHELL]--;
	world->incarnation++;
	world_request(world, 1, 7, LINK_SHELL, "execute_request", "future", "{}");
	frame = world_wait(world, LINK_REFUSED, WAIT_MS);
	CHECK(check, frame && frame->u.refused.code == LINK_E_STALE);
	world->incarnation--;
	world->in_seq[LINK_SHELL]--;
}

static void test_restart(struct world *world)
{
	struct check *check = world->check;
	struct outcome outcome;

	CHECK_EQ(check, world_ask(world, LINK_RESTART, 1, NULL, WAIT_MS), LINK_OK);
	CHECK_EQ(check, world->incarnation, 2);
	memset(world->in_seq, 0, sizeof(world->in_seq));
	outcome = execute(world, 7, "again", "print('restarted')");
	CHECK(check, outcome.reply && strstr(outcome.text, "restarted") != NULL);
}

static void test_stop(struct world *world)
{
	struct check *check = world->check;

	CHECK_EQ(check, world_ask(world, LINK_STOP, 1, NULL, WAIT_MS), LINK_OK);
	CHECK_EQ(check, world_ask(world, LINK_STOP, 1, NULL, WAIT_MS), LINK_E_UNKNOWN);
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
		test_requests(&world, argv[2]);
		CHECK(&check, world_state(&world, 1, LINK_KERNEL_READY, SLOW_MS));
		test_execute(&world);
		test_refusals(&world);
		test_restart(&world);
		test_stop(&world);
	}
	world_close(&world);
	return CHECK_DONE(&check);
}
