/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/relay_limits.h"

/* Ceilings where a project has none: above what people print, below what floods a node. */
#define OUTPUT_KIBPS (256u * 1024u)
#define OUTPUT_MESSAGES 50000u
#define TICK_MS 500u

static void event(struct relay_limits *limits, enum ipc_relay_event_kind kind, uint64_t count)
{
	const struct ipc_relay_event body = {.kind = kind, .count = count};

	limits->tell(limits->ctx, IPC_RELAY_EVENT, &body);
}

static void tell_output(struct relay_limits *limits)
{
	const struct ipc_relay_output body = {limits->bytes, limits->messages};

	if (limits->messages == limits->told_messages)
		return;
	limits->told_messages = limits->messages;
	limits->tell(limits->ctx, IPC_RELAY_OUTPUT, &body);
}

/* Runs until nothing has passed or was held for a whole window. */
static void tick(void *ctx)
{
	struct relay_limits *limits = ctx;
	uint64_t now = loop_now_ms();
	uint64_t held = edge_window_add(&limits->window, now,
					relay_rate_held_ms(&limits->rate, now), EDGE_MS);
	bool passed = limits->messages != limits->told_messages;

	if (edge_holds(&limits->edge, now, held > EDGE_MS / 2))
		event(limits, IPC_RELAY_OUTPUT_HELD, held);
	tell_output(limits);
	if (passed || held > 0 || limits->edge.bites)
		loop_timer_start(limits->loop, &limits->tick, TICK_MS, tick, limits);
}

static void need_tick(struct relay_limits *limits)
{
	if (!limits->tick.set)
		loop_timer_start(limits->loop, &limits->tick, TICK_MS, tick, limits);
}

void relay_limits_start(struct relay_limits *limits, const struct ipc_relay_setup *setup)
{
	limits->execution_s = setup->execution_s;
	relay_rate_start(&limits->rate, setup->output_kibps ? setup->output_kibps : OUTPUT_KIBPS,
			 setup->output_messages ? setup->output_messages : OUTPUT_MESSAGES,
			 loop_now_ms());
}

void relay_limits_stop(struct relay_limits *limits)
{
	if (!limits->loop)
		return;
	loop_timer_stop(limits->loop, &limits->open_timer);
	loop_timer_stop(limits->loop, &limits->deadline);
	loop_timer_stop(limits->loop, &limits->tick);
}

/* That the loop wakes is enough: its act step looks at the sockets. */
static void open_again(void *ctx)
{
	(void)ctx;
}

bool relay_limits_open(struct relay_limits *limits)
{
	if (relay_rate_open(&limits->rate, loop_now_ms()))
		return true;
	need_tick(limits);
	loop_timer_start(limits->loop, &limits->open_timer, relay_rate_wait_ms(&limits->rate),
			 open_again, limits);
	return false;
}

void relay_limits_passed(struct relay_limits *limits, size_t bytes)
{
	relay_rate_take(&limits->rate, bytes);
	limits->bytes += bytes;
	limits->messages++;
	need_tick(limits);
}

static void overdue(void *ctx)
{
	struct relay_limits *limits = ctx;

	limits->overdue = true;
	event(limits, IPC_RELAY_EXECUTION, limits->execution_s);
}

void relay_limits_see(struct relay_limits *limits, const uint8_t *blob, size_t len)
{
	switch (relay_execution_see(&limits->execution, blob, len)) {
	case EXECUTION_BEGAN:
		if (limits->execution_s > 0)
			loop_timer_start(limits->loop, &limits->deadline,
					 limits->execution_s * 1000ull, overdue, limits);
		break;
	case EXECUTION_ENDED:
		loop_timer_stop(limits->loop, &limits->deadline);
		if (limits->overdue)
			event(limits, IPC_RELAY_EXECUTION_END, 0);
		limits->overdue = false;
		break;
	case EXECUTION_SAME:
		break;
	}
}

void relay_limits_reset(struct relay_limits *limits)
{
	loop_timer_stop(limits->loop, &limits->deadline);
	limits->execution.busy = false;
	limits->overdue = false;
	tell_output(limits);
}
