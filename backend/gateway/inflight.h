/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests of one client session that are not answered yet, so that each can be failed
 * aloud when its kernel dies: nbclient and others wait for a reply and an `idle` for ever.
 *
 * Bounded: INFLIGHT_MAX requests, the oldest is forgotten for a new one; a header over
 * INFLIGHT_HEADER_MAX bytes is not kept and so its request is not failed.
 */
#ifndef ANCHORHOLD_GATEWAY_INFLIGHT_H
#define ANCHORHOLD_GATEWAY_INFLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link/parts.h"
#include "link/wire.h"

#define INFLIGHT_MAX 256u
#define INFLIGHT_HEADER_MAX 4096u

struct inflight_request {
	enum link_channel channel;
	uint64_t seq; /* of the IN that carried it; 0: not sent yet */
	char msg_id[128];
	char msg_type[64];
	char *header; /* raw JSON, for the parent_header of what answers it; owned */
	size_t header_len;
	bool replied;
	bool idle;
	bool running; /* its `busy` was seen: the kernel has begun with it */
	bool suspect; /* it was under way when a link was lost */
	bool old;     /* the same, whether it ran or not: its relay may have been lost with it */
};

struct inflight;

struct inflight *inflight_new(void);
void inflight_free(struct inflight *inflight);

/* A client's request was accepted. Messages that nobody answers (stdin) are not kept. */
void inflight_add(struct inflight *inflight, enum link_channel channel,
		  const struct link_header *header, struct link_slice raw);

/* The request went out as this IN. */
void inflight_sent(struct inflight *inflight, const char *msg_id, uint64_t seq);

/* A message of the kernel: the request is done when both its reply and its idle were seen. */
void inflight_note(struct inflight *inflight, enum link_channel channel,
		   const struct link_parts *parts, const struct link_header *header,
		   const struct link_header *parent);

/* A link, or a relay, was lost: whatever was sent and is not running may never have arrived, and
 * of what runs the answer may have been lost. */
void inflight_suspect(struct inflight *inflight);

/* Their session goes: what was not sent never will be. */
void inflight_abandon(struct inflight *inflight);

enum inflight_which { INFLIGHT_ALL, INFLIGHT_SENT, INFLIGHT_SUSPECT, INFLIGHT_OLD };

/* Takes the oldest such request out; the caller frees its .header. False: none is left. */
bool inflight_take(struct inflight *inflight, enum inflight_which which,
		   struct inflight_request *ret_request);

/* Takes out one with this msg_id. */
bool inflight_take_id(struct inflight *inflight, const char *msg_id,
		      struct inflight_request *ret_request);

/* Takes out the one sent as (channel, seq). */
bool inflight_take_seq(struct inflight *inflight, enum link_channel channel, uint64_t seq,
		       struct inflight_request *ret_request);

size_t inflight_count(const struct inflight *inflight);

#endif
