/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of events: what an operator should know, until a gateway has stored it. A file of
 * records (event_record.h) that only grows until it is rewritten; it outlives the link, the
 * monitor and the boot. Numbers grow over boots, so that one acknowledgement covers all before it.
 *
 * Written at once, hence safe from the death of any process; on the disk itself after
 * event_journal_sync(), which its owner calls at most once a second: a power cut may cost the
 * events of that second, a flood of them does not cost the disk a flush each. Acknowledgements
 * are not synced: one that is lost makes an event arrive twice, and the gateway has it by its key.
 *
 * A file at its ceiling is rewritten without what is acknowledged; where what is not is over its
 * own, the oldest go until half of that is left, and an event tells how many. So a flood costs one
 * rewriting for every 64 KiB it wrote. Where the disk takes no record, the journal goes on in memory and says so.
 */
#ifndef ANCHORHOLD_HOSTD_EVENT_H
#define ANCHORHOLD_HOSTD_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "hostd/event_record.h"
#include "link/wire.h"

#define EVENTS_BYTES_MAX (256u * 1024u) /* of the file; of them not acknowledged */
#define EVENTS_LIVE_MAX (192u * 1024u)
#define EVENTS_MAX 1024u /* not acknowledged */
#define EVENTS_FILE "events"

struct event_journal {
	uint8_t boot_id[16];
	struct event_mark mark;
	int folder; /* -1: in memory */
	int fd;	    /* -1: there is none: what is added is lost, and counted as dropped */
	off_t len;
	uint32_t count;	   /* not acknowledged */
	bool dirty;	   /* written, not synced */
	int error;	   /* why it is in memory; 0: it is not, or was made so */
	size_t damaged;	   /* bytes that were no records when it was opened */
	struct link_event newest;
	/* The last that event_next() gave, and the last acknowledged: shorten the way to the next. */
	struct event_place {
		uint64_t seq;
		off_t at; /* behind it */
	} sent, stored;
};

/*
 * Opens the journal in the folder, or one in memory where folder is NULL. Never fails: where the
 * disk does not let it, error says why and it is in memory. Numbers begin above what boot_ms
 * (milliseconds since the boot) makes of them wherever the journal cannot know the last one.
 */
void event_journal_open(struct event_journal *journal, const char *folder,
			const uint8_t boot_id[16], uint64_t boot_ms);
void event_journal_close(struct event_journal *journal);

/*
 * Adds an event and returns it, valid until the next. kernel_id and project may be NULL: the
 * node's own. Texts are cut to their ceilings and made printable; a kind or project that is no
 * identifier is told as "event" or "". time_ms 0 is now.
 */
const struct link_event *event_add(struct event_journal *journal, const uint8_t *kernel_id,
				   const char *project, const char *kind, const char *text,
				   uint64_t time_ms);

/* The time of an event that is told now: milliseconds since 1970. */
uint64_t event_now_ms(void);

/* Everything up to seq is stored elsewhere. Numbers never given change nothing. */
void event_ack(struct event_journal *journal, uint64_t seq);

/* The oldest event after seq that is not acknowledged; false where there is none. */
bool event_next(struct event_journal *journal, uint64_t seq, struct link_event *ret_event);

/* What was written is on the disk. 0 or -errno. */
int event_journal_sync(struct event_journal *journal);

#endif
