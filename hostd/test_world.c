/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/test_world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "hostd/message.h"
#include "link/socket.h"

static struct link_frame out; /* large */

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool lookup(void *arg, const struct curve_key *key, const char *address,
		   struct link_zap_peer *ret_peer)
{
	const struct world *world = arg;

	snprintf(ret_peer->user, LINK_NAME_MAX, "node");
	return memcmp(key, &world->node.public_key, sizeof(*key)) == 0;
}

void world_open(struct world *world, struct check *check)
{
	char endpoint[64];
	size_t len = sizeof(endpoint);

	memset(world, 0, sizeof(*world));
	world->check = check;
	world->zmq = zmq_ctx_new();
	world->epoch = WORLD_EPOCH;
	world->budget.max = 4 * LINK_MESSAGE_MAX;
	CHECK_EQ(check, curve_pair_make(&world->gateway), 0);
	CHECK_EQ(check, curve_pair_make(&world->node), 0);
	CHECK_EQ(check, link_zap_new(world->zmq, lookup, NULL, world, &world->zap), 0);
	CHECK_EQ(check, link_inbox_new(&world->inbox), 0);
	CHECK_EQ(check, link_join_new(LINK_MESSAGE_MAX, &world->budget, &world->join), 0);
	CHECK_EQ(check, link_socket_gateway(world->zmq, &world->gateway, &world->router), 0);
	CHECK_EQ(check, zmq_bind(world->router, "tcp://127.0.0.1:*"), 0);
	CHECK_EQ(check, zmq_getsockopt(world->router, ZMQ_LAST_ENDPOINT, endpoint, &len), 0);
	world->port = atoi(strrchr(endpoint, ':') + 1);
	snprintf(world->folder, sizeof(world->folder), "/tmp/anchorhold-test-XXXXXX");
	CHECK(check, mkdtemp(world->folder) != NULL);
}

void world_file(struct world *world, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", world->folder, name);
	file = fopen(path, "we");
	CHECK(world->check, file != NULL);
	if (file == NULL)
		return;
	fchmod(fileno(file), 0600); /* a key that others may read is refused */
	fputs(text, file);
	fclose(file);
}

void world_node_start(struct world *world, const char *program, const char *lua)
{
	static const struct curve_pair none;
	bool pinned = memcmp(&world->pinned, &none, sizeof(none)) != 0;
	char key[CURVE_TEXT_LEN + 1];
	char next[CURVE_TEXT_LEN + 1];
	char text[512];

	curve_key_format(&world->gateway.public_key, next);
	curve_key_format(pinned ? &world->pinned.public_key : &world->gateway.public_key, key);
	snprintf(text, sizeof(text),
		 "name = test\ngateway = 127.0.0.1:%d\ngateway_key = %s\n%s%s%snetwork = dhcp\n",
		 world->port, key, pinned ? "gateway_key_next = " : "", pinned ? next : "",
		 pinned ? "\n" : "");
	world_file(world, "node.conf", text);
	curve_key_format(&world->node.secret_key, key);
	snprintf(text, sizeof(text), "%s\n", key);
	world_file(world, "node.key", text);
	world_file(world, "log", "one\ntwo\nthree\n");
	world->pid = fork();
	if (world->pid == 0) {
		if (lua)
			setenv("ANCHORHOLD_DEV_LUA", lua, 1);
		execl(program, program, world->folder, NULL);
		_exit(127);
	}
}

void world_node_stop(struct world *world)
{
	int status = 0;

	if (world->pid <= 0)
		return;
	kill(world->pid, SIGTERM);
	waitpid(world->pid, &status, 0);
	world->pid = 0;
	CHECK(world->check, WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void world_close(struct world *world)
{
	char command[128];

	world_node_stop(world);
	zmq_close(world->router);
	link_zap_free(world->zap);
	link_inbox_free(world->inbox);
	link_join_free(world->join);
	zmq_ctx_term(world->zmq);
	snprintf(command, sizeof(command), "rm -rf '%s'", world->folder);
	CHECK_EQ(world->check, system(command), 0);
}

const struct link_frame *world_receive(struct world *world, int ms)
{
	const struct link_frame *frame = NULL;
	long end = now_ms() + ms;

	do {
		zmq_pollitem_t items[] = {
			{world->router, 0, ZMQ_POLLIN, 0},
			{link_zap_socket(world->zap), 0, ZMQ_POLLIN, 0},
		};
		int r = link_inbox_receive(world->inbox, world->router, &frame);

		if (r == 0)
			return frame;
		zmq_poll(items, 2, 20);
		CHECK_EQ(world->check, link_zap_run(world->zap), 0);
	} while (now_ms() < end);
	return NULL;
}

const struct link_frame *world_wait(struct world *world, enum link_type type, int ms)
{
	long end = now_ms() + ms;
	const struct link_frame *frame;

	do {
		frame = world_receive(world, (int)(end - now_ms()));
	} while (frame && frame->type != type && now_ms() < end);
	return frame && frame->type == type ? frame : NULL;
}

void world_send(struct world *world, const struct link_frame *frame)
{
	int r;

	while ((r = link_send(world->router, &world->route, frame)) == -11)
		usleep(1000);
	CHECK_EQ(world->check, r, 0);
}

void world_welcome(struct world *world)
{
	world->route = link_inbox_sender(world->inbox)->route;
	out.type = LINK_WELCOME;
	out.u.welcome = (struct link_welcome){
		.gateway_epoch = world->epoch, .time_ms = 1, .ticket = {.counter = ++world->ticket}};
	world_send(world, &out);
}

bool world_greet(struct world *world)
{
	const struct link_frame *frame = world_wait(world, LINK_HELLO, 60000);

	if (!frame)
		return false;
	world_welcome(world);
	return true;
}

int world_ask(struct world *world, enum link_verb verb, uint8_t kernel, const char *environment,
	      int ms)
{
	const struct link_frame *frame;
	long end = now_ms() + ms;

	memset(&out.u.request, 0, sizeof(out.u.request));
	out.type = LINK_REQUEST;
	out.u.request.id = ++world->request;
	out.u.request.verb = (uint8_t)verb;
	out.u.request.kernel_id[0] = kernel;
	if (verb == LINK_START) {
		snprintf(out.u.request.start.environment, LINK_NAME_MAX, "%s", environment);
		snprintf(out.u.request.start.project, LINK_NAME_MAX, "test");
		out.u.request.start.network = LINK_NET_LOOPBACK;
	}
	out.u.request.lines = verb == LINK_LOGS ? 2 : 0;
	world_send(world, &out);
	while ((frame = world_wait(world, LINK_RESULT, (int)(end - now_ms())))) {
		if (frame->u.result.id != world->request)
			continue;
		world->incarnation = frame->u.result.incarnation;
		return frame->u.result.code;
	}
	return -1;
}

bool world_state(struct world *world, uint8_t kernel, enum link_kernel_state state, int ms)
{
	const struct link_frame *frame;
	long end = now_ms() + ms;

	while ((frame = world_wait(world, LINK_KERNEL, (int)(end - now_ms()))))
		if (frame->u.kernel.kernel_id[0] == kernel && frame->u.kernel.state == state)
			return true;
	return false;
}

void world_attach(struct world *world, uint8_t kernel, uint64_t session, bool resume,
		  uint64_t cursor, uint32_t credit)
{
	out.type = LINK_ATTACH;
	out.u.attach = (struct link_attach){
		.kernel_id = {kernel},
		.session = session,
		.resume = resume,
		.cursor = cursor,
		.credit = credit,
	};
	world_send(world, &out);
}

void world_session(struct world *world, enum link_type type, uint8_t kernel, uint64_t session,
		   uint64_t value)
{
	out.type = type;
	out.u.session = (struct link_session){
		.kernel_id = {kernel},
		.session = session,
		.value = value,
	};
	world_send(world, &out);
}

void world_request(struct world *world, uint8_t kernel, uint64_t session, enum link_channel channel,
		   const char *type, const char *id, const char *content)
{
	struct link_chunk head = {
		.kernel_id = {kernel},
		.incarnation = world->incarnation,
		.session = session,
		.epoch = world->epoch,
		.seq = ++world->in_seq[channel],
		.channel = (uint8_t)channel,
	};
	struct message message = {0};
	struct link_cut cut;

	CHECK_EQ(world->check, message_make(type, id, content, &message), 0);
	CHECK_EQ(world->check, link_cut_start(&cut, &head, message.data, message.len), 0);
	while (!link_cut_done(&cut)) {
		out.type = LINK_IN;
		CHECK_EQ(world->check, link_cut_next(&cut, LINK_CHUNK_MAX, &out.u.chunk), 0);
		world_send(world, &out);
	}
	free(message.data);
}

struct world_message world_message(struct world *world, int ms)
{
	struct world_message message = {0};
	const struct link_frame *frame;
	struct link_header header;
	struct link_slice blob;
	struct link_parts parts;
	long end = now_ms() + ms;

	while ((frame = world_wait(world, LINK_OUT, (int)(end - now_ms())))) {
		if (link_join_add(world->join, &frame->u.chunk, &blob) < 0)
			break;
		if (!blob.data)
			continue;
		message.session = frame->u.chunk.session;
		message.seq = frame->u.chunk.seq;
		message.channel = (enum link_channel)frame->u.chunk.channel;
		CHECK_EQ(world->check, link_parts_unpack(blob.data, blob.len, &parts), 0);
		CHECK_EQ(world->check, link_header_get(parts.part[LINK_HEADER], &header), 0);
		snprintf(message.type, sizeof(message.type), "%s", header.msg_type);
		CHECK_EQ(world->check, link_header_get(parts.part[LINK_PARENT], &header), 0);
		snprintf(message.parent, sizeof(message.parent), "%s", header.msg_id);
		snprintf(message.content, sizeof(message.content), "%.*s",
			 (int)parts.part[LINK_CONTENT].len, parts.part[LINK_CONTENT].data);
		message.ok = true;
		break;
	}
	return message;
}
