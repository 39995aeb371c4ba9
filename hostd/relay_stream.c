/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/relay_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hostd/log.h"
#include "hostd/relay_in.h"

#define REFUSED_MAX 256u /* answers that wait for the link; with so many nothing is read */
#define PUMP_MAX 64u

struct relay_stream {
	struct relay_stream_setup setup;
	int fd; /* -1: none */
	uint64_t lost_ms; /* when the last one ended; 0: never */

	struct relay_in *in_order;
	struct link_refused refused[REFUSED_MAX];
	unsigned refused_first;
	unsigned refused_count;
	bool readable; /* something came, or the end */
	bool blocked; /* the link does not read: wait for room */

	uint8_t in[LINK_FRAME_MAX];
	struct link_frame frame;
};

static void on_stream(void *ctx, uint32_t events)
{
	struct relay_stream *stream = ctx;

	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		stream->blocked = false;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		stream->readable = true;
}

int relay_stream_new(const struct relay_stream_setup *setup, struct relay_stream **ret_stream)
{
	struct relay_stream *stream = calloc(1, sizeof(*stream));
	int r;

	if (!stream)
		return -ENOMEM;
	r = relay_in_new(&stream->in_order);
	if (r < 0) {
		free(stream);
		return r;
	}
	stream->setup = *setup;
	stream->fd = -1;
	*ret_stream = stream;
	return 0;
}

static void stream_lost(struct relay_stream *stream)
{
	if (stream->fd < 0)
		return;
	loop_unwatch(stream->setup.loop, stream->fd);
	close(stream->fd);
	stream->fd = -1;
	stream->lost_ms = loop_now_ms();
	stream->refused_count = 0;
	relay_in_forget(stream->in_order);
	outlog_detach_all(stream->setup.log);
}

void relay_stream_free(struct relay_stream *stream)
{
	if (!stream)
		return;
	stream_lost(stream);
	relay_in_free(stream->in_order);
	free(stream);
}

int relay_stream_take(struct relay_stream *stream, int fd)
{
	int r;

	stream_lost(stream);
	stream->blocked = false;
	stream->readable = true;
	r = loop_watch(stream->setup.loop, fd, EPOLLIN, on_stream, stream);
	if (r < 0) {
		close(fd);
		return r;
	}
	stream->fd = fd;
	return 0;
}

void relay_stream_start(struct relay_stream *stream, uint32_t incarnation, bool adopt)
{
	relay_in_start(stream->in_order, incarnation, adopt);
}

bool relay_stream_holding(const struct relay_stream *stream)
{
	return stream->lost_ms != 0 && loop_now_ms() - stream->lost_ms < RELAY_HOLD_MS;
}

/* ---- up ---- */

/* An OUT's data goes from where the log has it. */
static int send_frame(struct relay_stream *stream, const struct link_frame *frame)
{
	uint8_t head[LINK_HEAD_MAX];
	struct iovec iov[2] = {{.iov_base = head}};
	struct msghdr message = {.msg_iov = iov, .msg_iovlen = 1};
	int r = link_frame_pack_head(frame, head, sizeof(head), &iov[0].iov_len);

	if (r < 0)
		return r;
	if (frame->type == LINK_OUT) {
		iov[1] = (struct iovec){(void *)frame->u.chunk.data, frame->u.chunk.data_len};
		message.msg_iovlen = 2;
	}
	if (sendmsg(stream->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	if (errno == EAGAIN || errno == ENOBUFS) {
		stream->blocked = true;
		return -EAGAIN;
	}
	stream_lost(stream);
	return -EPIPE;
}

/* LINK_OK: an ATTACH was carried out. */
static void refuse(struct relay_stream *stream, uint64_t session, uint64_t seq, uint8_t channel,
		   enum link_code code)
{
	unsigned at = (stream->refused_first + stream->refused_count) % REFUSED_MAX;
	struct link_refused *refused = &stream->refused[at];

	if (stream->refused_count == REFUSED_MAX)
		return;
	*refused = (struct link_refused){
		.session = session,
		.seq = seq,
		.channel = channel,
		.code = (uint16_t)code,
	};
	memcpy(refused->kernel_id, stream->setup.kernel_id, LINK_ID_LEN);
	stream->refused_count++;
}

static int refused_send(struct relay_stream *stream)
{
	while (stream->refused_count > 0) {
		const struct link_refused *answer = &stream->refused[stream->refused_first];
		int r;

		stream->frame.type = answer->code == LINK_OK ? LINK_CURSOR : LINK_REFUSED;
		if (answer->code == LINK_OK) {
			stream->frame.u.session.session = answer->session;
			stream->frame.u.session.value = 0;
			memcpy(stream->frame.u.session.kernel_id, answer->kernel_id, LINK_ID_LEN);
		} else {
			stream->frame.u.refused = *answer;
		}
		r = send_frame(stream, &stream->frame);
		if (r == -EAGAIN || stream->fd < 0)
			return r;
		stream->refused_first = (stream->refused_first + 1) % REFUSED_MAX;
		stream->refused_count--;
	}
	return 0;
}

static bool log_send(struct relay_stream *stream)
{
	for (unsigned i = 0; i < PUMP_MAX; i++) {
		stream->frame.type = LINK_OUT;
		if (outlog_next(stream->setup.log, &stream->frame.u.chunk) < 0)
			return false;
		if (send_frame(stream, &stream->frame) < 0)
			return false;
		outlog_sent(stream->setup.log);
	}
	return true;
}

/* ---- down ---- */

static enum link_code code_of(int error)
{
	static const struct {
		int error;
		enum link_code code;
	} rows[] = {
		{ESTALE, LINK_E_STALE},	   {EALREADY, LINK_E_STALE}, {ENODATA, LINK_E_STALE},
		{EMSGSIZE, LINK_E_TOO_LARGE}, {ENOBUFS, LINK_E_BUSY}, {ENOMEM, LINK_E_BUSY},
		{ENOSPC, LINK_E_CAPACITY}, {EEXIST, LINK_E_EXISTS},  {ESHUTDOWN, LINK_E_DEAD},
		{ENOENT, LINK_E_UNKNOWN},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].error == -error)
			return rows[i].code;
	return LINK_E_INVALID;
}

static void take_in(struct relay_stream *stream, const struct link_chunk *chunk)
{
	bool attached = outlog_attached(stream->setup.log, chunk->session);
	struct link_slice message = {0};
	int r = relay_in_take(stream->in_order, chunk, attached, &message);

	if (r == 0 && message.data) {
		r = stream->setup.input(stream->setup.ctx, (enum link_channel)chunk->channel,
					chunk->session, message.data, message.len);
		if (r < 0)
			relay_in_refuse(stream->in_order, chunk);
	}
	if (r < 0 && r != -ECANCELED)
		refuse(stream, chunk->session, chunk->seq, chunk->channel, code_of(r));
}

static void take_attach(struct relay_stream *stream, const struct link_attach *attach)
{
	int r = outlog_attach(stream->setup.log, attach);

	refuse(stream, attach->session, 0, 0, r < 0 ? code_of(r) : LINK_OK);
}

/* 0, or -EPROTO for a frame that the link never sends. */
static int take_frame(struct relay_stream *stream, const struct link_frame *frame)
{
	struct outlog *log = stream->setup.log;
	const uint8_t *id = stream->setup.kernel_id;

	switch (frame->type) {
	case LINK_IN:
		if (memcmp(frame->u.chunk.kernel_id, id, LINK_ID_LEN) != 0)
			return -EPROTO;
		take_in(stream, &frame->u.chunk);
		return 0;
	case LINK_ATTACH:
		if (memcmp(frame->u.attach.kernel_id, id, LINK_ID_LEN) != 0)
			return -EPROTO;
		take_attach(stream, &frame->u.attach);
		return 0;
	case LINK_DETACH:
	case LINK_CREDIT:
	case LINK_CURSOR:
		if (memcmp(frame->u.session.kernel_id, id, LINK_ID_LEN) != 0)
			return -EPROTO;
		break;
	default:
		return -EPROTO;
	}
	/* A session that is just gone is no error: the two sides crossed. */
	if (frame->type == LINK_DETACH)
		(void)outlog_detach(log, frame->u.session.session);
	else if (frame->type == LINK_CREDIT)
		(void)outlog_credit(log, frame->u.session.session, frame->u.session.value);
	else
		(void)outlog_ack(log, frame->u.session.session, frame->u.session.value);
	return 0;
}

void relay_stream_receive(struct relay_stream *stream)
{
	/* First: who leaves now, leaves now. */
	outlog_expire(stream->setup.log, loop_now_ms());
	for (unsigned i = 0; i < PUMP_MAX && stream->fd >= 0 && stream->readable &&
			     stream->refused_count < REFUSED_MAX; i++) {
		ssize_t len = recv(stream->fd, stream->in, sizeof(stream->in),
				   MSG_DONTWAIT | MSG_TRUNC);
		int r;

		if (len < 0 && errno == EAGAIN) {
			stream->readable = false;
			return;
		}
		if (len <= 0) {
			stream_lost(stream);
			return;
		}
		r = (size_t)len > sizeof(stream->in) ? -EMSGSIZE : 0;
		if (r == 0)
			r = link_frame_unpack(stream->in, (size_t)len, &stream->frame);
		if (r == 0)
			r = take_frame(stream, &stream->frame);
		if (r < 0) {
			log_error(r, "the link sent what is no frame for this kernel");
			stream_lost(stream);
		}
	}
}

bool relay_stream_send(struct relay_stream *stream)
{
	bool more = false;
	uint32_t events = 0;

	if (stream->fd >= 0 && !stream->blocked && refused_send(stream) == 0)
		more = log_send(stream);
	if (stream->fd < 0)
		return false;
	/* Level-triggered: ask only for what the next call would use. */
	if (stream->refused_count < REFUSED_MAX)
		events |= EPOLLIN;
	if (stream->blocked)
		events |= EPOLLOUT;
	(void)loop_watch(stream->setup.loop, stream->fd, events, on_stream, stream);
	return more || (stream->readable && stream->refused_count < REFUSED_MAX);
}
