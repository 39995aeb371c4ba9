/* SPDX-License-Identifier: Apache-2.0 */
/* What a cell's cgroup tells of itself, and which disk its io is counted on. */
#ifndef ANCHORHOLD_CELL_USAGE_H
#define ANCHORHOLD_CELL_USAGE_H

#include "hostd/cell/cell.h"

/*
 * The MAJOR:MINOR of the whole disk below the file system that a directory is on: io.max takes no
 * partition. -ENODEV where there is none (a memory file system).
 */
int usage_disk(const char *directory, char *ret, size_t size);

/*
 * What is read of every cell every second (cpu.stat, memory.pressure) stays open from the first
 * time on; -1 until then.
 */
struct usage_files {
	int cpu, stall;
};

#define USAGE_FILES_NONE {-1, -1}

void usage_close(struct usage_files *files);

/* The asked parts, the other fields as they are; a file that is missing makes its fields 0. */
void usage_read(int cgroup, struct usage_files *files, const char *disk, unsigned parts,
		struct cell_usage *usage);

/* The number after "key=" in the line of io.stat that begins with disk; 0 where there is none. */
uint64_t usage_io_field(const char *text, const char *disk, const char *key);

/* The microseconds after "total=" in the line of a pressure file that begins with kind. */
uint64_t usage_pressure_total(const char *text, const char *kind);

#endif
