/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostd/monitor.h"

#define MEMORY_MIB 512u
#define CPU_MILLI 1000u
#define PIDS 128u
#define PIDS_MAX 4096u
#define TMPFS_MIB 128u
#define IDLE_MS_A_TICK 50u /* CPU below this in a tick counts as idle */

static uint32_t fill(uint32_t asked, uint32_t otherwise, uint32_t max)
{
	uint32_t value = asked ? asked : otherwise;

	return value < max ? value : max;
}

void limits_fill(const struct monitor *monitor, struct link_start *limits)
{
	const struct link_hello *node = &monitor->node.hello;

	limits->memory_mib = fill(limits->memory_mib, MEMORY_MIB, node->memory_mib);
	limits->cpu_milli = fill(limits->cpu_milli, CPU_MILLI, node->cpus * 1000);
	limits->pids_max = fill(limits->pids_max, PIDS, PIDS_MAX);
	/* tmpfs is memory of the cell; more than it may have would only fail later. */
	limits->tmpfs_mib = fill(limits->tmpfs_mib, TMPFS_MIB, limits->memory_mib);
}

void limits_cell(const struct link_start *limits, struct cell_limits *ret_limits)
{
	*ret_limits = (struct cell_limits){
		.memory_bytes = (uint64_t)limits->memory_mib << 20,
		.cpu_milli = limits->cpu_milli,
		.pids_max = limits->pids_max,
		.tmpfs_bytes = ((uint64_t)limits->tmpfs_mib << 20) / 2,
	};
}

/* CPU the cell has used; 0 where it cannot be read: then it never counts as idle. */
static uint64_t cpu_usec(const struct kernel *kernel)
{
	static const char label[] = "usage_usec ";
	char text[512];
	ssize_t len;
	char *at;
	int fd = openat(cell_relay_cgroup(kernel->cell), "../cell/cpu.stat",
			O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return 0;
	text[len] = '\0';
	at = strstr(text, label);
	return at ? strtoull(at + sizeof(label) - 1, NULL, 10) : 0;
}

static void look(void *ctx)
{
	struct kernel *kernel = ctx;
	uint64_t now = loop_now_ms();
	uint64_t used = cpu_usec(kernel);

	if (used == 0 || used - kernel->cpu_usec > IDLE_MS_A_TICK * 1000)
		kernel->idle_since_ms = now;
	kernel->cpu_usec = used;
	if (kernel->state == LINK_KERNEL_DEAD || kernel->goal == GOAL_STOP)
		return;
	if (kernel->limits.wall_s && now - kernel->started_ms > kernel->limits.wall_s * 1000ull) {
		monitor_event(kernel->monitor, kernel, "limit.wall", "%u s of wall time are over",
			      kernel->limits.wall_s);
		kernel_kill(kernel, LINK_WHY_WALL);
		return;
	}
	if (kernel->limits.idle_s &&
	    now - kernel->idle_since_ms > kernel->limits.idle_s * 1000ull) {
		monitor_event(kernel->monitor, kernel, "limit.idle", "no CPU used for %u s",
			      kernel->limits.idle_s);
		kernel_kill(kernel, LINK_WHY_IDLE);
		return;
	}
	loop_timer_start(kernel->monitor->loop, &kernel->tick, MONITOR_TICK_MS, look, kernel);
}

void limits_watch(struct kernel *kernel)
{
	kernel->started_ms = loop_now_ms();
	kernel->idle_since_ms = kernel->started_ms;
	if (kernel->limits.wall_s || kernel->limits.idle_s)
		loop_timer_start(kernel->monitor->loop, &kernel->tick, MONITOR_TICK_MS, look,
				 kernel);
}
