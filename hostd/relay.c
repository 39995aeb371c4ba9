/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/relay.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <zmq.h>

#include "hostd/log.h"
#include "hostd/relay_self.h"

#define FENCE_MS 50u	     /* what a dead incarnation's sockets still hold comes within it */
#define DRAINED_MS 500u	     /* then the death is told, whatever readers still lack */
#define LINGER_MS 60000u     /* a dead kernel's output waits so long for its readers */

static int kernel_new(struct relay *relay, struct relay_kernel **ret_kernel)
{
	const struct relay_kernel_setup setup = {
		.zmq = relay->zmq,
		.loop = relay->loop,
		.calls = &relay_kernel_calls,
		.ctx = relay,
	};

	return relay_kernel_new(&setup, ret_kernel);
}

static int incarnation_start(struct relay *relay, uint32_t incarnation, const char *key,
			     bool adopt)
{
	int r = 0;

	relay->incarnation = incarnation;
	relay_stream_start(relay->stream, incarnation, adopt);
	relay->kernel = relay->first;
	relay->first = NULL;
	if (!relay->kernel)
		r = kernel_new(relay, &relay->kernel);
	if (r == 0)
		relay_kernel_begin(relay->kernel, incarnation, key, adopt);
	return r;
}

/* Our own words are short: they fit even where a message of any size would not. */
static void append_own(struct relay *relay, struct message *message)
{
	(void)outlog_room(relay->log, true, NULL);
	relay_append(relay, relay->incarnation, LINK_IOPUB, 0, message);
}

void relay_append_status(struct relay *relay, const char *state)
{
	struct message message = {0};

	if (message_status(state, &message) == 0)
		append_own(relay, &message);
	free(message.data);
}

/*
 * In the place of what executes now, where a notebook shows it. Of a request that the kernel never
 * said to be at work on nobody here knows; the gateway fails those with the same words.
 */
static void append_text(struct relay *relay, const char *text)
{
	const struct link_slice parent = relay_execution_parent(&relay->limits.execution);
	struct message message = {0};
	char line[LINK_TEXT_MAX + 1];

	snprintf(line, sizeof(line), "%s\n", text);
	if (text[0] && message_stderr_to(parent, line, &message) == 0)
		append_own(relay, &message);
	free(message.data);
}

static int do_setup(struct relay *relay, const struct ipc_relay_setup *setup)
{
	struct relay_stream_setup stream = {
		.loop = relay->loop,
		.input = relay_input,
		.ctx = relay,
	};
	int r;

	r = outlog_new(setup->kernel_id, OUTLOG_BYTES_MAX,
		       (uint64_t)setup->generation << OUTLOG_GENERATION_SHIFT, &relay->log);
	relay->limits.loop = relay->loop;
	relay->limits.tell = relay_report;
	relay->limits.ctx = relay;
	relay_limits_start(&relay->limits, setup);
	stream.log = relay->log;
	memcpy(stream.kernel_id, setup->kernel_id, LINK_ID_LEN);
	if (r == 0)
		r = relay_stream_new(&stream, &relay->stream);
	if (r == 0)
		r = incarnation_start(relay, setup->incarnation, setup->key,
				      setup->generation > 0);
	relay->set_up = r == 0;
	return r;
}

static void fence(void *ctx)
{
	relay_old_end(ctx);
}

/* The monitor that heard it may have died before it noted it. */
static void order_again(struct relay *relay)
{
	if (relay->kernel && !relay->died && relay_kernel_ready(relay->kernel))
		relay_calls_ready(relay);
	if (relay->drained) {
		const struct ipc_relay_drained drained = {.incarnation = relay->incarnation};

		relay_report(relay, IPC_RELAY_DRAINED, &drained);
	}
}

/* Two monitors may give the same order, of which the first died before it noted it. */
static int order_restart(struct relay *relay, const struct ipc_relay_order *order)
{
	if (order->incarnation == relay->incarnation)
		return 0;
	if (relay->old)
		relay_old_end(relay);
	relay->old = relay->kernel;
	relay->kernel = NULL;
	if (relay->old)
		relay_kernel_retire(relay->old, &relay_old_calls);
	relay_limits_reset(&relay->limits);
	relay_append_status(relay, "restarting");
	loop_timer_start(relay->loop, &relay->fence_timer, FENCE_MS, fence, relay);
	return incarnation_start(relay, order->incarnation, order->key, false);
}

static void end(void *ctx)
{
	struct relay *relay = ctx;

	loop_stop(relay->loop);
}

static void tell_drained(void *ctx)
{
	struct relay *relay = ctx;
	const struct ipc_relay_drained drained = {.incarnation = relay->incarnation};

	relay->drained = true;
	relay_report(relay, IPC_RELAY_DRAINED, &drained);
	loop_timer_start(relay->loop, &relay->end_timer, LINGER_MS, end, relay);
}

/* The dead kernel's last output has had its time to arrive. */
static void died_fence(void *ctx)
{
	struct relay *relay = ctx;

	relay_kernel_free(relay->kernel);
	relay->kernel = NULL;
	append_text(relay, relay->died_text);
	relay_append_status(relay, "dead");
	relay_limits_reset(&relay->limits);
	loop_timer_start(relay->loop, &relay->end_timer, DRAINED_MS, tell_drained, relay);
}

static int order_run(struct relay *relay, const struct ipc_relay_order *order)
{
	switch (order->order) {
	case IPC_ORDER_SHUTDOWN:
		if (relay->kernel)
			(void)relay_kernel_order(relay->kernel, "shutdown_request",
						 "{\"restart\":false}");
		return 0;
	case IPC_ORDER_SHUTDOWN_RESTART:
		if (relay->kernel)
			(void)relay_kernel_order(relay->kernel, "shutdown_request",
						 "{\"restart\":true}");
		return 0;
	case IPC_ORDER_INTERRUPT:
		if (relay->kernel)
			(void)relay_kernel_order(relay->kernel, "interrupt_request", "{}");
		return 0;
	case IPC_ORDER_RESTART:
		return order_restart(relay, order);
	case IPC_ORDER_AGAIN:
		order_again(relay);
		return 0;
	case IPC_ORDER_TELL:
		append_text(relay, order->text);
		return 0;
	case IPC_ORDER_DIED:
		if (relay->died)
			return 0;
		relay->died = true;
		memcpy(relay->died_text, order->text, sizeof(relay->died_text));
		if (relay->kernel)
			relay_kernel_retire(relay->kernel, &relay_dead_calls);
		loop_timer_start(relay->loop, &relay->fence_timer, FENCE_MS, died_fence, relay);
		return 0;
	default:
		return -EPROTO;
	}
}

static int message_take(struct relay *relay, struct ipc_message *message)
{
	int fd = message->fd;

	if (!relay->set_up)
		return message->type == IPC_RELAY_SETUP
			       ? do_setup(relay, &message->u.relay_setup)
			       : -EPROTO;
	switch (message->type) {
	case IPC_STREAM:
		message->fd = -1;
		return relay_stream_take(relay->stream, fd);
	case IPC_RELAY_ORDER:
		return order_run(relay, &message->u.relay_order);
	default:
		return -EPROTO;
	}
}

static void on_monitor(void *ctx, uint32_t events)
{
	struct relay *relay = ctx;
	int r = ipc_receive(relay->ipc_fd, &relay->message);

	if (r == -EAGAIN)
		return;
	if (r > 0) {
		r = message_take(relay, &relay->message);
		ipc_message_clear(&relay->message);
		if (r == 0)
			return;
		log_error(r, "from the monitor");
	}
	/* Without a monitor nobody can end this kernel: the relay goes too. */
	relay->exit_code = 1;
	loop_stop(relay->loop);
}

static void act(void *ctx)
{
	struct relay *relay = ctx;
	bool more = false;

	if (!relay->set_up)
		return;
	/* What came goes to the kernel, and what the kernel said goes up, in one turn. */
	relay_stream_receive(relay->stream);
	if (relay->old)
		more |= relay_kernel_pump(relay->old);
	if (relay->kernel)
		more |= relay_kernel_pump(relay->kernel);
	more |= relay_stream_send(relay->stream);
	if (more)
		loop_again(relay->loop);
	if (relay->died && !relay->kernel) {
		if (!relay->drained && outlog_all_sent(relay->log))
			tell_drained(relay);
		if (relay->drained && outlog_all_acked(relay->log))
			loop_stop(relay->loop);
	}
}

static int relay_open(struct relay *relay)
{
	int r;

	if (sodium_init() < 0)
		return -EIO;
	r = loop_new(&relay->loop);
	if (r < 0)
		return r;
	relay->zmq = zmq_ctx_new();
	if (!relay->zmq)
		return -ENOMEM;
	zmq_ctx_set(relay->zmq, ZMQ_IO_THREADS, 1);
	zmq_ctx_set(relay->zmq, ZMQ_MAX_SOCKETS, 32); /* two incarnations and their watches */
	/* A relay may be made ahead: what needs no kernel is done before it is told of one. */
	r = kernel_new(relay, &relay->first);
	return r < 0 ? r : loop_watch(relay->loop, relay->ipc_fd, EPOLLIN, on_monitor, relay);
}

static void relay_close(struct relay *relay)
{
	if (relay->stream)
		relay_stream_free(relay->stream);
	relay_kernel_free(relay->first);
	relay_kernel_free(relay->old);
	relay_kernel_free(relay->kernel);
	relay_limits_stop(&relay->limits);
	outlog_free(relay->log);
	if (relay->zmq)
		zmq_ctx_term(relay->zmq);
	loop_free(relay->loop);
}

int relay_run(int ipc_fd)
{
	/* Not from the heap, which may write zeros to all of it: most is room for the largest message
	 * of any role, which no relay gets, and what is never touched takes no memory. */
	static struct relay own;
	struct relay *relay = &own;
	int code;
	int r;

	relay->ipc_fd = ipc_fd;
	r = relay_open(relay);
	if (r == 0)
		r = loop_run(relay->loop, act, relay);
	if (r < 0)
		log_error(r, "relay");
	code = r < 0 ? 1 : relay->exit_code;
	relay_close(relay);
	return code;
}
