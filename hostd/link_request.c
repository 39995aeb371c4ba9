/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames from a gateway: who may send what, when. The gateway is authenticated, and yet each
 * frame is taken as if it were not: it was unpacked whole before it came here.
 */
#include <errno.h>
#include <string.h>

#include "hostd/link_role.h"

static void result(struct gateway *gateway, uint64_t id, enum link_code code)
{
	struct link *link = gateway->link;

	link->frame.type = LINK_RESULT;
	link->frame.u.result = (struct link_result){.id = id, .code = (uint16_t)code};
	gateway_send(gateway, &link->frame);
}

static void refuse(struct gateway *gateway, const uint8_t id[LINK_ID_LEN], uint64_t session,
		   uint64_t seq, uint8_t channel, enum link_code code)
{
	struct link *link = gateway->link;

	link->frame.type = LINK_REFUSED;
	link->frame.u.refused = (struct link_refused){
		.session = session,
		.seq = seq,
		.channel = channel,
		.code = (uint16_t)code,
	};
	memcpy(link->frame.u.refused.kernel_id, id, LINK_ID_LEN);
	gateway_refused_message(gateway, &link->frame.u.refused);
	gateway_send(gateway, &link->frame);
}

/* Another epoch is another process: its sessions will not come back by themselves. */
static int on_welcome(struct gateway *gateway, const struct link_frame *frame)
{
	const struct link_welcome *welcome = &frame->u.welcome;
	const struct ipc_gateway body = {
		.gateway = gateway->index,
		.up = 1,
		.next_key = gateway->key == 1,
	};

	if (gateway->epoch != welcome->gateway_epoch)
		entries_detach(gateway->link, gateway);
	else
		entries_return(gateway->link, gateway);
	gateway->epoch = welcome->gateway_epoch;
	gateway->state = GATEWAY_WELCOMED;
	gateway->redial_ms = LINK_REDIAL_MS;
	join_welcomed(gateway, welcome);
	link_tell(gateway->link, IPC_GATEWAY, &body);
	entries_deaths(gateway);
	gateway_events(gateway->link);
	return 0;
}

static int on_verdict(struct gateway *gateway, const struct link_frame *frame)
{
	/* The frame lives in the inbox, which the next connection will use. */
	const struct link_verdict_body verdict = frame->u.verdict;

	join_verdict(gateway, &verdict);
	return 0;
}

/* Paced here, so that the monitor's table never has reason to end this process. */
static bool paced(struct link *link)
{
	uint64_t second = loop_now_ms() / 1000;

	if (link->requests_second != second) {
		link->requests_second = second;
		link->requests_count = 0;
	}
	if (link->requests >= LINK_REQUESTS_MAX || link->requests_count >= LINK_REQUESTS_A_SECOND)
		return false;
	link->requests++;
	link->requests_count++;
	return true;
}

static int on_request(struct gateway *gateway, const struct link_frame *frame)
{
	struct link *link = gateway->link;
	const struct ipc_request body = {
		.gateway = gateway->index,
		.request = frame->u.request,
	};

	if (!paced(link)) {
		result(gateway, frame->u.request.id, LINK_E_BUSY);
		return 0;
	}
	link_tell(link, IPC_REQUEST, &body);
	return 0;
}

static int on_attach(struct gateway *gateway, const struct link_frame *frame)
{
	const struct link_attach *attach = &frame->u.attach;
	struct link_entry *entry = entry_find(gateway->link, attach->kernel_id);
	enum link_code code = LINK_OK;

	if (!entry || entry->fd < 0)
		code = entry && entry->info.state != LINK_KERNEL_DEAD ? LINK_E_BUSY
								       : LINK_E_UNKNOWN;
	else if (entry_attach(gateway->link, entry, gateway, attach) < 0)
		code = LINK_E_CAPACITY;
	else if (entry_send(gateway->link, entry, frame) < 0)
		code = LINK_E_BUSY;
	if (code != LINK_OK)
		refuse(gateway, attach->kernel_id, attach->session, 0, 0, code);
	return 0;
}

/* The row of a session that this gateway has; a stranger's is not touched. */
static struct session *own_session(struct gateway *gateway, const uint8_t id[LINK_ID_LEN],
				   uint64_t session, struct link_entry **ret_entry)
{
	struct session *row;

	*ret_entry = entry_find(gateway->link, id);
	if (!*ret_entry || (*ret_entry)->fd < 0)
		return NULL;
	row = entry_session(*ret_entry, session);
	return row && row->gateway == gateway ? row : NULL;
}

/* DETACH, CREDIT, CURSOR of a session that is just gone is no error: the two sides crossed. */
static int on_session(struct gateway *gateway, const struct link_frame *frame)
{
	const struct link_session *body = &frame->u.session;
	struct link_entry *entry;
	struct session *row = own_session(gateway, body->kernel_id, body->session, &entry);

	if (!row)
		return 0;
	if (frame->type == LINK_DETACH)
		row->state = SESSION_NONE;
	(void)entry_send(gateway->link, entry, frame);
	return 0;
}

static int on_in(struct gateway *gateway, const struct link_frame *frame)
{
	const struct link_chunk *chunk = &frame->u.chunk;
	struct link_entry *entry;
	struct session *row = own_session(gateway, chunk->kernel_id, chunk->session, &entry);
	int r = row ? entry_send(gateway->link, entry, frame) : -ENOENT;

	/* Nobody's session: the relay, which has it neither, uses the message's number up. Without
	 * that all that its sender says later, for any session, would be behind a gap. */
	if (!row && entry && entry->fd >= 0 && !entry_session(entry, chunk->session))
		(void)entry_send(gateway->link, entry, frame);
	/* Of a message that was begun, the relay refuses what it then lacks. */
	if (r < 0 && (row || chunk->offset == 0))
		refuse(gateway, chunk->kernel_id, chunk->session, chunk->seq, chunk->channel,
		       r == -ENOENT ? LINK_E_UNKNOWN : LINK_E_BUSY);
	return 0;
}

static int on_event_ack(struct gateway *gateway, const struct link_frame *frame)
{
	struct link *link = gateway->link;
	const struct ipc_event_ack body = {.seq = frame->u.event_ack};
	uint32_t kept = 0;

	/* What it was not sent it cannot have. */
	if (body.seq > gateway->event_sent)
		return 0;
	for (uint32_t i = 0; i < link->events_count; i++)
		if (link->events[i].seq > body.seq)
			link->events[kept++] = link->events[i];
	if (kept == link->events_count)
		return 0;
	link->events_count = kept;
	link->events_ms = loop_now_ms();
	link_tell(link, IPC_EVENT_ACK, &body);
	return 0;
}

static const struct {
	enum link_type type;
	enum gateway_state state; /* in which it may come */
	int (*take)(struct gateway *gateway, const struct link_frame *frame);
} rows[] = {
	{LINK_WELCOME, GATEWAY_GREETED, on_welcome},
	{LINK_VERDICT, GATEWAY_GREETED, on_verdict},
	{LINK_VERDICT, GATEWAY_ENROLLING, on_verdict},
	{LINK_REQUEST, GATEWAY_WELCOMED, on_request},
	{LINK_ATTACH, GATEWAY_WELCOMED, on_attach},
	{LINK_DETACH, GATEWAY_WELCOMED, on_session},
	{LINK_CREDIT, GATEWAY_WELCOMED, on_session},
	{LINK_CURSOR, GATEWAY_WELCOMED, on_session},
	{LINK_IN, GATEWAY_WELCOMED, on_in},
	{LINK_EVENT_ACK, GATEWAY_WELCOMED, on_event_ack},
};

int request_take(struct gateway *gateway, const struct link_frame *frame)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].type == frame->type && rows[i].state == gateway->state)
			return rows[i].take(gateway, frame);
	return -EPROTO;
}
