/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a kernel's limits bite. Refusals and kills are told by the kernel at once (memory.events
 * and pids.events); what is held back, idle, stalled or over its time is found by looking, twice
 * a second while a cell works, once while none does, and never where there is no cell.
 */
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "hostd/log.h"
#include "hostd/monitor.h"

/* A twentieth of a CPU counts as none: a Python kernel that only answers its clients' questions and
 * our heartbeat uses a hundredth of a slow one. */
#define IDLE_LOOK_MS 5000u
#define IDLE_USEC 250000u
#define WORKS_USEC 10000u /* CPU since the last look: it works */

/* A cell whose every task waited for memory this much of the last STALL_MS is given up: it
 * neither dies nor gets on, and holds its pages meanwhile. */
#define STALL_MS 10000u
#define STALL_MAX_MS 8000u

#define MIB(bytes) ((unsigned long long)((bytes) >> 20))

static const enum cell_usage_part notice_parts = CELL_USAGE_EVENTS;

/* ---- at once ---- */

static void look_memory(struct kernel *kernel, const struct cell_usage *now)
{
	struct watch *watch = &kernel->watch;
	uint64_t refused = now->oom - watch->seen.oom;
	struct cell_usage usage;

	/* A kill is told with the kernel's death. */
	if (refused == 0 || now->oom_kills > watch->seen.oom_kills ||
	    !edge_hit(&watch->edges[LIMIT_MEMORY], loop_now_ms()))
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
	uint64_t refused = now->pids_refused - watch->seen.pids_refused;
	struct cell_usage usage;

	if (refused == 0 || !edge_hit(&watch->edges[LIMIT_PIDS], loop_now_ms()))
		return;
	cell_usage(kernel->cell, CELL_USAGE_PIDS, &usage);
	monitor_event(kernel->monitor, kernel, "limit.pids",
		      "pids: %u reached (%llu run), %llu refused", kernel->limits.pids_max,
		      (unsigned long long)usage.pids, (unsigned long long)refused);
}

static void look_events(struct kernel *kernel)
{
	struct watch *watch = &kernel->watch;
	struct cell_usage now;

	cell_usage(kernel->cell, notice_parts, &now);
	look_memory(kernel, &now);
	look_pids(kernel, &now);
	watch->seen.oom = now.oom;
	watch->seen.oom_kills = now.oom_kills;
	watch->seen.pids_refused = now.pids_refused;
}

/* A cell that runs into its limit all the time is heard once a tick, not each time. */
static void on_notice(struct kernel *kernel, enum cell_notice notice)
{
	loop_unwatch(kernel->monitor->loop, kernel->watch.notices[notice]);
	kernel->watch.quiet[notice] = true;
	look_events(kernel);
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
		look_events(kernel);
}

/* ---- held back ---- */

static void look_cpu(struct kernel *kernel, const struct cell_usage *usage, uint64_t now)
{
	struct watch *watch = &kernel->watch;
	uint64_t held = edge_window_add(&watch->throttled, now,
					usage->throttled_periods * CELL_CPU_PERIOD_MS, EDGE_MS);

	if (edge_holds(&watch->edges[LIMIT_CPU], now, held > EDGE_MS / 2))
		monitor_event(kernel->monitor, kernel, "limit.cpu",
			      "cpu: %u/1000 of a CPU used up in %llu of the last %u ms (%llu ms of "
			      "CPU so far)",
			      kernel->limits.cpu_milli, (unsigned long long)held, EDGE_MS,
			      (unsigned long long)usage->cpu_usec / 1000);
}

/* Waiting for the disk is the limit's doing only where about as much as it lets through came. */
static bool near(uint64_t grown, uint64_t a_second)
{
	return a_second > 0 && grown * 2 > a_second * (EDGE_MS / 1000);
}

static void look_io(struct kernel *kernel, const struct cell_usage *usage, uint64_t now)
{
	const struct link_start *limits = &kernel->limits;
	struct watch *watch = &kernel->watch;
	const uint64_t bytes[2] = {usage->io_read_bytes, usage->io_write_bytes};
	const uint64_t count[2] = {usage->io_reads, usage->io_writes};
	uint64_t held = edge_window_add(&watch->io_stalled, now, usage->io_stall_usec / 1000,
					EDGE_MS);
	bool reached = false;

	for (int i = 0; i < 2; i++) {
		reached |= near(edge_window_add(&watch->io_bytes[i], now, bytes[i], EDGE_MS),
				(uint64_t)limits->io_kibps << 10);
		reached |= near(edge_window_add(&watch->io_count[i], now, count[i], EDGE_MS),
				limits->io_iops);
	}
	if (edge_holds(&watch->edges[LIMIT_IO], now, reached && held > EDGE_MS / 2))
		monitor_event(kernel->monitor, kernel, "limit.io",
			      "io: %u KiB/s, %u operations/s reached: it waited %llu of the last "
			      "%u ms (%llu MiB read, %llu written)",
			      limits->io_kibps, limits->io_iops, (unsigned long long)held, EDGE_MS,
			      MIB(usage->io_read_bytes), MIB(usage->io_write_bytes));
}

static void look_workspace(struct kernel *kernel, uint64_t now)
{
	struct workspace_usage usage;

	if (kernel->workspace.fd < 0 || kernel->limits.workspace != LINK_WORKSPACE_WRITE ||
	    workspace_usage(&kernel->monitor->workspaces, &kernel->workspace, &usage) < 0)
		return;
	if (edge_holds(&kernel->watch.edges[LIMIT_WORKSPACE], now, workspace_full(&usage)))
		monitor_event(kernel->monitor, kernel, "limit.workspace",
			      "workspace: %llu MiB, %llu files reached (%llu MiB, %llu files in "
			      "use)",
			      MIB(usage.limit.bytes), (unsigned long long)usage.limit.inodes,
			      MIB(usage.used.bytes), (unsigned long long)usage.used.inodes);
}

void watch_output(struct kernel *kernel, uint64_t held_ms)
{
	/* The relay keeps the edge; this one is against a relay that was taken over. */
	if (!edge_hit(&kernel->watch.edges[LIMIT_OUTPUT], loop_now_ms()))
		return;
	monitor_event(kernel->monitor, kernel, "limit.output",
		      "output: %u KiB/s, %u messages/s reached: held back %llu of the last %u ms",
		      kernel->limits.output_kibps, kernel->limits.output_messages,
		      (unsigned long long)held_ms, EDGE_MS);
}

/* ---- its end ---- */

void watch_killed(struct kernel *kernel)
{
	struct cell_usage usage;

	(void)edge_hit(&kernel->watch.edges[LIMIT_MEMORY], loop_now_ms());
	cell_usage(kernel->cell, CELL_USAGE_MEMORY, &usage);
	monitor_event(kernel->monitor, kernel, "limit.memory",
		      "memory: %u MiB reached (peak %llu MiB), killed", kernel->limits.memory_mib,
		      MIB(usage.memory_peak_bytes));
}

static void look_stalled(struct kernel *kernel, const struct cell_usage *seen, uint64_t now)
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

static void look_wall(struct kernel *kernel, uint64_t now)
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
static void look_idle(struct kernel *kernel, uint64_t used_usec, uint64_t now)
{
	struct watch *watch = &kernel->watch;

	if (kernel->limits.idle_s == 0)
		return;
	if (now - watch->idle_mark_ms >= IDLE_LOOK_MS) {
		/* What cannot be read never counts as idle. */
		if (used_usec == 0 || used_usec - watch->idle_mark_usec > IDLE_USEC)
			watch->idle_since_ms = now;
		watch->idle_mark_ms = now;
		watch->idle_mark_usec = used_usec;
	}
	if (used_usec == 0 ||
	    now - watch->idle_since_ms < kernel->limits.idle_s * 1000ull ||
	    used_usec - watch->idle_mark_usec > IDLE_USEC)
		return;
	monitor_event(kernel->monitor, kernel, "limit.idle",
		      "idle: %u s reached (no CPU used for %llu s), killed", kernel->limits.idle_s,
		      (unsigned long long)(now - watch->idle_since_ms) / 1000);
	kernel_kill(kernel, LINK_WHY_IDLE);
}

static void execution_over(void *ctx)
{
	struct kernel *kernel = ctx;

	monitor_event(kernel->monitor, kernel, "limit.execution",
		      "execution: %u s reached, and %u s after the interrupt it went on: killed",
		      kernel->limits.execution_s, kernel->limits.grace_s);
	kernel_kill(kernel, LINK_WHY_EXECUTION);
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
	loop_timer_start(kernel->monitor->loop, grace, kernel->limits.grace_s * 1000ull,
			 execution_over, kernel);
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
	works = usage.cpu_usec - watch->seen.cpu_usec > WORKS_USEC ||
		usage.memory_stall_usec != watch->seen.memory_stall_usec ||
		usage.io_stall_usec != watch->seen.io_stall_usec;
	watch->seen.cpu_usec = usage.cpu_usec;
	watch->seen.memory_stall_usec = usage.memory_stall_usec;
	watch->seen.io_stall_usec = usage.io_stall_usec;
	look_cpu(kernel, &usage, now);
	if (io)
		look_io(kernel, &usage, now);
	look_workspace(kernel, now);
	listen_again(kernel);
	denied_tell(kernel, now);
	/* Each of these may end it; the first gives the reason. */
	if (kernel->goal == GOAL_STOP || kernel->reason != LINK_WHY_NONE)
		return works;
	look_wall(kernel, now);
	look_stalled(kernel, &usage, now);
	look_idle(kernel, usage.cpu_usec, now);
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
		if (look(kernel, now))
			works = true;
	}
	if (any)
		loop_timer_start(monitor->loop, &monitor->watch_timer,
				 works ? MONITOR_TICK_MS : MONITOR_TICK_IDLE_MS, tick, monitor);
}

void watch_start(struct kernel *kernel)
{
	struct watch *watch = &kernel->watch;
	struct monitor *monitor = kernel->monitor;

	kernel->started_ms = loop_now_ms();
	watch->idle_since_ms = watch->idle_mark_ms = kernel->started_ms;
	for (int i = 0; i < CELL_NOTICES; i++) {
		watch->notices[i] = cell_notice_open(kernel->cell, (enum cell_notice)i);
		listen_to(kernel, (enum cell_notice)i);
	}
	if (!monitor->watch_timer.set)
		loop_timer_start(monitor->loop, &monitor->watch_timer, MONITOR_TICK_MS, tick,
				 monitor);
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
