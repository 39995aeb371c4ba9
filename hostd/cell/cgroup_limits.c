/* SPDX-License-Identifier: Apache-2.0 */
/* What a cell and its relay may use, as the kernel is told. */
#include "hostd/cell/cgroup.h"

#include "hostd/cell/util.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CPU_PERIOD_US (CELL_CPU_PERIOD_MS * 1000u)
#define CPU_WEIGHT 100u /* the kernel's own default */

/* A relay moves messages and keeps the bounded output log; its ceilings are the node's choice. */
#define RELAY_MEMORY_BYTES (96u * 1024u * 1024u)
#define RELAY_PIDS 16u

/*
 * What a cell puts out costs its relay, which would else be a second CPU limit that the cell never
 * had: half of the cell's own on top, so that a flood gets one and a half times the cell's share at
 * most. A quarter of a CPU is the least, for an interrupt has to pass however little the cell has.
 */
#define RELAY_CPU_MIN_MILLI 250u

/*
 * memory.high lies below memory.max by a 64th, at most 16 MiB: from there on the cell's own tasks
 * reclaim its page cache, and are slowed, before its limit kills. More would be a trap: without
 * swap the memory of a program cannot be reclaimed, the delay grows with the square of what is
 * over memory.high, and a cell far over it would stall for minutes rather than die. Over a 64th
 * the delay stays at hundredths of a second, and a cell that grows is through; one that stays in
 * between and gets nowhere is what the pressure deadline of the monitor is for.
 */
#define HIGH_SHARE 64u
#define HIGH_GAP_MAX (16ull << 20)

/* One value of a cgroup, by the file's name: also the step's name if it fails. "": as it is. */
struct setting {
	const char *file, *value;
};

static int apply(int cgroup, const struct setting *settings, size_t count,
		 struct cell_error *ret_error)
{
	for (size_t i = 0; i < count; i++) {
		char step[CELL_STEP_MAX];
		int result = 0;

		if (settings[i].value[0])
			result = file_write(cgroup, settings[i].file, settings[i].value);
		/* A kernel without swap has no file for it, and none to use. */
		if (result == -ENOENT && strcmp(settings[i].file, "memory.swap.max") == 0)
			continue;
		if (result < 0) {
			snprintf(step, sizeof(step), "cgroup: %s", settings[i].file);
			return step_fail(ret_error, step, result);
		}
	}
	return 0;
}

static uint64_t high(uint64_t max)
{
	uint64_t gap = max / HIGH_SHARE;

	return max - (gap < HIGH_GAP_MAX ? gap : HIGH_GAP_MAX);
}

/* "8:0 rbps=N wbps=N riops=N wiops=N"; reading and writing have the ceiling each. */
static int io_text(const struct cell_limits *limits, const char *disk, char *ret, size_t size)
{
	int len;

	ret[0] = '\0';
	if (limits->io_kibps == 0 && limits->io_iops == 0)
		return 0;
	if (!disk[0])
		return -ENODEV;
	len = snprintf(ret, size, "%s", disk);
	if (limits->io_kibps)
		len += snprintf(ret + len, size - (size_t)len, " rbps=%" PRIu64 " wbps=%" PRIu64,
				(uint64_t)limits->io_kibps << 10, (uint64_t)limits->io_kibps << 10);
	if (limits->io_iops)
		snprintf(ret + len, size - (size_t)len, " riops=%" PRIu32 " wiops=%" PRIu32,
			 limits->io_iops, limits->io_iops);
	return 0;
}

static void cpu_text(uint32_t milli, char ret[24])
{
	snprintf(ret, 24, "%" PRIu64 " %u", (uint64_t)milli * CPU_PERIOD_US / 1000u, CPU_PERIOD_US);
}

static int limit_cell(int cgroup, const struct cell_limits *limits, const char *disk,
		      struct cell_error *ret_error)
{
	char max[24], soft[24], cpu[48], pids[16], io[CGROUP_DISK_MAX + 128];
	const struct setting settings[] = {
		{"memory.max", max},
		{"memory.high", soft},
		{"memory.swap.max", "0"},
		{"memory.oom.group", "1"}, /* half a kernel is no kernel */
		{"cpu.max", cpu},
		{"pids.max", pids},
		{"io.max", io},
	};
	int result = io_text(limits, disk, io, sizeof(io));

	if (result < 0)
		return step_fail(ret_error, "cgroup: io.max: the disk", result);
	snprintf(max, sizeof(max), "%" PRIu64, limits->memory_bytes);
	snprintf(soft, sizeof(soft), "%" PRIu64, high(limits->memory_bytes));
	cpu_text(limits->cpu_milli, cpu);
	snprintf(pids, sizeof(pids), "%" PRIu32, limits->pids_max);
	return apply(cgroup, settings, sizeof(settings) / sizeof(settings[0]), ret_error);
}

/* A weight counts among siblings: here it is against other cells, one level down only against
 * the cell's own relay. */
static int limit_both(int cgroup, const struct cell_limits *limits, struct cell_error *ret_error)
{
	char weight[16];
	const struct setting settings[] = {{"cpu.weight", weight}};

	snprintf(weight, sizeof(weight), "%" PRIu32,
		 limits->cpu_weight ? limits->cpu_weight : CPU_WEIGHT);
	return apply(cgroup, settings, sizeof(settings) / sizeof(settings[0]), ret_error);
}

static int limit_relay(int cgroup, const struct cell_limits *limits, struct cell_error *ret_error)
{
	uint32_t half = limits->cpu_milli / 2;
	char memory[24], cpu[24], pids[16];
	const struct setting settings[] = {
		{"memory.max", memory},
		{"memory.swap.max", "0"},
		{"cpu.weight", "200"}, /* before its kernel: it tells the user what goes on */
		{"cpu.max", cpu},
		{"pids.max", pids},
	};

	snprintf(memory, sizeof(memory), "%u", RELAY_MEMORY_BYTES);
	cpu_text(half > RELAY_CPU_MIN_MILLI ? half : RELAY_CPU_MIN_MILLI, cpu);
	snprintf(pids, sizeof(pids), "%u", RELAY_PIDS);
	return apply(cgroup, settings, sizeof(settings) / sizeof(settings[0]), ret_error);
}

int cgroup_limit(const struct cgroup *cgroup, const struct cell_limits *limits, const char *disk,
		 struct cell_error *ret_error)
{
	int result = limit_both(cgroup->base, limits, ret_error);

	if (result == 0)
		result = limit_cell(cgroup->cell, limits, disk, ret_error);
	return result < 0 ? result : limit_relay(cgroup->relay, limits, ret_error);
}
