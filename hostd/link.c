/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <zmq.h>

#include "hostd/link_role.h"
#include "hostd/log.h"
#include "link/secret.h"

#define TICK_MS 1000u

void link_tell(struct link *link, enum ipc_type type, const void *body)
{
	int r = ipc_send(link->ipc_fd, type, body, -1);

	if (r < 0) {
		log_error(r, "to the monitor: %s", ipc_type_name(type));
		link->exit_code = 1;
		loop_stop(link->loop);
	}
}

void link_hello_fill(struct link *link, struct link_hello *ret_hello)
{
	uint32_t count = 0;

	*ret_hello = link->node;
	ret_hello->ticket = link->ticket;
	for (uint32_t i = 0; i < LINK_KERNELS_MAX; i++)
		if (link->kernels[i].used && link->kernels[i].info.state != 0)
			ret_hello->kernels[count++] = link->kernels[i].info;
	ret_hello->kernels_count = count;
	ret_hello->entry_to_link_ms = loop_now_ms();
}

/* ---- messages from the monitor ---- */

static int on_setup(struct link *link, struct ipc_message *message)
{
	int r;

	if (link->set_up || message->u.link_setup.gateways_count > IPC_GATEWAYS_MAX)
		return -EINVAL;
	r = join_setup(link, &message->u.link_setup);
	if (r < 0)
		log_error(r, "the node's key");
	if (r == 0)
		r = gateways_open(link, &message->u.link_setup);
	link->set_up = r == 0;
	return r;
}

static int on_node(struct link *link, struct ipc_message *message)
{
	link->node = message->u.node.hello;
	return 0;
}

static int on_kernel(struct link *link, struct ipc_message *message)
{
	entry_update(link, &message->u.kernel);
	return 0;
}

static int on_stream(struct link *link, struct ipc_message *message)
{
	int fd = message->fd;

	message->fd = -1;
	entry_stream(link, &message->u.stream, fd);
	return 0;
}

static void send_result(struct link *link, uint32_t gateway, const struct link_result *result)
{
	if (link->requests > 0)
		link->requests--;
	if (gateway >= link->gateways_count)
		return;
	link->frame.type = LINK_RESULT;
	link->frame.u.result = *result;
	gateway_send(&link->gateways[gateway], &link->frame);
}

static int on_result(struct link *link, struct ipc_message *message)
{
	const struct ipc_result *body = &message->u.result;
	const struct link_result result = {
		.id = body->id,
		.code = (uint16_t)body->code,
		.error = body->error,
		.incarnation = body->incarnation,
		.text = (const uint8_t *)body->text,
		.text_len = (uint32_t)strnlen(body->text, sizeof(body->text)),
	};

	send_result(link, body->gateway, &result);
	return 0;
}

static int on_logs(struct link *link, struct ipc_message *message)
{
	const struct ipc_logs *body = &message->u.logs;
	const struct link_result result = {
		.id = body->id,
		.text = (const uint8_t *)body->text,
		.text_len = body->text_len <= sizeof(body->text) ? body->text_len : 0,
	};

	send_result(link, body->gateway, &result);
	return 0;
}

static int on_event(struct link *link, struct ipc_message *message)
{
	/* The oldest goes: the gap in the numbers shows it. */
	if (link->events_count == LINK_EVENTS_MAX) {
		memmove(&link->events[0], &link->events[1],
			(LINK_EVENTS_MAX - 1) * sizeof(link->events[0]));
		link->events_count--;
	}
	link->events[link->events_count++] = message->u.event.event;
	gateway_events(link);
	return 0;
}

static int on_ticket_kept(struct link *link, struct ipc_message *message)
{
	join_kept(link, &message->u.ticket_kept);
	return 0;
}

static int on_next_key(struct link *link, struct ipc_message *message)
{
	return join_next_key(link, &message->u.next_key);
}

static int on_status(struct link *link, struct ipc_message *message)
{
	link->frame.type = LINK_STATUS;
	link->frame.u.status = message->u.status.status;
	gateways_send(link, &link->frame);
	return 0;
}

static const struct {
	enum ipc_type type;
	int (*take)(struct link *link, struct ipc_message *message);
} rows[] = {
	{IPC_LINK_SETUP, on_setup}, {IPC_NODE, on_node},     {IPC_KERNEL, on_kernel},
	{IPC_STREAM, on_stream},    {IPC_RESULT, on_result}, {IPC_LOGS, on_logs},
	{IPC_EVENT, on_event},	    {IPC_STATUS, on_status},
	{IPC_TICKET_KEPT, on_ticket_kept},
	{IPC_NEXT_KEY, on_next_key},
};

static int message_take(struct link *link, struct ipc_message *message)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].type == message->type)
			return rows[i].take(link, message);
	return -EPROTO;
}

static void on_monitor(void *ctx, uint32_t events)
{
	struct link *link = ctx;
	int r = ipc_receive(link->ipc_fd, &link->message);

	if (r == -EAGAIN)
		return;
	if (r > 0) {
		r = message_take(link, &link->message);
		ipc_message_clear(&link->message);
		if (r == 0)
			return;
		log_error(r, "from the monitor");
	}
	link->exit_code = 1;
	loop_stop(link->loop);
}

/* ---- the loop ---- */

static void act(void *ctx)
{
	struct link *link = ctx;
	bool choked = entries_choked(link);
	bool more = false;

	for (uint32_t i = 0; i < link->gateways_count; i++)
		more |= gateway_pump(&link->gateways[i], !choked);
	more |= entries_pump(link);
	for (uint32_t i = 0; i < link->gateways_count; i++)
		more |= gateway_more(&link->gateways[i], !choked);
	if (more)
		loop_again(link->loop);
}

static void tick(void *ctx)
{
	struct link *link = ctx;

	entries_tick(link);
	entries_bury(link);
	gateway_events_again(link);
	gateways_tell_refused(link);
	loop_timer_start(link->loop, &link->tick, TICK_MS, tick, link);
}

static int link_open(struct link *link)
{
	int r;

	if (sodium_init() < 0)
		return -EIO;
	r = loop_new(&link->loop);
	if (r == 0)
		r = link_inbox_new(&link->inbox);
	if (r < 0)
		return r;
	link->zmq = zmq_ctx_new();
	if (!link->zmq)
		return -ENOMEM;
	zmq_ctx_set(link->zmq, ZMQ_IO_THREADS, 1);
	zmq_ctx_set(link->zmq, ZMQ_MAX_SOCKETS, 4 * IPC_GATEWAYS_MAX + 4);
	tick(link);
	return loop_watch(link->loop, link->ipc_fd, EPOLLIN, on_monitor, link);
}

static void link_close(struct link *link)
{
	gateways_close(link);
	entries_close(link);
	curve_pair_wipe(&link->own[0]);
	curve_pair_wipe(&link->own[1]);
	secret_wipe(link->join_secret, sizeof(link->join_secret));
	link_inbox_free(link->inbox);
	if (link->zmq)
		zmq_ctx_term(link->zmq);
	loop_free(link->loop);
}

int link_run(int ipc_fd)
{
	struct link *link = calloc(1, sizeof(*link));
	int code;
	int r;

	if (!link)
		return 1;
	link->ipc_fd = ipc_fd;
	r = link_open(link);
	if (r == 0)
		r = loop_run(link->loop, act, link);
	if (r < 0)
		log_error(r, "link");
	code = r < 0 ? 1 : link->exit_code;
	link_close(link);
	free(link);
	return code;
}
