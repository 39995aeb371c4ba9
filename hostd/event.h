/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of events: what an operator should know, until a gateway has stored it. Bounded;
 * in memory. Numbers grow over a restart of the monitor within a boot, so that a gateway tells a
 * new event from one it has by (boot id, number).
 */
#ifndef ANCHORHOLD_HOSTD_EVENT_H
#define ANCHORHOLD_HOSTD_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "link/wire.h"

#define EVENTS_MAX 256u /* the oldest goes first; a gap in the numbers shows it */

struct event_journal {
	uint64_t last; /* number of the newest */
	uint64_t acked;
	size_t count;
	struct link_event events[EVENTS_MAX]; /* the newest `count`, by number modulo EVENTS_MAX */
};

/* boot_ms: milliseconds since boot, at the monitor's start. */
void event_journal_start(struct event_journal *journal, uint64_t boot_ms);

/*
 * Adds an event and returns it, valid until the next. kernel_id and project may be NULL: the
 * node's own. Texts are cut to their ceilings.
 */
const struct link_event *event_add(struct event_journal *journal, const uint8_t *kernel_id,
				   const char *project, const char *kind, const char *text);

/* Everything up to seq is stored elsewhere. Unknown numbers change nothing. */
void event_ack(struct event_journal *journal, uint64_t seq);

/* The oldest event after seq that is not acknowledged; NULL where there is none. */
const struct link_event *event_next(const struct event_journal *journal, uint64_t seq);

#endif
