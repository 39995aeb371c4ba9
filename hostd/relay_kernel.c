/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/relay_kernel.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "hostd/relay_kernel_self.h"

#define LOOK_MS 20	     /* between two looks for the sockets, and more the longer it takes */
#define LOOK_MAX_MS 1000
#define LOOK_SHARE 64	     /* what waiting may add to a start: this part of it */
#define PROBE_MS 100	     /* after an answer without iopub */
#define PROBE_SILENT_MS 1000 /* without an answer; then shell is asked too */
#define BEAT_MS 1000
#define BEATS_MISSED_MAX 10u

/* The descriptor only tells whom the act step is to look at. */
static void on_socket(void *ctx, uint32_t events)
{
	*(bool *)ctx = true;
}

static int send_own(struct relay_kernel *kernel, enum jupyter_port port, const char *type,
		    const char *id, const char *content)
{
	struct message message = {0};
	struct link_parts parts;
	int r = message_make(type, id, content, &message);

	if (r == 0)
		r = link_parts_unpack(message.data, message.len, &parts);
	if (r == 0)
		r = relay_kernel_parts(kernel, port, 0, &parts);
	free(message.data);
	return r;
}

/* ---- becoming ready, staying alive: one timer ---- */

static void beat(void *ctx)
{
	struct relay_kernel *kernel = ctx;
	static const uint8_t ping[] = {'p', 'i', 'n', 'g'};
	/* A DEALER that talks to a REP adds the empty delimiter itself. */
	const struct link_slice frames[] = {{NULL, 0}, {ping, sizeof(ping)}};

	if (kernel->beats_missed++ == BEATS_MISSED_MAX)
		kernel->setup.calls->event(kernel->setup.ctx, IPC_RELAY_SILENT,
					   BEATS_MISSED_MAX);
	(void)relay_socket_send(kernel->sockets[JUPYTER_HB], frames, 2);
	kernel->awake[JUPYTER_HB] = true;
	loop_timer_start(kernel->setup.loop, &kernel->timer, BEAT_MS, beat, kernel);
}

static void probe(void *ctx)
{
	struct relay_kernel *kernel = ctx;

	/* Some kernels know kernel_info on shell only. The request does nothing; asking twice is
	 * harmless. */
	if (kernel->probes > 0 && !kernel->answered)
		(void)send_own(kernel, JUPYTER_SHELL, "kernel_info_request", kernel->probe_id,
			       "{}");
	kernel->probes++;
	kernel->answered = false;
	(void)send_own(kernel, JUPYTER_CONTROL, "kernel_info_request", kernel->probe_id, "{}");
	loop_timer_start(kernel->setup.loop, &kernel->timer, PROBE_SILENT_MS, probe, kernel);
}

void relay_kernel_prove(struct relay_kernel *kernel)
{
	if (kernel->ready || kernel->retired || !kernel->answered)
		return;
	if (!kernel->published) {
		loop_timer_start(kernel->setup.loop, &kernel->timer, PROBE_MS, probe, kernel);
		return;
	}
	kernel->ready = true;
	/* The kernel answers it once it is through with what it was asked before. */
	if (kernel->replaces)
		(void)send_own(kernel, JUPYTER_SHELL, "kernel_info_request", kernel->settle_id, "{}");
	loop_timer_start(kernel->setup.loop, &kernel->timer, BEAT_MS, beat, kernel);
	kernel->setup.calls->ready(kernel->setup.ctx);
}

static int watch_open(struct relay_kernel *kernel)
{
	int r = relay_watch_new(kernel->setup.zmq, kernel->sockets[JUPYTER_IOPUB], &kernel->watch);

	if (r < 0)
		return r;
	return loop_watch(kernel->setup.loop, relay_socket_fd(kernel->watch), EPOLLIN, on_socket,
			  &kernel->watch_awake);
}

static int sockets_open(struct relay_kernel *kernel)
{
	uint8_t routing_id[RELAY_ROUTING_LEN];

	randombytes_buf(routing_id, sizeof(routing_id));
	routing_id[0] = 'A'; /* libzmq keeps ids that begin with 0 for itself */
	for (size_t i = 0; i < RELAY_PORTS; i++) {
		void **socket = &kernel->sockets[relay_ports[i]];
		int r = relay_socket_new(kernel->setup.zmq, relay_ports[i], routing_id, socket);

		if (r == 0)
			r = loop_watch(kernel->setup.loop, relay_socket_fd(*socket), EPOLLIN,
				       on_socket, &kernel->awake[relay_ports[i]]);
		if (r < 0)
			return r;
	}
	return watch_open(kernel);
}

static bool sockets_there(const struct relay_kernel *kernel)
{
	char path[32];

	for (size_t i = 0; i < RELAY_PORTS; i++) {
		relay_socket_path(relay_ports[i], kernel->incarnation, path, sizeof(path));
		if (access(path, F_OK) < 0)
			return false;
	}
	return true;
}

/* Each probe costs the kernel something, so none is sent before it listens. */
static void look(void *ctx)
{
	struct relay_kernel *kernel = ctx;

	if (!sockets_there(kernel)) {
		uint64_t next = LOOK_MS + (loop_now_ms() - kernel->began_ms) / LOOK_SHARE;

		loop_timer_start(kernel->setup.loop, &kernel->timer,
				 next < LOOK_MAX_MS ? next : LOOK_MAX_MS, look, kernel);
		return;
	}
	for (size_t i = 0; i < RELAY_PORTS; i++)
		(void)relay_socket_connect(kernel->sockets[relay_ports[i]], relay_ports[i],
					   kernel->incarnation);
	loop_timer_start(kernel->setup.loop, &kernel->timer, 1, probe, kernel);
}

int relay_kernel_new(const struct relay_kernel_setup *setup, struct relay_kernel **ret_kernel)
{
	struct relay_kernel *kernel = calloc(1, sizeof(*kernel));
	int r;

	if (!kernel)
		return -ENOMEM;
	kernel->setup = *setup;
	message_id_make(kernel->probe_id);
	message_id_make(kernel->settle_id);
	r = sockets_open(kernel);
	if (r < 0) {
		relay_kernel_free(kernel);
		return r;
	}
	*ret_kernel = kernel;
	return 0;
}

void relay_kernel_begin(struct relay_kernel *kernel, uint32_t incarnation, const char *key,
			bool replaces)
{
	kernel->replaces = replaces;
	kernel->incarnation = incarnation;
	kernel->began_ms = loop_now_ms();
	memcpy(kernel->key.hex, key, JUPYTER_KEY_LEN);
	look(kernel);
}

void relay_kernel_free(struct relay_kernel *kernel)
{
	if (!kernel)
		return;
	loop_timer_stop(kernel->setup.loop, &kernel->timer);
	if (kernel->watch) {
		loop_unwatch(kernel->setup.loop, relay_socket_fd(kernel->watch));
		zmq_close(kernel->watch);
	}
	for (size_t i = 0; i < RELAY_SLOTS; i++) {
		if (!kernel->sockets[i])
			continue;
		loop_unwatch(kernel->setup.loop, relay_socket_fd(kernel->sockets[i]));
		zmq_close(kernel->sockets[i]);
	}
	while (kernel->inputs) {
		struct input *next = kernel->inputs->next;

		free(kernel->inputs);
		kernel->inputs = next;
	}
	sodium_memzero(&kernel->key, sizeof(kernel->key));
	free(kernel);
}

int relay_kernel_order(struct relay_kernel *kernel, const char *type, const char *content)
{
	return send_own(kernel, JUPYTER_CONTROL, type, NULL, content);
}

void relay_kernel_retire(struct relay_kernel *kernel, const struct relay_kernel_calls *calls)
{
	loop_timer_stop(kernel->setup.loop, &kernel->timer);
	kernel->setup.calls = calls;
	kernel->retired = true;
}

bool relay_kernel_ready(const struct relay_kernel *kernel)
{
	return kernel->ready;
}
