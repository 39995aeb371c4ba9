/* SPDX-License-Identifier: Apache-2.0 */
/* Limits that end a kernel. */
#include <stdio.h>

#include "hostd/adopt.h"

/*
 * A twentieth of a CPU counts as none: a Python kernel that only answers its clients' questions
 * and our heartbeat uses a hundredth of a slow one.
 */
#define IDLE_LOOK_MS 5000u
#define IDLE_USEC 250000u

/*
 * A cell whose every task waited for memory this much of the last STALL_MS is given up: it
 * neither dies nor gets on, and holds its pages meanwhile. Not much more than a half: a Python
 * kernel whose libraries' pages come and go below memory.high has a thread that runs now and then.
 */
#define STALL_MS 10000u
#define STALL_MAX_MS 5000u

void watch_killed(struct kernel *kernel)
{
	struct cell_usage usage;

	(void)edge_hit(&kernel->watch.known.edges[LIMIT_MEMORY], loop_now_ms());
	cell_usage(kernel->cell, CELL_USAGE_MEMORY, &usage);
	monitor_event(kernel->monitor, kernel, "limit.memory",
		      "memory: %u MiB reached (peak %llu MiB), killed", kernel->limits.memory_mib,
		      MIB(usage.memory_peak_bytes));
}

void ends_stalled(struct kernel *kernel, const struct cell_usage *seen, uint64_t now)
{
	uint64_t stalled = edge_window_add(&kernel->watch.stalled, now,
					   seen->memory_stall_usec / 1000, STALL_MS);
	struct cell_usage usage;

	if (stalled <= STALL_MAX_MS)
		return;
	cell_usage(kernel->cell, CELL_USAGE_MEMORY, &usage);
	monitor_event(kernel->monitor, kernel, "limit.stalled",
		      "stalled: %u ms reached: it waited for memory in %llu of the last %u ms (%llu "
		      "of %u MiB in use), killed",
		      STALL_MAX_MS, (unsigned long long)stalled, STALL_MS, MIB(usage.memory_bytes),
		      kernel->limits.memory_mib);
	kernel_kill(kernel, LINK_WHY_STALLED);
}

void ends_wall(struct kernel *kernel, uint64_t now)
{
	uint64_t passed = now - kernel->started_ms;

	if (kernel->limits.wall_s == 0 || passed < kernel->limits.wall_s * 1000ull)
		return;
	monitor_event(kernel->monitor, kernel, "limit.wall",
		      "wall: %u s reached (%llu s since its start), killed", kernel->limits.wall_s,
		      (unsigned long long)passed / 1000);
	kernel_kill(kernel, LINK_WHY_WALL);
}

/* By CPU: neither a client that only stays connected nor our heartbeat keeps a kernel. */
void ends_idle(struct kernel *kernel, uint64_t used_usec, uint64_t now)
{
	struct watch *watch = &kernel->watch;

	if (kernel->limits.idle_s == 0)
		return;
	if (now - watch->known.idle_mark_ms >= IDLE_LOOK_MS) {
		/* What cannot be read never counts as idle. */
		if (used_usec == 0 || used_usec - watch->known.idle_mark_usec > IDLE_USEC)
			watch->known.idle_since_ms = now;
		watch->known.idle_mark_ms = now;
		watch->known.idle_mark_usec = used_usec;
	}
	if (used_usec == 0 ||
	    now - watch->known.idle_since_ms < kernel->limits.idle_s * 1000ull ||
	    used_usec - watch->known.idle_mark_usec > IDLE_USEC)
		return;
	monitor_event(kernel->monitor, kernel, "limit.idle",
		      "idle: %u s reached (no CPU used for %llu s), killed", kernel->limits.idle_s,
		      (unsigned long long)(now - watch->known.idle_since_ms) / 1000);
	kernel_kill(kernel, LINK_WHY_IDLE);
}

static void execution_over(void *ctx)
{
	struct kernel *kernel = ctx;

	adopt_touch(kernel);
	monitor_event(kernel->monitor, kernel, "limit.execution",
		      "execution: %u s reached, and %u s after the interrupt it went on: killed",
		      kernel->limits.execution_s, kernel->limits.grace_s);
	kernel_kill(kernel, LINK_WHY_EXECUTION);
}

void watch_grace(struct kernel *kernel, uint64_t delay_ms)
{
	loop_timer_start(kernel->monitor->loop, &kernel->watch.grace, delay_ms, execution_over,
			 kernel);
}

void watch_execution(struct kernel *kernel, bool ended)
{
	struct loop_timer *grace = &kernel->watch.grace;
	char text[LINK_TEXT_MAX];

	if (ended || kernel->state != LINK_KERNEL_READY || kernel->goal != GOAL_RUN) {
		loop_timer_stop(kernel->monitor->loop, grace);
		return;
	}
	if (kernel->limits.execution_s == 0 || grace->set)
		return;
	monitor_event(kernel->monitor, kernel, "limit.execution",
		      "execution: %u s reached, interrupted", kernel->limits.execution_s);
	snprintf(text, sizeof(text),
		 "Anchorhold: interrupted: an execution may take %u s, and these are over.",
		 kernel->limits.execution_s);
	relay_tell(kernel, text);
	(void)kernel_interrupt(kernel);
	watch_grace(kernel, kernel->limits.grace_s * 1000ull);
}
