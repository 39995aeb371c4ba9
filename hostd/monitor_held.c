/* SPDX-License-Identifier: Apache-2.0 */
/* Limits that hold a kernel back: they bite where it was more than half of EDGE_MS. */
#include "hostd/monitor.h"

void held_cpu(struct kernel *kernel, const struct cell_usage *usage, uint64_t now)
{
	struct watch *watch = &kernel->watch;
	uint64_t held = edge_window_add(&watch->throttled, now,
					usage->throttled_periods * CELL_CPU_PERIOD_MS, EDGE_MS);

	if (edge_holds(&watch->known.edges[LIMIT_CPU], now, held > EDGE_MS / 2))
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

void held_io(struct kernel *kernel, const struct cell_usage *usage, uint64_t now)
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
	if (edge_holds(&watch->known.edges[LIMIT_IO], now, reached && held > EDGE_MS / 2))
		monitor_event(kernel->monitor, kernel, "limit.io",
			      "io: %u KiB/s, %u operations/s reached: it waited %llu of the last "
			      "%u ms (%llu MiB read, %llu written)",
			      limits->io_kibps, limits->io_iops, (unsigned long long)held, EDGE_MS,
			      MIB(usage->io_read_bytes), MIB(usage->io_write_bytes));
}

void held_workspace(struct kernel *kernel, uint64_t now)
{
	struct workspace_usage usage;

	if (kernel->workspace.fd < 0 || kernel->limits.workspace != LINK_WORKSPACE_WRITE ||
	    workspace_usage(&kernel->monitor->workspaces, &kernel->workspace, &usage) < 0)
		return;
	if (edge_holds(&kernel->watch.known.edges[LIMIT_WORKSPACE], now, workspace_full(&usage)))
		monitor_event(kernel->monitor, kernel, "limit.workspace",
			      "workspace: %llu MiB, %llu files reached (%llu MiB, %llu files in "
			      "use)",
			      MIB(usage.limit.bytes), (unsigned long long)usage.limit.inodes,
			      MIB(usage.used.bytes), (unsigned long long)usage.used.inodes);
}

void watch_output(struct kernel *kernel, uint64_t held_ms)
{
	/* The relay keeps the edge; this one is against a relay that was taken over. */
	if (!edge_hit(&kernel->watch.known.edges[LIMIT_OUTPUT], loop_now_ms()))
		return;
	monitor_event(kernel->monitor, kernel, "limit.output",
		      "output: %u KiB/s, %u messages/s reached: held back %llu of the last %u ms",
		      kernel->limits.output_kibps, kernel->limits.output_messages,
		      (unsigned long long)held_ms, EDGE_MS);
}
