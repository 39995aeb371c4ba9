/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay between a kernel, a link and a monitor that are all this test: its five sockets over
 * ipc:// in a folder, its stream, its pair.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "hostd/edge.h"
#include "hostd/ipc.h"
#include "hostd/message.h"
#include "hostd/relay.h"
#include "link/check.h"
#include "link/chunk.h"
#include "link/jupyter.h"
#include "link/parts.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define WAIT_MS 10000
#define QUIET_MS 300
#define EPOCH 9u

static struct ipc_message message; /* large, all three */
static struct link_frame frame;
static uint8_t bytes[LINK_FRAME_MAX];

struct fake {
	struct check *check;
	char folder[64];
	pid_t pid;
	int ipc;
	int stream;
	void *zmq;
	void *sockets[JUPYTER_HB + 1];
	uint32_t incarnation;
	uint64_t seq[LINK_CHANNELS];
	bool publishes; /* answers come with status on iopub */
	bool lingers;	/* an execution does not end */
	unsigned executed;
	uint32_t output_kibps, output_messages, execution_s; /* what the relay is told */
};

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the kernel ---- */

static void kernel_bind(struct fake *fake, uint32_t incarnation)
{
	static const int types[] = {
		[JUPYTER_SHELL] = ZMQ_ROUTER, [JUPYTER_IOPUB] = ZMQ_XPUB,
		[JUPYTER_STDIN] = ZMQ_ROUTER, [JUPYTER_CONTROL] = ZMQ_ROUTER,
		[JUPYTER_HB] = ZMQ_REP,
	};
	char endpoint[128];
	int one = 1;
	int zero = 0;

	fake->incarnation = incarnation;
	for (int port = JUPYTER_SHELL; port <= JUPYTER_HB; port++) {
		void *socket = zmq_socket(fake->zmq, types[port]);

		zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof(zero));
		if (port == JUPYTER_IOPUB)
			zmq_setsockopt(socket, ZMQ_XPUB_NODROP, &one, sizeof(one));
		snprintf(endpoint, sizeof(endpoint), "ipc://%s/k%u-%d", fake->folder, incarnation,
			 port);
		CHECK_EQ(fake->check, zmq_bind(socket, endpoint), 0);
		fake->sockets[port] = socket;
	}
}

static void kernel_unbind(struct fake *fake)
{
	for (int port = JUPYTER_SHELL; port <= JUPYTER_HB; port++)
		zmq_close(fake->sockets[port]);
}

/* Sends one message; idents (NULL: a topic) go first. -EAGAIN where the mark is reached. */
static int kernel_send(void *socket, const struct jupyter_message *asked, const char *type,
		       const char *content, const char *key)
{
	struct jupyter_key hmac;
	struct link_parts parts;
	struct message own = {0};
	char signature[JUPYTER_SIGNATURE_LEN + 1];
	int r = 0;

	memcpy(hmac.hex, key, sizeof(hmac.hex));
	message_make(type, NULL, content, &own);
	link_parts_unpack(own.data, own.len, &parts);
	if (asked)
		parts.part[LINK_PARENT] = asked->parts.part[LINK_HEADER];
	jupyter_sign(&hmac, &parts, signature);
	for (uint32_t i = 0; asked && i < asked->idents_count && r >= 0; i++)
		r = zmq_send(socket, asked->ident[i].data, asked->ident[i].len,
			     ZMQ_SNDMORE | ZMQ_DONTWAIT);
	if (!asked)
		r = zmq_send(socket, "topic", 5, ZMQ_SNDMORE | ZMQ_DONTWAIT);
	if (r >= 0) {
		zmq_send(socket, JUPYTER_DELIMITER, JUPYTER_DELIMITER_LEN, ZMQ_SNDMORE);
		zmq_send(socket, signature, JUPYTER_SIGNATURE_LEN, ZMQ_SNDMORE);
		for (uint32_t i = 0; i < parts.count; i++)
			zmq_send(socket, parts.part[i].data, parts.part[i].len,
				 i + 1 < parts.count ? ZMQ_SNDMORE : 0);
	}
	free(own.data);
	return r < 0 ? -zmq_errno() : 0;
}

static void publish(struct fake *fake, const struct jupyter_message *asked, const char *type,
		    const char *content)
{
	struct jupyter_message topic = *asked;

	topic.idents_count = 1;
	topic.ident[0] = (struct link_slice){(const uint8_t *)"topic", 5};
	kernel_send(fake->sockets[JUPYTER_IOPUB], &topic, type, content, KEY);
}

static void kernel_answer(struct fake *fake, enum jupyter_port port,
			  const struct jupyter_message *asked)
{
	struct link_header header;

	link_header_get(asked->parts.part[LINK_HEADER], &header);
	if (fake->publishes)
		publish(fake, asked, "status", "{\"execution_state\":\"busy\"}");
	if (strcmp(header.msg_type, "execute_request") == 0) {
		fake->executed++;
		publish(fake, asked, "stream", "{\"name\":\"stdout\",\"text\":\"ran\"}");
		kernel_send(fake->sockets[port], asked, "execute_reply", "{\"status\":\"ok\"}", KEY);
	} else {
		kernel_send(fake->sockets[port], asked, "kernel_info_reply", "{}", KEY);
	}
	if (fake->publishes && !fake->lingers)
		publish(fake, asked, "status", "{\"execution_state\":\"idle\"}");
}

static void kernel_take(struct fake *fake, enum jupyter_port port)
{
	static zmq_msg_t parts[16];
	struct link_slice frames[16];
	struct jupyter_message asked;
	struct jupyter_key key;
	size_t count = 0;
	bool more = true;

	while (more && count < 16) {
		zmq_msg_init(&parts[count]);
		if (zmq_msg_recv(&parts[count], fake->sockets[port], ZMQ_DONTWAIT) < 0)
			break;
		frames[count] = (struct link_slice){zmq_msg_data(&parts[count]),
						    zmq_msg_size(&parts[count])};
		more = zmq_msg_more(&parts[count++]);
	}
	if (count == 0)
		return;
	memcpy(key.hex, KEY, sizeof(key.hex));
	CHECK_EQ(fake->check, jupyter_parse(frames, count, &asked), 0);
	CHECK_EQ(fake->check, jupyter_verify(&key, &asked), 0);
	CHECK_EQ(fake->check, asked.idents_count, 2);
	kernel_answer(fake, port, &asked);
	while (count > 0)
		zmq_msg_close(&parts[--count]);
}

/* Lets the kernel work for a while. */
static void kernel_turn(struct fake *fake)
{
	char beat[16];

	kernel_take(fake, JUPYTER_CONTROL);
	kernel_take(fake, JUPYTER_SHELL);
	while (zmq_recv(fake->sockets[JUPYTER_IOPUB], beat, sizeof(beat), ZMQ_DONTWAIT) >= 0)
		;
	if (zmq_recv(fake->sockets[JUPYTER_HB], beat, sizeof(beat), ZMQ_DONTWAIT) >= 0)
		zmq_send(fake->sockets[JUPYTER_HB], "pong", 4, ZMQ_DONTWAIT);
	usleep(1000);
}

/* ---- the monitor and the link ---- */

static bool monitor_wait(struct fake *fake, enum ipc_type type, int ms)
{
	long end = now_ms() + ms;

	do {
		if (ipc_receive(fake->ipc, &message) == 1 && message.type == type)
			return true;
		kernel_turn(fake);
	} while (now_ms() < end);
	return false;
}

static bool link_wait(struct fake *fake, enum link_type type, int ms)
{
	long end = now_ms() + ms;

	do {
		ssize_t len = recv(fake->stream, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (len > 0) {
			CHECK_EQ(fake->check, link_frame_unpack(bytes, (size_t)len, &frame), 0);
			if (frame.type == type)
				return true;
		} else {
			kernel_turn(fake);
		}
	} while (now_ms() < end);
	return false;
}

static void link_send_frame(struct fake *fake)
{
	static uint8_t packed[LINK_FRAME_MAX];
	size_t len = 0;

	CHECK_EQ(fake->check, link_frame_pack(&frame, packed, sizeof(packed), &len), 0);
	CHECK_EQ(fake->check, send(fake->stream, packed, len, MSG_NOSIGNAL), len);
}

static void attach(struct fake *fake, uint64_t session, uint32_t credit)
{
	frame.type = LINK_ATTACH;
	frame.u.attach = (struct link_attach){{1}, session, 0, 0, credit};
	link_send_frame(fake);
	CHECK(fake->check, link_wait(fake, LINK_CURSOR, WAIT_MS));
}

static void request(struct fake *fake, uint64_t session, uint64_t seq)
{
	struct message own = {0};

	CHECK_EQ(fake->check, message_make("execute_request", NULL, "{\"code\":\"\"}", &own), 0);
	frame.type = LINK_IN;
	frame.u.chunk = (struct link_chunk){
		.kernel_id = {1},
		.incarnation = fake->incarnation,
		.session = session,
		.epoch = EPOCH,
		.seq = seq,
		.channel = LINK_SHELL,
		.total = (uint32_t)own.len,
		.data_len = (uint32_t)own.len,
		.data = own.data,
	};
	link_send_frame(fake);
	free(own.data);
}

static void order(struct fake *fake, enum ipc_order what, const char *text)
{
	struct ipc_relay_order body = {.order = what, .incarnation = fake->incarnation + 1};

	memcpy(body.key, KEY, sizeof(body.key));
	snprintf(body.text, sizeof(body.text), "%s", text);
	CHECK_EQ(fake->check, ipc_send(fake->ipc, IPC_RELAY_ORDER, &body, -1), 0);
}

static void start(struct fake *fake, struct check *check)
{
	struct ipc_relay_setup setup = {
		.kernel_id = {1},
		.incarnation = 1,
		.output_kibps = fake->output_kibps,
		.output_messages = fake->output_messages,
		.execution_s = fake->execution_s,
	};
	struct ipc_stream stream = {.kernel_id = {1}};
	int ipc[2];
	int ends[2];

	fake->check = check;
	fake->zmq = zmq_ctx_new();
	fake->incarnation = 1;
	snprintf(fake->folder, sizeof(fake->folder), "/tmp/anchorhold-relay-XXXXXX");
	CHECK(check, mkdtemp(fake->folder) != NULL);
	CHECK_EQ(check, ipc_pair(ipc), 0);
	CHECK_EQ(check, ipc_pair(ends), 0);
	fake->pid = fork();
	if (fake->pid == 0) {
		close(ipc[0]);
		close(ends[0]);
		if (chdir(fake->folder) < 0)
			_exit(9);
		_exit(relay_run(ipc[1]));
	}
	close(ipc[1]);
	fake->ipc = ipc[0];
	fake->stream = ends[0];
	memcpy(setup.key, KEY, sizeof(setup.key));
	CHECK_EQ(check, ipc_send(fake->ipc, IPC_RELAY_SETUP, &setup, -1), 0);
	CHECK_EQ(check, ipc_send(fake->ipc, IPC_STREAM, &stream, ends[1]), 0);
	close(ends[1]);
}

/* ---- what is promised ---- */

/* An answer without output on iopub proves nothing: what was sent meanwhile is held. */
static void test_ready(struct fake *fake)
{
	struct check *check = fake->check;

	kernel_bind(fake, 1);
	attach(fake, 5, LINK_WINDOW_MAX);
	request(fake, 5, 1);
	CHECK(check, !monitor_wait(fake, IPC_RELAY_READY, QUIET_MS));
	CHECK_EQ(check, fake->executed, 0);
	fake->publishes = true;
	CHECK(check, monitor_wait(fake, IPC_RELAY_READY, WAIT_MS));
	/* What the probes caused is not in the log: all there is are the request's own four. */
	CHECK(check, link_wait(fake, LINK_OUT, WAIT_MS));
	CHECK_EQ(check, frame.u.chunk.seq, 1);
	do {
		CHECK(check, !memmem(frame.u.chunk.data, frame.u.chunk.data_len, "kernel_info", 11));
		CHECK(check, frame.u.chunk.seq <= 4);
	} while (link_wait(fake, LINK_OUT, QUIET_MS));
	CHECK_EQ(check, frame.u.chunk.seq, 4);
	CHECK_EQ(check, fake->executed, 1);
}

static void test_routing(struct fake *fake)
{
	struct check *check = fake->check;
	bool replied[7] = {false};

	while (link_wait(fake, LINK_OUT, QUIET_MS))
		if (frame.u.chunk.channel == LINK_SHELL)
			CHECK_EQ(check, frame.u.chunk.session, 5);
	attach(fake, 6, LINK_WINDOW_MAX);
	request(fake, 6, 2);
	while (link_wait(fake, LINK_OUT, QUIET_MS))
		if (frame.u.chunk.channel == LINK_SHELL && frame.u.chunk.session <= 6)
			replied[frame.u.chunk.session] = true;
	CHECK(check, !replied[5] && replied[6]);
	CHECK_EQ(check, fake->executed, 2);
}

static void test_refused(struct fake *fake)
{
	struct check *check = fake->check;

	request(fake, 6, 2);
	CHECK(check, link_wait(fake, LINK_REFUSED, WAIT_MS));
	CHECK(check, frame.u.refused.code == LINK_E_STALE && frame.u.refused.seq == 2);
	request(fake, 6, 9);
	CHECK(check, link_wait(fake, LINK_REFUSED, WAIT_MS));
	CHECK_EQ(check, frame.u.refused.code, LINK_E_STALE);
	request(fake, 77, 3);
	CHECK(check, link_wait(fake, LINK_REFUSED, WAIT_MS));
	CHECK_EQ(check, frame.u.refused.code, LINK_E_UNKNOWN);
	CHECK_EQ(check, fake->executed, 2);
}

static void test_forged(struct fake *fake)
{
	struct check *check = fake->check;
	static const char other[] =
		"ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

	CHECK_EQ(check, kernel_send(fake->sockets[JUPYTER_IOPUB], NULL, "stream", "{}", other), 0);
	zmq_send(fake->sockets[JUPYTER_IOPUB], "junk", 4, 0);
	CHECK(check, monitor_wait(fake, IPC_RELAY_EVENT, WAIT_MS));
	CHECK_EQ(check, message.u.relay_event.kind, IPC_RELAY_BAD_MESSAGE);
	CHECK(check, !link_wait(fake, LINK_OUT, QUIET_MS));
}

/* A reader without credit stops the kernel; nothing is lost, nothing comes twice. */
static void test_backpressure(struct fake *fake)
{
	struct check *check = fake->check;
	static char content[32768];
	unsigned sent = 0;
	unsigned got = 0;
	uint64_t last = 0;
	long end = now_ms() + 30000;

	memset(content, 'x', sizeof(content));
	memcpy(content, "{\"text\":\"", 9);
	memcpy(content + sizeof(content) - 3, "\"}", 3);
	frame.type = LINK_DETACH;
	frame.u.session = (struct link_session){{1}, 6, 0};
	link_send_frame(fake);
	attach(fake, 5 + 100, 0);
	while (sent < 5000 && now_ms() < end) {
		if (kernel_send(fake->sockets[JUPYTER_IOPUB], NULL, "stream", content, KEY) == 0)
			sent++;
		else if (!monitor_wait(fake, IPC_RELAY_EVENT, 1000))
			continue;
		else if (message.u.relay_event.kind == IPC_RELAY_LOG_FULL)
			break;
	}
	CHECK_EQ(check, message.u.relay_event.kind, IPC_RELAY_LOG_FULL);
	frame.type = LINK_DETACH;
	frame.u.session = (struct link_session){{1}, 5, 0};
	link_send_frame(fake);
	frame.type = LINK_CREDIT;
	frame.u.session = (struct link_session){{1}, 105, LINK_WINDOW_MAX};
	link_send_frame(fake);
	while (got < sent && link_wait(fake, LINK_OUT, 5000)) {
		struct link_chunk chunk = frame.u.chunk;

		if (chunk.session != 105)
			continue;
		CHECK(check, chunk.seq == last || chunk.seq == last + 1 || last == 0);
		last = chunk.seq;
		if (chunk.offset + chunk.data_len == chunk.total)
			got++;
		frame.type = LINK_CREDIT;
		frame.u.session = (struct link_session){{1}, 105, chunk.data_len};
		link_send_frame(fake);
		frame.type = LINK_CURSOR;
		frame.u.session.value = chunk.seq - (chunk.offset + chunk.data_len < chunk.total);
		link_send_frame(fake);
	}
	CHECK_EQ(check, got, sent);
}

static void test_restart(struct fake *fake)
{
	struct check *check = fake->check;
	unsigned before = fake->executed;

	/* Said by the old process at its end. */
	kernel_send(fake->sockets[JUPYTER_IOPUB], NULL, "stream", "{\"text\":\"last\"}", KEY);
	order(fake, IPC_ORDER_RESTART, "");
	CHECK(check, link_wait(fake, LINK_OUT, WAIT_MS));
	kernel_turn(fake);
	kernel_unbind(fake);
	kernel_bind(fake, 2);
	CHECK(check, monitor_wait(fake, IPC_RELAY_READY, WAIT_MS));
	CHECK_EQ(check, message.u.relay_ready.incarnation, 2);
	request(fake, 105, 1);
	while (link_wait(fake, LINK_OUT, QUIET_MS) && frame.u.chunk.channel != LINK_SHELL)
		;
	CHECK(check, frame.u.chunk.incarnation == 2 && frame.u.chunk.channel == LINK_SHELL);
	CHECK_EQ(check, fake->executed, before + 1);
}

static void test_death(struct fake *fake)
{
	struct check *check = fake->check;
	uint64_t last = 0;
	bool dead = false;
	int status = -1;

	kernel_send(fake->sockets[JUPYTER_IOPUB], NULL, "stream", "{\"text\":\"dying\"}", KEY);
	usleep(50000);
	order(fake, IPC_ORDER_DIED, "");
	CHECK(check, monitor_wait(fake, IPC_RELAY_DRAINED, WAIT_MS));
	while (link_wait(fake, LINK_OUT, QUIET_MS)) {
		last = frame.u.chunk.seq;
		dead = memmem(frame.u.chunk.data, frame.u.chunk.data_len, "\"dead\"", 6) != NULL;
	}
	CHECK(check, dead);
	/* It waits for its reader; also for one who left without it, as with a gateway that dies. */
	frame.type = LINK_DETACH;
	frame.u.session = (struct link_session){{1}, 105, 0};
	link_send_frame(fake);
	CHECK(check, !link_wait(fake, LINK_OUT, QUIET_MS));
	CHECK_EQ(check, waitpid(fake->pid, &status, WNOHANG), 0);
	attach(fake, 105 | UINT64_C(1) << 48, LINK_WINDOW_MAX);
	while (frame.u.chunk.seq != last && link_wait(fake, LINK_OUT, WAIT_MS))
		;
	CHECK_EQ(check, frame.u.chunk.seq, last);
	CHECK(check, memmem(frame.u.chunk.data, frame.u.chunk.data_len, "\"dead\"", 6) != NULL);
	/* Those of the tests before come for what they lack. */
	for (uint64_t session = 5; session <= 6; session++) {
		frame.type = LINK_ATTACH;
		frame.u.attach = (struct link_attach){{1}, session, 1, last, 0};
		link_send_frame(fake);
	}
	/* And no longer. */
	CHECK(check, !link_wait(fake, LINK_OUT, QUIET_MS));
	CHECK_EQ(check, waitpid(fake->pid, &status, WNOHANG), 0);
	frame.type = LINK_CURSOR;
	frame.u.session = (struct link_session){{1}, 105 | UINT64_C(1) << 48, last};
	link_send_frame(fake);
	CHECK_EQ(check, waitpid(fake->pid, &status, 0), fake->pid);
	CHECK_EQ(check, status, 0);
}

/* ---- limits, with a relay of their own ---- */

/* Nothing is lost and nothing comes sooner than the rate lets it. */
static void test_rate(struct fake *fake)
{
	struct check *check = fake->check;
	unsigned sent = 0;
	unsigned got = 0;
	long began = now_ms();
	long took;

	while (got < 250 && now_ms() - began < 60000) {
		if (sent < 250 && kernel_send(fake->sockets[JUPYTER_IOPUB], NULL, "stream",
					      "{\"text\":\"one of many\"}", KEY) == 0)
			sent++;
		if (link_wait(fake, LINK_OUT, 1) &&
		    memmem(frame.u.chunk.data, frame.u.chunk.data_len, "one of many", 11))
			got++;
	}
	took = now_ms() - began;
	CHECK_EQ(check, sent, 250);
	CHECK_EQ(check, got, 250);
	/* 50 a second, one second of them ahead. */
	CHECK(check, took >= 3500);
	CHECK(check, monitor_wait(fake, IPC_RELAY_OUTPUT, WAIT_MS));
	CHECK(check, message.u.relay_output.messages > 0 && message.u.relay_output.bytes > 0);
}

/* The edge is told once, however long it lasts. */
static void test_rate_edge(struct fake *fake)
{
	struct check *check = fake->check;
	long end = now_ms() + 8000;
	unsigned edges = 0, sent = 0, got = 0;

	while (now_ms() < end) {
		if (kernel_send(fake->sockets[JUPYTER_IOPUB], NULL, "stream",
				"{\"text\":\"one of many\"}", KEY) == 0)
			sent++;
		if (link_wait(fake, LINK_OUT, 1))
			got++;
		while (ipc_receive(fake->ipc, &message) == 1)
			if (message.type == IPC_RELAY_EVENT &&
			    message.u.relay_event.kind == IPC_RELAY_OUTPUT_HELD) {
				edges++;
				CHECK(check, message.u.relay_event.count > EDGE_MS / 2);
			}
	}
	CHECK_EQ(check, edges, 1);
	/* All of it: what comes after waits behind it, and a machine's pause is no end of it. */
	while (got < sent && link_wait(fake, LINK_OUT, WAIT_MS))
		got++;
	CHECK_EQ(check, got, sent);
}

static bool event_wait(struct fake *fake, enum ipc_relay_event_kind kind, int ms)
{
	long end = now_ms() + ms;

	while (now_ms() < end)
		if (monitor_wait(fake, IPC_RELAY_EVENT, 50) &&
		    message.u.relay_event.kind == kind)
			return true;
	return false;
}

/* One that ends in time, one that does not; what is told to the user hangs on that one. */
static void test_deadline(struct fake *fake)
{
	struct check *check = fake->check;
	bool told = false;

	request(fake, 7, 1);
	CHECK(check, !event_wait(fake, IPC_RELAY_EXECUTION, 1500));
	fake->lingers = true;
	request(fake, 7, 2);
	CHECK(check, event_wait(fake, IPC_RELAY_EXECUTION, WAIT_MS));
	CHECK_EQ(check, message.u.relay_event.count, 1);
	order(fake, IPC_ORDER_TELL, "it was \"overdue\"");
	while (link_wait(fake, LINK_OUT, QUIET_MS))
		if (memmem(frame.u.chunk.data, frame.u.chunk.data_len, "overdue", 7))
			told = memmem(frame.u.chunk.data, frame.u.chunk.data_len,
				      "execute_request", 15) != NULL;
	CHECK(check, told);
}

static void test_last_word(struct fake *fake)
{
	struct check *check = fake->check;
	uint64_t word = 0;
	uint64_t dead = 0;

	order(fake, IPC_ORDER_DIED, "it reached its limit");
	CHECK(check, monitor_wait(fake, IPC_RELAY_DRAINED, WAIT_MS));
	while (link_wait(fake, LINK_OUT, QUIET_MS)) {
		if (memmem(frame.u.chunk.data, frame.u.chunk.data_len, "its limit", 9))
			word = frame.u.chunk.seq;
		if (memmem(frame.u.chunk.data, frame.u.chunk.data_len, "\"dead\"", 6))
			dead = frame.u.chunk.seq;
	}
	CHECK(check, word > 0 && dead == word + 1);
}

static void finish(struct fake *fake)
{
	char command[128];

	kernel_unbind(fake);
	zmq_ctx_term(fake->zmq);
	snprintf(command, sizeof(command), "rm -rf '%s'", fake->folder);
	CHECK_EQ(fake->check, system(command), 0);
}

static void test_limits(struct check *check)
{
	struct fake fake = {
		.publishes = true, .output_kibps = 1024, .output_messages = 50, .execution_s = 1,
	};

	start(&fake, check);
	kernel_bind(&fake, 1);
	attach(&fake, 7, LINK_WINDOW_MAX);
	CHECK(check, monitor_wait(&fake, IPC_RELAY_READY, WAIT_MS));
	test_rate(&fake);
	test_rate_edge(&fake);
	test_deadline(&fake);
	test_last_word(&fake);
	kill(fake.pid, SIGKILL);
	waitpid(fake.pid, NULL, 0);
	finish(&fake);
}

int main(void)
{
	struct check check = {0};
	struct fake fake = {0};

	alarm(170);
	start(&fake, &check);
	test_ready(&fake);
	test_routing(&fake);
	test_refused(&fake);
	test_forged(&fake);
	test_backpressure(&fake);
	test_restart(&fake);
	test_death(&fake);
	finish(&fake);
	test_limits(&check);
	return CHECK_DONE(&check);
}
