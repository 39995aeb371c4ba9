/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel's limits: what is asked made complete, and what a user reads of one that ended it. */
#include <stdio.h>

#include "hostd/monitor.h"

#define MEMORY_MIB 512u
#define CPU_MILLI 1000u
#define PIDS 128u
#define PIDS_MAX 4096u
#define TMPFS_MIB 128u
#define GRACE_S 5u

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
	limits->grace_s = fill(limits->grace_s, GRACE_S, LINK_GRACE_MAX_S);
}

void limits_cell(const struct link_start *limits, struct cell_limits *ret_limits)
{
	*ret_limits = (struct cell_limits){
		.memory_bytes = (uint64_t)limits->memory_mib << 20,
		.cpu_milli = limits->cpu_milli,
		.cpu_weight = limits->cpu_weight,
		.pids_max = limits->pids_max,
		.io_kibps = limits->io_kibps,
		.io_iops = limits->io_iops,
		.tmpfs_bytes = ((uint64_t)limits->tmpfs_mib << 20) / 2,
	};
}

void limits_sentence(const struct kernel *kernel, char *ret_text, size_t size)
{
	static const char ended[] = "Anchorhold: the kernel was ended: ";
	const struct link_start *limits = &kernel->limits;

	ret_text[0] = '\0';
	switch (kernel->reason) {
	case LINK_WHY_MEMORY:
		snprintf(ret_text, size, "%sit reached its memory limit of %u MiB.", ended,
			 limits->memory_mib);
		break;
	case LINK_WHY_STALLED:
		snprintf(ret_text, size,
			 "%sit stood still for want of memory, near its limit of %u MiB.", ended,
			 limits->memory_mib);
		break;
	case LINK_WHY_WALL:
		snprintf(ret_text, size, "%sit may run for %u s, and these are over.", ended,
			 limits->wall_s);
		break;
	case LINK_WHY_IDLE:
		snprintf(ret_text, size, "%sit used no CPU for %u s.", ended, limits->idle_s);
		break;
	case LINK_WHY_EXECUTION:
		snprintf(ret_text, size,
			 "%san execution may take %u s; it took longer and, interrupted, went on "
			 "for %u s more.",
			 ended, limits->execution_s, limits->grace_s);
		break;
	default:
		break;
	}
}
