/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts blob: one Jupyter message as it crosses the link, in chunks of IN or OUT.
 *
 *	u32 count | u32 len[count] | the parts' bytes, one after the other
 *
 * Parts 0..3 are header, parent_header, metadata and content, JSON text passed on byte for byte;
 * the rest are buffers. Signature, routing ids, topic and channel are not in it.
 */
#ifndef ANCHORHOLD_LINK_PARTS_H
#define ANCHORHOLD_LINK_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "link/bytes.h"
#include "link/wire.h"

#define LINK_PARTS_MIN 4u

enum link_part { LINK_HEADER, LINK_PARENT, LINK_METADATA, LINK_CONTENT, LINK_BUFFERS };

struct link_parts {
	uint32_t count; /* LINK_PARTS_MIN..LINK_PARTS_MAX */
	struct link_slice part[LINK_PARTS_MAX];
};

/*
 * Views a blob; slices point into it. -EBADMSG where the lengths do not add up exactly,
 * -EMSGSIZE over LINK_PARTS_MAX or LINK_MESSAGE_MAX.
 */
int link_parts_unpack(const uint8_t *blob, size_t len, struct link_parts *ret_parts);

/* The blob's length; 0 where it would be over a ceiling or count is out of range. */
size_t link_parts_size(const struct link_parts *parts);

/* Writes the blob; buf must hold link_parts_size() bytes, else -ENOBUFS. -EMSGSIZE as above. */
int link_parts_pack(const struct link_parts *parts, uint8_t *buf, size_t size, size_t *ret_len);

/*
 * Header, metadata and content are JSON objects, the parent header an object or null (kernels
 * send both). -EBADMSG where not. Costs one pass over the four parts.
 */
int link_parts_check(const struct link_parts *parts);

/* What both sides want of a header. Strings are decoded, "" where the member is missing. */
struct link_header {
	char msg_id[128];
	char msg_type[64];
	char session[128];
};

/*
 * Reads a header or parent header (part LINK_HEADER or LINK_PARENT). {} and null give empty
 * strings. -EBADMSG where it is not JSON, a member is no string, too long or stands twice.
 */
int link_header_get(struct link_slice json, struct link_header *ret_header);

#endif
