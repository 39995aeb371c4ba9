/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of the journal of events, as bytes; no I/O.
 *
 *	u32 magic | u16 length of the body | body | u64 checksum of all before it
 *
 * numbers big-endian. A body is an event or a mark, which says what the numbers are at. The
 * format is the journal's own, not the wire's: what an image wrote its successor must read. The
 * checksum (SipHash under a fixed key) tells what was cut or damaged from what was written; it is
 * no signature.
 */
#ifndef ANCHORHOLD_HOSTD_EVENT_RECORD_H
#define ANCHORHOLD_HOSTD_EVENT_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "link/wire.h"

#define EVENT_RECORD_MAX 512u /* bytes of one */

struct event_record {
	enum { EVENT_RECORD_EVENT = 1, EVENT_RECORD_MARK = 2 } kind;
	struct link_event event;
	struct event_mark {
		uint64_t last;	  /* the newest number given */
		uint64_t acked;	  /* up to it all is stored elsewhere, or was dropped */
		uint64_t dropped; /* events that went unsent for want of room, ever */
	} mark;
};

/* Writes one record and returns its length; 0 where a text of it breaks the rules of the link. */
size_t event_record_pack(const struct event_record *record, uint8_t ret[EVENT_RECORD_MAX]);

/*
 * The record that begins at bytes; 0 with its length in *ret_len, or -EBADMSG where none does:
 * cut short, damaged, or with a body that breaks a rule.
 */
int event_record_unpack(const uint8_t *bytes, size_t len, struct event_record *ret_record,
			size_t *ret_len);

/*
 * Calls each for every record of the bytes, in their order, with its place and length. What is
 * none is passed over up to the next that is one. Returns how many bytes were passed over.
 */
size_t event_record_scan(const uint8_t *bytes, size_t len,
			 void (*each)(void *ctx, const struct event_record *record, size_t at,
				      size_t record_len),
			 void *ctx);

/* Magic, length and checksum around a body of any content; 0 where it is too long. */
size_t event_record_seal(const uint8_t *body, size_t body_len, uint8_t ret[EVENT_RECORD_MAX]);

#endif
