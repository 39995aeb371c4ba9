/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel's execution_state and last_activity, read off the messages that pass. Pure.
 *
 * As in jupyter_server: a status counts only where its parent is a request that a person's work
 * makes. Clients poll with kernel_info_request and the like; if those counted, polling would
 * keep a kernel busy and defeat culling.
 */
#ifndef ANCHORHOLD_GATEWAY_ACTIVITY_H
#define ANCHORHOLD_GATEWAY_ACTIVITY_H

#include <stdbool.h>
#include <stdint.h>

#include "link/parts.h"
#include "link/wire.h"

enum activity_state { ACTIVITY_STARTING, ACTIVITY_IDLE, ACTIVITY_BUSY, ACTIVITY_RESTARTING,
		      ACTIVITY_DEAD };

struct activity {
	enum activity_state state;
	uint64_t last_us; /* Unix time */
	uint64_t seq;	  /* of the log's newest message that was noted */
};

/* It is through with all that it was asked: what would have said so may have been lost. */
void activity_settled(struct activity *activity, uint64_t now_us);

/* The kernel's life as the node tells it. */
void activity_kernel(struct activity *activity, enum link_kernel_state state, uint64_t now_us);

/*
 * A message of the log. Each session replays the log for itself: what is not newer than the
 * newest one noted changes nothing. The headers may come from any kernel: nothing is believed
 * but the three words `busy`, `idle` and `starting`.
 */
void activity_message(struct activity *activity, uint64_t seq, enum link_channel channel,
		      const struct link_parts *parts, const struct link_header *header,
		      const struct link_header *parent, uint64_t now_us);

bool activity_tracked(const char *msg_type);
const char *activity_name(enum activity_state state);

#endif
