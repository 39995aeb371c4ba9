/* SPDX-License-Identifier: Apache-2.0 */
/* From the node's log to the client. */
#include <errno.h>
#include <libwebsockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "backend/gateway/clock.h"
#include "backend/gateway/log.h"
#include "backend/gateway/session.h"

/* One write, so one WebSocket frame at most: libwebsockets copies what the socket does not take. */
#define PIECE_MAX (256u * 1024u)
/* Of one turn of the loop, so that one client's flood does not starve the others. */
#define TURN_MAX (1024u * 1024u)
#define CLOSE_WAIT_MS 5000u
/* Asking the socket whether it takes more is a system call: not for each small message. */
#define ASK_EVERY (64u * 1024u)
#define NODE_SESSION "anchorhold" /* in the headers of what the node itself says */

/* ---- queueing ---- */

int session_push(struct session *session, uint64_t seq, enum link_channel channel,
		 const struct link_parts *parts)
{
	size_t bound = framing_bound(parts);
	struct outgoing *out, *trimmed;
	int r;

	if (session->close_code != 0)
		return 0;
	out = malloc(sizeof(*out) + LWS_PRE + bound);
	if (out == NULL)
		return -ENOMEM;
	r = framing_write(session->framing, channel, parts, out->data + LWS_PRE, bound, &out->len,
			  &out->binary);
	if (r < 0) {
		free(out);
		return r;
	}
	trimmed = realloc(out, sizeof(*out) + LWS_PRE + out->len);
	if (trimmed != NULL)
		out = trimmed;
	out->next = NULL;
	out->seq = seq;
	out->at = 0;
	if (session->out == NULL)
		session->out = out;
	else
		session->out_last->next = out;
	session->out_last = out;
	session->out_bytes += out->len;
	lws_callback_on_writable(session->wsi);
	return 0;
}

void session_say(struct session *session, int result, struct synth *synth)
{
	if (result == 0)
		session_push(session, 0, synth->channel, &synth->parts);
	synth_free(synth);
}

void session_close(struct session *session, unsigned code, const char *reason)
{
	if (session->close_code != 0)
		return;
	session->close_code = code;
	session->close_ms = clock_ms() + CLOSE_WAIT_MS;
	lws_strncpy(session->close_reason, reason, sizeof(session->close_reason));
	lws_callback_on_writable(session->wsi);
}

static void out_pop(struct session *session)
{
	struct outgoing *out = session->out;

	session->out = out->next;
	session->out_bytes -= out->len;
	free(out);
}

void session_out_free(struct session *session)
{
	while (session->out != NULL)
		out_pop(session);
}

/* ---- from the node ---- */

void session_credit(struct session *session)
{
	/* Small grants are not worth a frame; the node still has most of its window then. */
	if (!session->attached || session->kernel == NULL ||
	    session->out_bytes > SESSION_QUEUE_LOW || session->owed < SESSION_WINDOW / 4)
		return;
	if (fleet_session(session->channels->fleet, session->kernel, LINK_CREDIT, session->id,
			  session->owed) == 0)
		session->owed = 0;
}

void session_skip(struct session *session, uint64_t seq)
{
	if (session->out == NULL)
		session->written = seq;
	else
		session->out_last->seq = seq;
}

/*
 * The node marks in the log where a kernel ended or was replaced. It does not know what its
 * clients wait for or who asked for a restart, so what they are told is said here instead.
 */
static bool node_mark(struct session *session, enum link_channel channel,
		      const struct link_slice *content, const struct link_header *header,
		      const struct link_header *parent)
{
	/* What a kernel answers to the node's own requests, as in a shutdown, is not the client's. */
	if (channel != LINK_IOPUB && strcmp(parent->session, NODE_SESSION) == 0)
		return true;
	if (channel != LINK_IOPUB || strcmp(header->msg_type, "status") != 0 ||
	    strcmp(header->session, NODE_SESSION) != 0 || parent->msg_id[0] != '\0')
		return false;
	if (memmem(content->data, content->len, "\"idle\"", 6) != NULL) {
		/* A relay took another's place, and the kernel is through with what that one sent. */
		activity_settled(&session->kernel->activity, clock_unix_us());
		session_fail(session, INFLIGHT_OLD, "RelayLost",
			     "the relay of the kernel was lost on the node, and the answer with it");
		return true;
	}
	session->end_seen = memmem(content->data, content->len, "\"dead\"", 6) != NULL;
	if (session->kernel->state == LINK_KERNEL_DEAD && session->death_ms != 0)
		session_tell_dead(session);
	return true;
}

/* The node says why it ended a kernel right before it marks its end. */
static bool node_stream(enum link_channel channel, const struct link_header *header)
{
	return channel == LINK_IOPUB && strcmp(header->msg_type, "stream") == 0 &&
	       strcmp(header->session, NODE_SESSION) == 0;
}

static void message(struct session *session, const struct link_chunk *chunk,
		    const struct link_slice *blob)
{
	struct link_header header, parent;
	struct link_parts parts;
	struct synth synth;

	session->received = chunk->seq;
	/* The node is believed to be ours, but what it passes on is a kernel's. */
	if (link_parts_unpack(blob->data, blob->len, &parts) < 0 || link_parts_check(&parts) < 0 ||
	    link_header_get(parts.part[LINK_HEADER], &header) < 0 ||
	    link_header_get(parts.part[LINK_PARENT], &parent) < 0) {
		session_say(session,
			    synth_stderr(&synth, (struct link_slice){NULL, 0},
					 "[anchorhold: a malformed message of the kernel was "
					 "dropped]\n"),
			    &synth);
		return;
	}
	if (node_mark(session, chunk->channel, &parts.part[LINK_CONTENT], &header, &parent)) {
		session_skip(session, chunk->seq);
		return;
	}
	session->why_told = node_stream(chunk->channel, &header);
	activity_message(&session->kernel->activity, chunk->seq, chunk->channel, &parts, &header,
			 &parent, clock_unix_us());
	inflight_note(session->inflight, chunk->channel, &parts, &header, &parent);
	if (session_push(session, chunk->seq, chunk->channel, &parts) < 0)
		/* It is not acknowledged, so the node still has it for the next connection. */
		session_close(session, 1013, "out of memory");
}

void session_output(struct session *session, const struct link_chunk *chunk)
{
	struct link_slice blob;
	int r;

	if (session->close_code != 0)
		return;
	if (chunk->channel >= LINK_CHANNELS) {
		session_close(session, 1011, "the node sent an unknown channel");
		return;
	}
	session->owed += chunk->data_len;
	session->resuming = false;
	session->attach_tries = 0;
	/* The answer may be among what was printed meanwhile. */
	if (session->suspect_ms != 0)
		session->suspect_ms = clock_ms() + SESSION_SUSPECT_MS;
	/* What it printed before it died comes before the news of its death. */
	if (session->death_ms != 0)
		session->death_ms = clock_ms() + SESSION_DEATH_MS;
	r = link_join_add(session->join, chunk, &blob);
	if (r < 0) {
		log_line("kernel %s: a chunk does not fit: %s", session->kernel->text,
			 strerror(-r));
		session_close(session, r == -ENOBUFS || r == -ENOMEM ? 1013 : 1011,
			      "the kernel's output cannot be joined");
		return;
	}
	if (blob.data != NULL)
		message(session, chunk, &blob);
	session_credit(session);
}

/* ---- to the client ---- */

static int ping_write(struct session *session)
{
	unsigned char buf[LWS_PRE + sizeof(uint64_t)];

	session->ping_wanted = false;
	session->unproven = 0;
	session->pinged = session->written;
	session->ping_ms = clock_ms();
	memcpy(buf + LWS_PRE, &session->pinged, sizeof(uint64_t));
	return lws_write(session->wsi, buf + LWS_PRE, sizeof(uint64_t), LWS_WRITE_PING) < 0 ? -1
											    : 0;
}

void channels_pong(struct session *session, const void *data, size_t len)
{
	uint64_t seq;

	if (session == NULL || len != sizeof(seq))
		return;
	memcpy(&seq, data, sizeof(seq));
	/* Only the pong of the ping under way proves anything. */
	if (session->pinged == 0 || seq != session->pinged)
		return;
	session->acked = seq;
	session->pinged = 0;
	session_report(session);
}

/* Writes the next piece of the first message; its bytes so far are gone, so is what they used. */
static int piece_write(struct session *session)
{
	struct outgoing *out = session->out;
	size_t len = out->len - out->at;
	int how = out->at > 0 ? LWS_WRITE_CONTINUATION
			      : (out->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);

	if (len > PIECE_MAX) {
		len = PIECE_MAX;
		how |= LWS_WRITE_NO_FIN;
	}
	/* libwebsockets writes its frame header before data: over bytes already sent. */
	/* NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange): its flags are ored */
	if (lws_write(session->wsi, out->data + LWS_PRE + out->at, len, how) < 0)
		return -1;
	out->at += len;
	if (out->at < out->len)
		return (int)len;
	if (out->seq != 0)
		session->written = out->seq;
	session->unproven += out->len;
	if (session->death_ms != 0)
		session->death_ms = clock_ms() + SESSION_DEATH_MS;
	out_pop(session);
	return (int)len;
}

static int close_now(struct session *session)
{
	lws_close_reason(session->wsi, session->close_code, (unsigned char *)session->close_reason,
			 strlen(session->close_reason));
	return -1;
}

/* Several small messages leave as one packet; what is there leaves at once when it is let go. */
static void cork(struct session *session, int on)
{
	(void)setsockopt(lws_get_socket_fd(session->wsi), IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
}

/* Writes what there is as far as the socket takes it. */
static int queue_write(struct session *session)
{
	size_t turn = 0, asked = 0;

	while (session->out != NULL && turn < TURN_MAX) {
		int r = piece_write(session);

		if (r < 0)
			return -1;
		turn += (size_t)r;
		if (lws_partial_buffered(session->wsi))
			break;
		if (turn - asked < ASK_EVERY)
			continue;
		asked = turn;
		if (lws_send_pipe_choked(session->wsi))
			break;
	}
	return 0;
}

int channels_writable(struct session *session)
{
	bool several;
	int r;

	if (session == NULL)
		return -1;
	if (session->close_code != 0 && (session->out == NULL || clock_ms() > session->close_ms))
		return close_now(session);
	several = session->out != NULL && session->out->next != NULL;
	if (several)
		cork(session, 1);
	r = queue_write(session);
	if (several)
		cork(session, 0);
	if (r < 0)
		return r;
	if (session->unproven >= SESSION_PING_BYTES && session->pinged == 0 &&
	    session->written > session->acked)
		session->ping_wanted = true;
	/* Between messages: it covers all that is wholly written. */
	if (session->ping_wanted && (session->out == NULL || session->out->at == 0) &&
	    ping_write(session) < 0)
		return -1;
	session_credit(session);
	if (session->out != NULL || session->close_code != 0)
		lws_callback_on_writable(session->wsi);
	return 0;
}
