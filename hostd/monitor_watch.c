/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a kernel's limits bite. Refusals and kills are told by the kernel at once (memory.events
 * and pids.events); what is held back, idle, stalled or over its time is found by looking, twice
 * a second while a cell works, once while none does, and never where there is no cell.
 */
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "hostd/adopt.h"
#include "hostd/log.h"
#include "hostd/monitor.h"

#define WORKS_USEC 10000u /* CPU since the last look: it works */

/* ---- at once ---- */

static void look_memory(struct kernel *kernel, const struct cell_usage *now)
{
	struct watch *watch = &kernel->watch;
	uint64_t refused = now->oom - watch->known.seen.oom;
	struct cell_usage usage;

	/* A kill is told with the kernel's death. */
	if (refused == 0 || now->oom_kills > watch->known.seen.oom_kills ||
	    !edge_hit(&watch->known.edges[LIMIT_MEMORY], loop_now_ms()))
		return;
	cell_usage(kernel->cell, CELL_USAGE_MEMORY, &usage);
	monitor_event(kernel->monitor, kernel, "limit.memory",
		      "memory: %u MiB reached (peak %llu MiB), %llu refused",
		      kernel->limits.memory_mib, MIB(usage.memory_peak_bytes),
		      (unsigned long long)refused);
}

static void look_pids(struct kernel *kernel, const struct cell_usage *now)
{
	struct watch *watch = &kernel->watch;
	uint64_t refused = now->pids_refused - watch->known.seen.pids_refused;
	struct cell_usage usage;

	if (refused == 0 || !edge_hit(&watch->known.edges[LIMIT_PIDS], loop_now_ms()))
		return;
	cell_usage(kernel->cell, CELL_USAGE_PIDS, &usage);
	monitor_event(kernel->monitor, kernel, "limit.pids",
		      "pids: %u reached (%llu run), %llu refused", kernel->limits.pids_max,
		      (unsigned long long)usage.pids, (unsigned long long)refused);
}

/*
 * A kill is counted a moment after the refusal that leads to it: only at the tick is it known which
 * of the two it was. With processes there is no such doubt.
 */
static void look_events(struct kernel *kernel, bool at_tick)
{
	struct watch *watch = &kernel->watch;
	struct cell_usage now;

	cell_usage(kernel->cell, CELL_USAGE_EVENTS, &now);
	look_pids(kernel, &now);
	watch->known.seen.pids_refused = now.pids_refused;
	if (!at_tick)
		return;
	look_memory(kernel, &now);
	watch->known.seen.oom = now.oom;
	watch->known.seen.oom_kills = now.oom_kills;
}

/* A cell that runs into its limit all the time is heard once a tick, not each time. */
static void on_notice(struct kernel *kernel, enum cell_notice notice)
{
	loop_unwatch(kernel->monitor->loop, kernel->watch.notices[notice]);
	kernel->watch.quiet[notice] = true;
	look_events(kernel, false);
}

static void on_memory(void *ctx, uint32_t events)
{
	on_notice(ctx, CELL_NOTICE_MEMORY);
}

static void on_pids(void *ctx, uint32_t events)
{
	on_notice(ctx, CELL_NOTICE_PIDS);
}

/* Read first: what happened since it was last read makes the descriptor tell at once. */
static void listen_to(struct kernel *kernel, enum cell_notice notice)
{
	static loop_fd_fn *const handlers[CELL_NOTICES] = {on_memory, on_pids};
	int fd = kernel->watch.notices[notice];

	kernel->watch.quiet[notice] = false;
	if (fd < 0)
		return;
	cell_notice_clear(fd);
	if (loop_watch(kernel->monitor->loop, fd, EPOLLPRI, handlers[notice], kernel) < 0)
		kernel->watch.quiet[notice] = true;
}

static void listen_again(struct kernel *kernel)
{
	bool heard = false;

	for (int i = 0; i < CELL_NOTICES; i++) {
		if (!kernel->watch.quiet[i])
			continue;
		listen_to(kernel, (enum cell_notice)i);
		heard = true;
	}
	if (heard)
		look_events(kernel, true);
}

/* ---- the look ---- */

/* True where it works. */
static bool look(struct kernel *kernel, uint64_t now)
{
	bool io = kernel->limits.io_kibps > 0 || kernel->limits.io_iops > 0;
	unsigned parts = CELL_USAGE_CPU | CELL_USAGE_STALL | (io ? CELL_USAGE_IO : 0u);
	struct watch *watch = &kernel->watch;
	struct cell_usage usage;
	bool works;

	cell_usage(kernel->cell, parts, &usage);
	works = usage.cpu_usec - watch->known.seen.cpu_usec > WORKS_USEC ||
		usage.memory_stall_usec != watch->known.seen.memory_stall_usec ||
		usage.io_stall_usec != watch->known.seen.io_stall_usec;
	watch->known.seen.cpu_usec = usage.cpu_usec;
	watch->known.seen.memory_stall_usec = usage.memory_stall_usec;
	watch->known.seen.io_stall_usec = usage.io_stall_usec;
	held_cpu(kernel, &usage, now);
	if (io)
		held_io(kernel, &usage, now);
	held_workspace(kernel, now);
	listen_again(kernel);
	denied_tell(kernel, now);
	/* Each of these may end it; the first gives the reason. */
	if (kernel->goal == GOAL_STOP || kernel->reason != LINK_WHY_NONE)
		return works;
	ends_wall(kernel, now);
	ends_stalled(kernel, &usage, now);
	ends_idle(kernel, usage.cpu_usec, now);
	return works;
}

static void tick(void *ctx)
{
	struct monitor *monitor = ctx;
	uint64_t now = loop_now_ms();
	bool works = false;
	bool any = false;

	for (uint32_t i = 0; i < LINK_KERNELS_MAX; i++) {
		struct kernel *kernel = monitor->kernels[i];

		if (!kernel || kernel->state == LINK_KERNEL_DEAD || !kernel->cell)
			continue;
		any = true;
		adopt_touch(kernel);
		if (look(kernel, now))
			works = true;
	}
	if (any)
		loop_timer_start(monitor->loop, &monitor->watch_timer,
				 works ? MONITOR_TICK_MS : MONITOR_TICK_IDLE_MS, tick, monitor);
}

static void listen_all(struct kernel *kernel)
{
	struct watch *watch = &kernel->watch;
	struct monitor *monitor = kernel->monitor;

	for (int i = 0; i < CELL_NOTICES; i++) {
		watch->notices[i] = cell_notice_open(kernel->cell, (enum cell_notice)i);
		listen_to(kernel, (enum cell_notice)i);
	}
	if (!monitor->watch_timer.set)
		loop_timer_start(monitor->loop, &monitor->watch_timer, MONITOR_TICK_MS, tick,
				 monitor);
}

void watch_start(struct kernel *kernel)
{
	kernel->started_ms = loop_now_ms();
	kernel->watch.known.idle_since_ms = kernel->watch.known.idle_mark_ms = kernel->started_ms;
	listen_all(kernel);
}

/* What was refused while nobody looked is told at the first tick. */
void watch_resume(struct kernel *kernel, uint64_t grace_ms)
{
	uint64_t now = loop_now_ms();

	listen_all(kernel);
	for (int i = 0; i < CELL_NOTICES; i++)
		if (kernel->watch.notices[i] >= 0) {
			loop_unwatch(kernel->monitor->loop, kernel->watch.notices[i]);
			kernel->watch.quiet[i] = true;
		}
	if (grace_ms > 0)
		watch_grace(kernel, grace_ms > now ? grace_ms - now : 0);
}

void watch_incarnation(struct kernel *kernel)
{
	loop_timer_stop(kernel->monitor->loop, &kernel->watch.grace);
	memset(&kernel->watch.stalled, 0, sizeof(kernel->watch.stalled));
}

void watch_stop(struct kernel *kernel)
{
	watch_incarnation(kernel);
	for (int i = 0; i < CELL_NOTICES; i++) {
		if (kernel->watch.notices[i] < 0)
			continue;
		loop_unwatch(kernel->monitor->loop, kernel->watch.notices[i]);
		close(kernel->watch.notices[i]);
		kernel->watch.notices[i] = -1;
	}
}
