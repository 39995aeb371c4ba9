/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two framings of Jupyter messages on a WebSocket. Pure: no sockets, no state.
 *
 * Legacy: one JSON object, as text; with buffers a binary frame of u32 big-endian count,
 * count offsets, the JSON and the buffers. v1 (v1.kernel.websocket.jupyter.org): a binary frame
 * of u64 little-endian count, count offsets, channel, four dicts and buffers.
 *
 * The four dicts are passed on as the bytes they are: big integers, floats and escapes survive,
 * and what a kernel signs is what a client sees. Only the legacy writer adds members of its
 * own (`channel`, `buffers`, and the top-level `msg_id` and `msg_type` old clients read).
 */
#ifndef ANCHORHOLD_GATEWAY_FRAMING_H
#define ANCHORHOLD_GATEWAY_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link/parts.h"
#include "link/wire.h"

#define FRAMING_V1_NAME "v1.kernel.websocket.jupyter.org"
/* A WebSocket message: the largest Jupyter message and room for the framing around it. */
#define FRAMING_MESSAGE_MAX (LINK_MESSAGE_MAX + 64u * 1024u)

enum framing { FRAMING_LEGACY, FRAMING_V1 };

struct framing_message {
	enum link_channel channel;
	struct link_parts parts;    /* slices into the frame, or to constants */
	struct link_header header;  /* of part LINK_HEADER */
};

/*
 * Parses what a client sent; binary is the WebSocket frame's opcode. -EBADMSG: malformed, or
 * its dicts are not; -ENXIO: a channel clients cannot send on; -EMSGSIZE: over a ceiling.
 * jupyter_server up to 2.x forwards binary legacy messages as text frames: a text frame whose
 * first byte is 0 is taken as binary.
 */
int framing_parse(enum framing framing, bool binary, const uint8_t *data, size_t len,
		  struct framing_message *ret_message);

/* Bytes framing_write needs at most for this message. */
size_t framing_bound(const struct link_parts *parts);

/*
 * Writes a message of the kernel. *ret_binary is the opcode to send it with. -ENOBUFS where
 * size is less than framing_bound(), -EBADMSG where header is not a JSON object.
 */
int framing_write(enum framing framing, enum link_channel channel, const struct link_parts *parts,
		  uint8_t *buf, size_t size, size_t *ret_len, bool *ret_binary);

const char *framing_channel_name(enum link_channel channel);

#endif
