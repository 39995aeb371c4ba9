/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/event.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define NUMBERS_A_MS 1024u

void event_journal_start(struct event_journal *journal, uint64_t boot_ms)
{
	journal->last = boot_ms * NUMBERS_A_MS;
	journal->acked = journal->last;
	journal->count = 0;
}

const struct link_event *event_add(struct event_journal *journal, const uint8_t *kernel_id,
				   const char *project, const char *kind, const char *text)
{
	struct link_event *event = &journal->events[++journal->last % EVENTS_MAX];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	memset(event, 0, sizeof(*event));
	event->seq = journal->last;
	event->time_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	if (kernel_id)
		memcpy(event->kernel_id, kernel_id, LINK_ID_LEN);
	snprintf(event->kind, sizeof(event->kind), "%s", kind);
	snprintf(event->project, sizeof(event->project), "%s", project ? project : "");
	snprintf(event->text, sizeof(event->text), "%s", text);
	if (journal->count < EVENTS_MAX)
		journal->count++;
	return event;
}

void event_ack(struct event_journal *journal, uint64_t seq)
{
	if (seq > journal->acked && seq <= journal->last)
		journal->acked = seq;
}

const struct link_event *event_next(const struct event_journal *journal, uint64_t seq)
{
	uint64_t first = journal->last - journal->count + 1;

	if (seq < journal->acked)
		seq = journal->acked;
	if (seq + 1 > first)
		first = seq + 1;
	return first <= journal->last ? &journal->events[first % EVENTS_MAX] : NULL;
}
