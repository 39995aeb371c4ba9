/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events on their way: into the journal, from there to the link, and out of the journal when a
 * gateway has them. The link holds few: it gets a batch, and the next when that is acknowledged.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hostd/link_role.h"
#include "hostd/log.h"
#include "hostd/monitor.h"

#define SYNC_MS 1000u
#define BATCH_MAX (LINK_EVENTS_MAX / 2)

static void sync_now(void *ctx)
{
	struct monitor *monitor = ctx;
	int r = event_journal_sync(&monitor->events);

	if (r < 0)
		log_error(r, "%s/%s", monitor->paths->events, EVENTS_FILE);
}

static void feed(struct monitor *monitor)
{
	struct ipc_event body;

	while (monitor->link && monitor->events_told < BATCH_MAX &&
	       event_next(&monitor->events, monitor->events_sent, &body.event)) {
		monitor_tell(monitor, IPC_EVENT, &body, -1);
		monitor->events_sent = body.event.seq;
		monitor->events_told++;
	}
}

static void add(struct monitor *monitor, const struct kernel *kernel, const char *kind,
		const char *text, uint64_t time_ms)
{
	int error = monitor->events.error;

	log_info("%s: %s", kind, text);
	(void)event_add(&monitor->events, kernel ? kernel->id : NULL,
			kernel ? kernel->project : NULL, kind, text, time_ms);
	if (monitor->events.dirty && !monitor->events_timer.set)
		loop_timer_start(monitor->loop, &monitor->events_timer, SYNC_MS, sync_now, monitor);
	feed(monitor);
	if (monitor->events.error != error)
		monitor_event(monitor, NULL, "events.memory",
			      "the journal left the disk, and is lost at a restart: %s",
			      strerror(-monitor->events.error));
}

void monitor_event(struct monitor *monitor, const struct kernel *kernel, const char *kind,
		   const char *format, ...)
{
	char text[LINK_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	add(monitor, kernel, kind, text, 0);
}

void monitor_event_at(struct monitor *monitor, uint64_t time_ms, const char *kind,
		      const char *text)
{
	add(monitor, NULL, kind, text, time_ms);
}

void events_brief(struct monitor *monitor)
{
	monitor->events_sent = 0;
	monitor->events_told = 0;
	feed(monitor);
}

void events_acked(struct monitor *monitor, uint64_t seq)
{
	/* Of what it never got a link knows nothing. */
	if (seq > monitor->events_sent)
		return;
	event_ack(&monitor->events, seq);
	if (seq == monitor->events_sent)
		monitor->events_told = 0;
	feed(monitor);
}

void events_start(struct monitor *monitor)
{
	struct event_journal *events = &monitor->events;

	event_journal_open(events, monitor->paths->events, monitor->node.hello.boot_id,
			   loop_now_ms());
	if (events->error < 0)
		monitor_event(monitor, NULL, "events.memory",
			      "the journal is not on the disk, and is lost at a restart: %s",
			      strerror(-events->error));
	/* The end of a record that a power cut left is one of them. */
	if (events->damaged > 0)
		monitor_event(monitor, NULL, "events.damaged",
			      "the journal held %zu bytes that are no record", events->damaged);
	crash_start(monitor);
}

void events_stop(struct monitor *monitor)
{
	if (monitor->events_timer.set)
		loop_timer_stop(monitor->loop, &monitor->events_timer);
	event_journal_close(&monitor->events);
}
