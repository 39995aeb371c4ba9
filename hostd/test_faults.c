/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers killed while a kernel runs: nothing that was delivered comes twice, nothing is lost
 * without a word, and the node goes on.
 *
 *	test_faults HOSTD-DEV ENVIRONMENT [LUA-KERNEL]
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostd/test_world.h"

#define WAIT_MS 30000
#define SLOW_MS 120000

/* The monitor's child in this role; 0: there is none. */
static pid_t worker_find(const struct world *world, const char *role)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	while (!found && (entry = readdir(proc))) {
		char path[300];
		char text[256] = "";
		int parent = 0;
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fscanf(file, "%*d (%*[^)]) %*c %d", &parent) != 1)
			parent = 0;
		fclose(file);
		if (parent != world->pid)
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		size_t len = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
		if (len > strlen("hostd") + 1 && strcmp(text + strlen("hostd") + 1, role) == 0)
			found = atoi(entry->d_name);
	}
	closedir(proc);
	return found;
}

static void worker_kill(struct world *world, const char *role)
{
	pid_t pid = worker_find(world, role);

	if (CHECK(world->check, pid > 0))
		CHECK_EQ(world->check, kill(pid, SIGKILL), 0);
}

/* print(N) runs; its output has to come, with a sequence above the last. True: a loss was told. */
static bool execute(struct world *world, uint64_t session, int number, uint64_t *last)
{
	struct check *check = world->check;
	char content[256];
	char id[32];
	char expected[32];
	bool reply = false;
	bool output = false;
	bool idle = false;
	bool told = false;

	snprintf(id, sizeof(id), "exec-%d", number);
	snprintf(expected, sizeof(expected), "out %d", number);
	snprintf(content, sizeof(content),
		 "{\"code\":\"print('out %d')\",\"silent\":false,\"store_history\":false,"
		 "\"user_expressions\":{},\"allow_stdin\":false,\"stop_on_error\":true}",
		 number);
	world_request(world, 1, session, LINK_SHELL, "execute_request", id, content);
	while (!(reply && output && idle)) {
		struct world_message message = world_message(world, WAIT_MS);

		if (!CHECK(check, message.ok))
			return told;
		if (message.session != session)
			continue;
		CHECK(check, message.seq > *last);
		*last = message.seq;
		world_session(world, LINK_CURSOR, 1, session, message.seq);
		told |= strstr(message.content, "relay of this kernel") != NULL;
		if (strcmp(message.parent, id) != 0)
			continue;
		reply |= strcmp(message.type, "execute_reply") == 0;
		output |= strstr(message.content, expected) != NULL;
		idle |= strstr(message.content, "\"idle\"") != NULL;
	}
	return told;
}

/* The kernel lives on; the sessions come back where they were. */
static void test_link_killed(struct world *world, uint64_t *last)
{
	struct check *check = world->check;
	const struct link_frame *frame;

	worker_kill(world, "link");
	frame = world_wait(world, LINK_HELLO, WAIT_MS);
	if (!CHECK(check, frame != NULL))
		return;
	CHECK_EQ(check, frame->u.hello.kernels_count, 1);
	CHECK_EQ(check, frame->u.hello.kernels[0].state, LINK_KERNEL_READY);
	CHECK_EQ(check, frame->u.hello.kernels[0].incarnation, 1);
	world_welcome(world);
	world_attach(world, 1, 7, true, *last, LINK_WINDOW_MAX);
	CHECK(check, !execute(world, 7, 2, last));
}

static void test_relay_killed(struct world *world, uint64_t *last)
{
	struct check *check = world->check;
	const struct link_frame *frame;

	worker_kill(world, "relay");
	frame = world_wait(world, LINK_REFUSED, WAIT_MS);
	CHECK(check, frame && frame->u.refused.seq == 0 && frame->u.refused.session == 7);
	CHECK(check, frame && frame->u.refused.code == LINK_E_STALE);
	world_attach(world, 1, 7, true, *last, LINK_WINDOW_MAX);
	CHECK(check, execute(world, 7, 3, last));
	CHECK(check, *last > 1ull << 40);
}

static void test_reconnect(struct world *world, uint64_t *last)
{
	struct check *check = world->check;

	/* The same session again, its window new: nothing comes twice. */
	world_attach(world, 1, 7, true, *last, LINK_WINDOW_MAX);
	CHECK(check, !execute(world, 7, 4, last));
	CHECK_EQ(check, world_ask(world, LINK_INTERRUPT, 1, NULL, WAIT_MS), LINK_OK);
}

/* Three relays in a minute are borne; one more and the kernel is given up. */
static void test_relay_given_up(struct world *world)
{
	struct check *check = world->check;
	const struct link_frame *frame = NULL;
	bool dead = false;

	for (int i = 0; i < 4 && !dead; i++) {
		for (int j = 0; j < 100 && worker_find(world, "relay") == 0; j++)
			usleep(20000);
		worker_kill(world, "relay");
		while (!dead && (frame = world_wait(world, LINK_KERNEL, 2000)))
			dead = frame->u.kernel.state == LINK_KERNEL_DEAD;
	}
	CHECK(check, dead && frame && frame->u.kernel.reason == LINK_WHY_RELAY);
}

int main(int argc, char **argv)
{
	struct check check = {0};
	struct world world;
	uint64_t last = 0;

	if (argc < 3)
		return 2;
	world_open(&world, &check);
	world_node_start(&world, argv[1], argc > 3 ? argv[3] : NULL);
	if (CHECK(&check, world_greet(&world))) {
		CHECK_EQ(&check, world_ask(&world, LINK_START, 1, argv[2], WAIT_MS), LINK_OK);
		CHECK(&check, world_state(&world, 1, LINK_KERNEL_READY, SLOW_MS));
		world_attach(&world, 1, 7, false, 0, LINK_WINDOW_MAX);
		CHECK(&check, !execute(&world, 7, 1, &last));
		test_link_killed(&world, &last);
		test_relay_killed(&world, &last);
		test_reconnect(&world, &last);
		test_relay_given_up(&world);
	}
	world_close(&world);
	return CHECK_DONE(&check);
}
