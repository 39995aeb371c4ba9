/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hostd/link_role.h"
#include "hostd/log.h"

#define TURN_MAX 16u /* frames a kernel may send before the next has its turn */

/* ---- the stream ---- */

static void stream_close(struct link *link, struct link_entry *entry)
{
	if (entry->fd >= 0) {
		loop_unwatch(link->loop, entry->fd);
		close(entry->fd);
	}
	entry->fd = -1;
	entry->readable = false;
	entry->stuck_ms = 0;
	while (entry->queue) {
		struct packet *next = entry->queue->next;

		free(entry->queue);
		entry->queue = next;
	}
	entry->queue_bytes = 0;
	free(entry->held);
	entry->held = NULL;
}

/*
 * The relay ended, is stuck or sent what it may not. A dead kernel's ends by itself. Sessions are
 * told when the next stream is there, so that they can attach at once.
 */
static void stream_lost(struct link *link, struct link_entry *entry, const char *why)
{
	struct ipc_stream body = {.generation = entry->generation};

	stream_close(link, entry);
	if (entry->info.state == LINK_KERNEL_DEAD || !why)
		return;
	log_info("a kernel's stream is given up: %s", why);
	memcpy(body.kernel_id, entry->info.id, LINK_ID_LEN);
	link_tell(link, IPC_STREAM_LOST, &body);
}

static void on_stream(void *ctx, uint32_t events)
{
	struct link_entry *entry = ctx;

	entry->readable = true;
}

static void stream_watch(struct link *link, struct link_entry *entry)
{
	/* A frame that waits for its gateway: what comes behind it is not asked for. */
	uint32_t events = entry->held ? 0 : EPOLLIN;

	if (entry->queue)
		events |= EPOLLOUT;
	if (entry->fd >= 0)
		(void)loop_watch(link->loop, entry->fd, events, on_stream, entry);
}

void entry_stream(struct link *link, const struct ipc_stream *stream, int fd)
{
	struct link_entry *entry = entry_find(link, stream->kernel_id);

	if (!entry)
		entry = entry_new(link, stream->kernel_id);
	if (!entry) {
		close(fd);
		return;
	}
	stream_close(link, entry);
	entry_sessions_refuse(link, entry);
	entry->fd = fd;
	entry->generation = stream->generation;
	entry->readable = true;
	stream_watch(link, entry);
}

/* ---- down, to the relay ---- */

static int packet_put(struct link_entry *entry, const uint8_t *bytes, size_t len)
{
	struct packet **last = &entry->queue;
	struct packet *packet;

	if (entry->queue_bytes + len > LINK_QUEUE_MAX)
		return -EAGAIN;
	packet = malloc(sizeof(*packet) + len);
	if (!packet)
		return -ENOMEM;
	packet->next = NULL;
	packet->len = len;
	memcpy(packet->bytes, bytes, len);
	while (*last)
		last = &(*last)->next;
	*last = packet;
	entry->queue_bytes += len;
	return 0;
}

static int stream_send(struct link_entry *entry, const uint8_t *bytes, size_t len)
{
	if (send(entry->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
		entry->stuck_ms = 0;
		return 0;
	}
	if (errno != EAGAIN && errno != ENOBUFS)
		return -EPIPE;
	if (entry->stuck_ms == 0)
		entry->stuck_ms = loop_now_ms();
	return -EAGAIN;
}

int entry_send(struct link *link, struct link_entry *entry, const struct link_frame *frame)
{
	size_t len;
	int r;

	if (entry->fd < 0)
		return -EAGAIN;
	r = link_frame_pack(frame, link->bytes, sizeof(link->bytes), &len);
	if (r < 0)
		return r;
	r = entry->queue ? -EAGAIN : stream_send(entry, link->bytes, len);
	if (r == -EAGAIN) {
		r = packet_put(entry, link->bytes, len);
		stream_watch(link, entry);
	}
	if (r == -EPIPE) {
		stream_lost(link, entry, NULL);
		r = -EAGAIN;
	}
	return r;
}

static bool queue_pump(struct link *link, struct link_entry *entry)
{
	bool moved = false;

	while (entry->queue) {
		struct packet *packet = entry->queue;
		int r = stream_send(entry, packet->bytes, packet->len);

		if (r == -EPIPE) {
			stream_lost(link, entry, NULL);
			return true;
		}
		if (r < 0)
			break;
		entry->queue = packet->next;
		entry->queue_bytes -= packet->len;
		free(packet);
		moved = true;
	}
	if (entry->stuck_ms != 0 && loop_now_ms() - entry->stuck_ms > LINK_STUCK_MS)
		stream_lost(link, entry, "its relay does not read");
	return moved;
}

bool entries_choked(struct link *link)
{
	for (uint32_t i = 0; i < link->kernels_end; i++)
		if (link->kernels[i].used && link->kernels[i].queue_bytes > LINK_QUEUE_MARK)
			return true;
	return false;
}

/* ---- up, to the gateways ---- */

/* Whose frame this is; NULL: nobody's, it is dropped. -EPROTO: a relay never sends it. */
static int frame_owner(struct link *link, struct link_entry *entry, size_t len,
		       struct gateway **ret_gateway)
{
	const struct link_frame *frame = &link->peeked;
	struct session *row;
	uint64_t session;
	const uint8_t *id;

	*ret_gateway = NULL;
	if (link_frame_unpack(link->bytes, len, &link->peeked) < 0)
		return -EPROTO;
	switch (frame->type) {
	case LINK_OUT:
		id = frame->u.chunk.kernel_id;
		session = frame->u.chunk.session;
		break;
	case LINK_REFUSED:
		id = frame->u.refused.kernel_id;
		session = frame->u.refused.session;
		break;
	case LINK_CURSOR:
		id = frame->u.session.kernel_id;
		session = frame->u.session.session;
		break;
	default:
		return -EPROTO;
	}
	/* A relay speaks for its own kernel alone. */
	if (memcmp(id, entry->info.id, LINK_ID_LEN) != 0)
		return -EPROTO;
	row = entry_session(entry, session);
	if (!row)
		return 0;
	if (frame->type == LINK_CURSOR) {
		if (row->state == SESSION_ATTACHING)
			row->state = SESSION_ACTIVE;
		return 0;
	}
	if (frame->type == LINK_REFUSED) {
		*ret_gateway = row->gateway;
		gateway_refused_message(row->gateway, &frame->u.refused);
		/* An ATTACH that was not carried out: it is where it was. */
		if (frame->u.refused.seq == 0)
			row->state = frame->u.refused.code == LINK_E_EXISTS ? SESSION_ACTIVE
									    : SESSION_NONE;
		return 0;
	}
	if (row->state == SESSION_ACTIVE)
		*ret_gateway = row->gateway;
	return 0;
}

static int hold(struct link_entry *entry, struct gateway *gateway, const uint8_t *bytes,
		size_t len)
{
	struct packet *packet = malloc(sizeof(*packet) + len);

	if (!packet)
		return -ENOMEM;
	packet->len = len;
	memcpy(packet->bytes, bytes, len);
	entry->held = packet;
	entry->held_for = gateway;
	return 0;
}

/* The frame that waits goes first; a gateway that is gone meanwhile gets it no more. */
static int held_send(struct link_entry *entry)
{
	int r;

	if (!entry->held)
		return 0;
	r = gateway_forward(entry->held_for, entry->held->bytes, entry->held->len);
	if (r == -EAGAIN)
		return r;
	free(entry->held);
	entry->held = NULL;
	return 0;
}

/* 0: one frame was taken; -EAGAIN: no more now. */
static int frame_take(struct link *link, struct link_entry *entry)
{
	struct gateway *gateway;
	ssize_t len = recv(entry->fd, link->bytes, sizeof(link->bytes), MSG_DONTWAIT | MSG_TRUNC);

	if (len < 0 && errno == EAGAIN) {
		entry->readable = false;
		return -EAGAIN;
	}
	if (len <= 0) {
		stream_lost(link, entry, NULL);
		return -EAGAIN;
	}
	if ((size_t)len > sizeof(link->bytes) ||
	    frame_owner(link, entry, (size_t)len, &gateway) < 0) {
		stream_lost(link, entry, "its relay broke the format");
		return -EAGAIN;
	}
	if (gateway && gateway_forward(gateway, link->bytes, (size_t)len) == -EAGAIN)
		return hold(entry, gateway, link->bytes, (size_t)len) < 0 ? -ENOMEM : -EAGAIN;
	return 0;
}

bool entry_pump(struct link *link, struct link_entry *entry)
{
	bool moved = queue_pump(link, entry);
	unsigned taken = 0;

	if (entry->fd < 0 || held_send(entry) < 0)
		return moved;
	while (taken < TURN_MAX && entry->readable && frame_take(link, entry) == 0)
		taken++;
	stream_watch(link, entry);
	return moved || taken == TURN_MAX;
}

bool entries_pump(struct link *link)
{
	bool moved = false;
	uint32_t first = link->kernels_turn++;

	for (uint32_t i = 0; i < link->kernels_end; i++) {
		struct link_entry *entry = &link->kernels[(first + i) % link->kernels_end];

		if (entry->used && entry->fd >= 0)
			moved |= entry_pump(link, entry);
	}
	return moved;
}

void entries_close(struct link *link)
{
	for (uint32_t i = 0; i < LINK_KERNELS_MAX; i++)
		if (link->kernels[i].used)
			stream_close(link, &link->kernels[i]);
}
