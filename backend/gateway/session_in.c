/* SPDX-License-Identifier: Apache-2.0 */
/* From the client to the kernel. */
#include <errno.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/gateway/clock.h"
#include "backend/gateway/log.h"
#include "backend/gateway/session.h"

#define RX_KEEP (64u * 1024u) /* a larger receive buffer is given back after each message */

/* ---- requests that will not be answered ---- */

void session_fail_one(struct session *session, struct inflight_request *request, const char *name,
		      const char *text)
{
	struct link_slice parent = {(const uint8_t *)request->header, request->header_len};
	struct synth synth;

	if (!request->replied) {
		if (strcmp(request->msg_type, "execute_request") == 0)
			session_say(session, synth_error(&synth, parent, name, text), &synth);
		session_say(session, synth_reply(&synth, request, name, text), &synth);
	}
	if (!request->idle)
		session_say(session, synth_status(&synth, parent, "idle"), &synth);
	free(request->header);
}

void session_fail(struct session *session, enum inflight_which which, const char *name,
		  const char *text)
{
	struct inflight_request request;

	while (inflight_take(session->inflight, which, &request))
		session_fail_one(session, &request, name, text);
}

/* ---- holding back ---- */

void session_held_free(struct session *session)
{
	struct held *held;

	while ((held = session->held) != NULL) {
		session->held = held->next;
		free(held);
	}
	session->held_end = &session->held;
	session->held_count = 0;
	session->held_bytes = 0;
}

/* Takes held over where it is kept. */
static int hold(struct session *session, struct held *held)
{
	if (session->held_count >= SESSION_HELD_MAX ||
	    held->len > SESSION_HELD_BYTES - session->held_bytes)
		return -ENOBUFS;
	held->next = NULL;
	*session->held_end = held;
	session->held_end = &held->next;
	session->held_count++;
	session->held_bytes += held->len;
	return 0;
}

static int forward(struct session *session, const struct held *held)
{
	uint64_t seq;
	int r = fleet_in(session->channels->fleet, session->kernel, session->id, held->channel,
			 held->blob, held->len, &seq);

	if (r == 0)
		inflight_sent(session->inflight, held->msg_id, seq);
	return r;
}

void session_release(struct session *session)
{
	struct held *held;

	if (session->kernel == NULL || session->kernel->state != LINK_KERNEL_READY ||
	    !session->attached)
		return;
	while ((held = session->held) != NULL) {
		if (forward(session, held) < 0)
			return;
		session->held = held->next;
		if (session->held == NULL)
			session->held_end = &session->held;
		session->held_count--;
		session->held_bytes -= held->len;
		free(held);
	}
}

static void refuse(struct session *session, const char *msg_id, const char *text)
{
	struct inflight_request request;

	if (inflight_take_id(session->inflight, msg_id, &request))
		session_fail_one(session, &request, "NotAccepted", text);
}

/* A message is behind what is held, so order within a channel is kept. */
static void deliver(struct session *session, struct held *held)
{
	struct kernel *kernel = session->kernel;
	int r = -EAGAIN;

	if (kernel->state == LINK_KERNEL_DEAD) {
		refuse(session, held->msg_id, "the kernel is dead");
		free(held);
		return;
	}
	session_attach(session);
	if (session->held == NULL && session->attached && kernel->state == LINK_KERNEL_READY)
		r = forward(session, held);
	if (r == 0) {
		free(held);
		return;
	}
	r = hold(session, held);
	if (r == 0)
		return;
	refuse(session, held->msg_id, "too much waits for this kernel already");
	free(held);
}

/* ---- the WebSocket ---- */

static struct held *pack(const struct framing_message *message)
{
	size_t len = link_parts_size(&message->parts);
	struct held *held = len == 0 ? NULL : malloc(sizeof(*held) + len);

	if (held == NULL)
		return NULL;
	held->channel = message->channel;
	memcpy(held->msg_id, message->header.msg_id, sizeof(held->msg_id));
	if (link_parts_pack(&message->parts, held->blob, len, &held->len) < 0) {
		free(held);
		return NULL;
	}
	return held;
}

static int close_with(struct session *session, unsigned code, const char *reason)
{
	char text[100];

	snprintf(text, sizeof(text), "%s", reason);
	/* NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange): lws has no name for 1013 */
	lws_close_reason(session->wsi, code, (unsigned char *)text, strlen(text));
	return -1;
}

static int whole(struct session *session, bool binary)
{
	struct framing_message message;
	struct held *held;
	int r = framing_parse(session->framing, binary, session->rx, session->rx_len, &message);

	if (r == -ENXIO)
		return close_with(session, 1007, "the channel must be shell, control or stdin");
	if (r == -EMSGSIZE)
		return close_with(session, 1009, "the message is too large");
	if (r < 0)
		return close_with(session, 1007, "this is not a Jupyter message");
	held = pack(&message);
	if (held == NULL)
		return close_with(session, 1013, "out of memory");
	inflight_add(session->inflight, message.channel, &message.header,
		     message.parts.part[LINK_HEADER]);
	deliver(session, held);
	return 0;
}

static int rx_grow(struct session *session, size_t more)
{
	size_t size = session->rx_size == 0 ? RX_KEEP : session->rx_size;
	uint8_t *grown;

	while (size < session->rx_len + more)
		size *= 2;
	if (size == session->rx_size)
		return 0;
	if (link_budget_take(&session->channels->budget, size - session->rx_size) < 0)
		return -ENOBUFS;
	grown = realloc(session->rx, size);
	if (grown == NULL) {
		link_budget_give(&session->channels->budget, size - session->rx_size);
		return -ENOMEM;
	}
	session->rx = grown;
	session->rx_size = size;
	return 0;
}

static void rx_done(struct session *session)
{
	session->rx_len = 0;
	if (session->rx_size <= RX_KEEP)
		return;
	link_budget_give(&session->channels->budget, session->rx_size);
	free(session->rx);
	session->rx = NULL;
	session->rx_size = 0;
}

int channels_receive(struct session *session, const void *data, size_t len, bool first, bool last,
		     bool binary)
{
	int r;

	if (session == NULL)
		return -1;
	if (session->close_code != 0 || session->kernel == NULL)
		return 0;
	if (first)
		session->rx_len = 0;
	if (len > FRAMING_MESSAGE_MAX - session->rx_len)
		return close_with(session, 1009, "the message is too large");
	if (rx_grow(session, len) < 0)
		return close_with(session, 1013, "out of memory");
	if (len > 0)
		memcpy(session->rx + session->rx_len, data, len);
	session->rx_len += len;
	if (!last)
		return 0;
	r = whole(session, binary);
	rx_done(session);
	return r;
}
