/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events outlive what they were told by, until they are acknowledged.
 *
 *	test_events HOSTD-DEV ENVIRONMENT
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "hostd/event.h"
#include "hostd/link_role.h"
#include "hostd/test_world.h"

#define WAIT_MS 60000

/* The next event, which has to be of this kind. */
static struct link_event event_next_of(struct world *world, const char *kind)
{
	static const struct link_event none;
	const struct link_frame *frame = world_wait(world, LINK_EVENT, WAIT_MS);

	if (!CHECK(world->check, frame != NULL))
		return none;
	CHECK(world->check, strcmp(frame->u.event.kind, kind) == 0);
	return frame->u.event;
}

static void monitor_again(struct world *world, const char *program)
{
	int status = 0;

	kill(world->pid, SIGKILL);
	waitpid(world->pid, &status, 0);
	world_node_start(world, program, NULL);
	CHECK(world->check, world_greet(world));
}

static void acknowledge(struct world *world, uint64_t seq)
{
	world->frame.type = LINK_EVENT_ACK;
	world->frame.u.event_ack = seq;
	world_send(world, &world->frame);
	/* Behind it on the same way: answered, that is carried out too. */
	CHECK_EQ(world->check, world_ask(world, LINK_USAGE, 1, NULL, WAIT_MS), LINK_E_UNKNOWN);
}

int main(int argc, char **argv)
{
	struct check check = {0};
	struct world world;
	struct link_event first;
	struct link_event again;
	struct link_event second;

	if (argc < 3)
		return 2;
	world_open(&world, &check);
	world_file(&world, "promises", "ok one\nmissing two it is not there\n");
	world_node_start(&world, argv[1], NULL);
	CHECK(&check, world_greet(&world));
	first = event_next_of(&world, "node.refusing");
	CHECK(&check, strstr(first.text, "two") != NULL);
	/* Nobody acknowledges it: on the same connection once more. */
	again = event_next_of(&world, "node.refusing");
	CHECK(&check, again.seq == first.seq && again.time_ms == first.time_ms);

	/* The monitor's death costs none; the new one has its own to tell. */
	monitor_again(&world, argv[1]);
	again = event_next_of(&world, "node.refusing");
	CHECK(&check, memcmp(&again, &first, sizeof(first)) == 0);
	second = event_next_of(&world, "node.refusing");
	CHECK_EQ(&check, second.seq, first.seq + 1);
	CHECK(&check, memcmp(second.boot_id, first.boot_id, sizeof(first.boot_id)) == 0);

	/* What is acknowledged does not come again; a number never given is nothing. */
	acknowledge(&world, second.seq + 1000);
	acknowledge(&world, first.seq);
	monitor_again(&world, argv[1]);
	again = event_next_of(&world, "node.refusing");
	CHECK(&check, memcmp(&again, &second, sizeof(second)) == 0);
	again = event_next_of(&world, "node.refusing");
	CHECK_EQ(&check, again.seq, second.seq + 1);
	acknowledge(&world, again.seq);
	monitor_again(&world, argv[1]);
	again = event_next_of(&world, "node.refusing");
	CHECK_EQ(&check, again.seq, second.seq + 2);

	world_close(&world);
	return CHECK_DONE(&check);
}
