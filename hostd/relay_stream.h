/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay's side of the stream to the link: link frames, one a packet.
 *
 * Down come ATTACH, DETACH, CREDIT, CURSOR and IN; up go OUT from the log, REFUSED, and one CURSOR
 * for each ATTACH carried out: what comes after it for that session belongs to that ATTACH. The
 * link was told by strangers what to send, so every frame is unpacked whole and its id checked.
 * The stream is replaced when the link was: its sessions are then detached and attach again.
 */
#ifndef ANCHORHOLD_HOSTD_RELAY_STREAM_H
#define ANCHORHOLD_HOSTD_RELAY_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hostd/loop.h"
#include "hostd/outlog.h"
#include "link/wire.h"

/* After the link was lost, output waits so long for readers to come back before it is dropped. */
#define RELAY_HOLD_MS 60000u

struct relay_stream;

struct relay_stream_setup {
	struct loop *loop;    /* borrowed for life */
	struct outlog *log;   /* borrowed for life */
	uint8_t kernel_id[LINK_ID_LEN];
	/*
	 * A message of an attached session for the kernel; blob is borrowed. 0, -EBADMSG,
	 * -EMSGSIZE, -ENOBUFS, or -ESHUTDOWN where the kernel has died.
	 */
	int (*input)(void *ctx, enum link_channel channel, uint64_t session, const uint8_t *blob,
		     size_t len);
	void *ctx;
};

int relay_stream_new(const struct relay_stream_setup *setup, struct relay_stream **ret_stream);
void relay_stream_free(struct relay_stream *stream);

/* Takes fd as the stream, in place of any before. 0 or -errno; fd is closed in any case. */
int relay_stream_take(struct relay_stream *stream, int fd);

/*
 * From now on IN is for this incarnation. With adopt the sequences go on where each sender is:
 * this relay is not the incarnation's first and cannot know what the others took.
 */
void relay_stream_start(struct relay_stream *stream, uint32_t incarnation, bool adopt);

/* Takes what came of the link, at most so much that others get their turn. */
void relay_stream_receive(struct relay_stream *stream);

/* Sends what the link takes; true where another turn would move more at once. */
bool relay_stream_send(struct relay_stream *stream);

/* Readers that were lost with a link may still come back. */
bool relay_stream_holding(const struct relay_stream *stream);

#endif
