/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "hostd/log.h"
#include "hostd/relay_self.h"

void relay_report(void *ctx, enum ipc_type type, const void *body)
{
	struct relay *relay = ctx;
	int r = ipc_send(relay->ipc_fd, type, body, -1);

	if (r < 0) {
		log_error(r, "to the monitor: %s", ipc_type_name(type));
		relay->exit_code = 1;
		loop_stop(relay->loop);
	}
}

static void kernel_event(void *ctx, enum ipc_relay_event_kind kind, uint64_t count)
{
	const struct ipc_relay_event event = {.kind = kind, .count = count};

	relay_report(ctx, IPC_RELAY_EVENT, &event);
}

/* Of a process that is gone what is left is little, and does not wait for the rate. */
static bool old_room(void *ctx)
{
	struct relay *relay = ctx;
	uint64_t dropped = 0;
	bool room = outlog_room(relay->log, !relay_stream_holding(relay->stream), &dropped);
	if (dropped > 0 && !relay->full)
		kernel_event(relay, IPC_RELAY_GAP, dropped);
	else if (!room && !relay->full)
		kernel_event(relay, IPC_RELAY_LOG_FULL, outlog_bytes(relay->log));
	/* One event an edge: clear once a quarter of the log is free. */
	if (!room || dropped > 0)
		relay->full = true;
	else if (outlog_bytes(relay->log) < OUTLOG_BYTES_MAX / 4)
		relay->full = false;
	return room;
}

static bool kernel_room(void *ctx)
{
	struct relay *relay = ctx;

	return relay_limits_open(&relay->limits) && old_room(relay);
}

static void kernel_passed(void *ctx, size_t bytes)
{
	struct relay *relay = ctx;

	relay_limits_passed(&relay->limits, bytes);
}

void relay_append(struct relay *relay, uint32_t incarnation, enum link_channel channel,
		  uint64_t to, struct message *message)
{
	int r = outlog_append(relay->log, incarnation, channel, to, message);

	if (r < 0)
		log_error(r, "output log");
	free(message->data);
	message->data = NULL;
}

void relay_old_end(struct relay *relay)
{
	relay_kernel_free(relay->old);
	relay->old = NULL;
	loop_timer_stop(relay->loop, &relay->fence_timer);
}

/* The fence: from the new incarnation's first word on nothing of the old one is appended. */
static void kernel_message(void *ctx, enum link_channel channel, uint64_t to,
			   struct message *message)
{
	struct relay *relay = ctx;

	if (relay->old)
		relay_old_end(relay);
	if (channel == LINK_IOPUB)
		relay_limits_see(&relay->limits, message->data, message->len);
	relay_append(relay, relay->incarnation, channel, to, message);
}

static void old_message(void *ctx, enum link_channel channel, uint64_t to, struct message *message)
{
	struct relay *relay = ctx;

	relay_append(relay, relay->incarnation - 1, channel, to, message);
}

void relay_calls_ready(void *ctx)
{
	struct relay *relay = ctx;
	const struct ipc_relay_ready ready = {.incarnation = relay->incarnation};

	relay_report(relay, IPC_RELAY_READY, &ready);
}

/*
 * A status of the node's own in the log: what was asked of the relay before and is not answered by
 * now never will be.
 */
static void kernel_settled(void *ctx)
{
	relay_append_status(ctx, "idle");
}

static void old_is_ready(void *ctx)
{
}

const struct relay_kernel_calls relay_kernel_calls = {
	.room = kernel_room,
	.passed = kernel_passed,
	.message = kernel_message,
	.ready = relay_calls_ready,
	.settled = kernel_settled,
	.event = kernel_event,
};

const struct relay_kernel_calls relay_old_calls = {
	.room = old_room,
	.passed = kernel_passed,
	.message = old_message,
	.ready = old_is_ready,
	.settled = old_is_ready,
	.event = kernel_event,
};

const struct relay_kernel_calls relay_dead_calls = {
	.room = old_room,
	.passed = kernel_passed,
	.message = kernel_message,
	.ready = old_is_ready,
	.settled = old_is_ready,
	.event = kernel_event,
};

int relay_input(void *ctx, enum link_channel channel, uint64_t session,
			const uint8_t *blob, size_t len)
{
	struct relay *relay = ctx;

	if (!relay->kernel || relay->died)
		return -ESHUTDOWN;
	return relay_kernel_send(relay->kernel, channel, session, blob, len);
}
