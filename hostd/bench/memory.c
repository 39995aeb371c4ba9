/* SPDX-License-Identifier: Apache-2.0 */
/* What empty cells take while they live: their processes' memory, and what the node has less. */
#include "hostd/bench/bench.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hostd/bench/spawn.h"

#define CELLS_MAX 512u
#define PROGRAMS_MAX 8
#define SETTLE_S 3

struct program {
	char path[128];
	unsigned long size_kib, file_kib; /* on disk; of all processes that run it */
};

struct memory {
	unsigned long own_kib; /* anonymous and tmpfs pages */
	struct program programs[PROGRAMS_MAX];
	unsigned processes;
};

static unsigned long available_kib(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long kib = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %lu", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

static struct program *program_of(struct memory *memory, const char *pid)
{
	char link[64], path[128];
	struct stat st;
	ssize_t n;
	int i = 0;

	snprintf(link, sizeof(link), "/proc/%.16s/exe", pid);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return NULL;
	path[n] = '\0';
	while (i < PROGRAMS_MAX - 1 && memory->programs[i].path[0] &&
	       strcmp(memory->programs[i].path, path) != 0)
		i++;
	if (!memory->programs[i].path[0] && stat(link, &st) == 0) {
		snprintf(memory->programs[i].path, sizeof(memory->programs[i].path), "%s", path);
		memory->programs[i].size_kib = (unsigned long)st.st_size / 1024 + 4;
	}
	return &memory->programs[i];
}

/* As tests/bench/boot.py: the kernel shows no page maps, so pages of a program that several run
 * are counted once, up to its size; an upper bound of the PSS. */
static void add_process(struct memory *memory, const char *pid)
{
	struct program *program = program_of(memory, pid);
	unsigned long kib;
	char path[64], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.16s/status", pid);
	file = fopen(path, "re");
	if (!file || !program) {
		if (file)
			fclose(file);
		return;
	}
	memory->processes++;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "RssAnon: %lu", &kib) == 1 ||
		    sscanf(line, "RssShmem: %lu", &kib) == 1)
			memory->own_kib += kib;
		else if (sscanf(line, "RssFile: %lu", &kib) == 1)
			program->file_kib += kib;
	}
	fclose(file);
}

static void add_group(struct memory *memory, const char *cells, const char *id, const char *which)
{
	char path[256], pid[32];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%.40s/%s/cgroup.procs", cells, id, which);
	file = fopen(path, "re");
	while (file && fscanf(file, "%31s", pid) == 1)
		add_process(memory, pid);
	if (file)
		fclose(file);
}

static unsigned long pss_kib(const char *cells)
{
	struct memory memory = {0};
	DIR *dir = opendir(cells);
	struct dirent *entry;
	unsigned long kib;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && entry->d_type == DT_DIR) {
			add_group(&memory, cells, entry->d_name, "relay");
			add_group(&memory, cells, entry->d_name, "cell");
		}
	if (dir)
		closedir(dir);
	kib = memory.own_kib;
	for (int i = 0; i < PROGRAMS_MAX; i++) {
		const struct program *program = &memory.programs[i];

		kib += program->file_kib < program->size_kib ? program->file_kib
							     : program->size_kib;
	}
	return kib;
}

/* Cells that are there at the same time. */
struct crowd {
	struct ours *ours;
	int (*make)(struct ours *ours, struct one **ret_one);
	struct one *ones[CELLS_MAX];
	unsigned count;
	unsigned long before_kib; /* available */
};

/* How many there are is known whatever happens: those have to be removed. */
static int grow(struct crowd *crowd, unsigned to)
{
	while (crowd->count < to && crowd->count < CELLS_MAX) {
		struct one *one = NULL;
		int r = crowd->make(crowd->ours, &one);

		if (one)
			crowd->ones[crowd->count++] = one;
		if (r < 0) {
			fprintf(stderr, "bench-cell: cell number %u: %d\n", crowd->count, r);
			return -1;
		}
	}
	return 0;
}

static int remove_all(struct crowd *crowd)
{
	int r = 0;

	while (crowd->count > 0)
		if (one_remove(crowd->ones[--crowd->count]) < 0)
			r = -1;
	return r;
}

/* One that came and went first: what the node keeps of it once for all is not a cell's. */
static int warm(struct crowd *crowd)
{
	int r = grow(crowd, 1);

	if (remove_all(crowd) < 0)
		r = -1;
	sleep(SETTLE_S);
	crowd->before_kib = available_kib();
	return r;
}

static double missing_mib(const struct crowd *crowd)
{
	return ((double)crowd->before_kib - (double)available_kib()) / 1024;
}

static void put(const struct crowd *crowd, const char *what)
{
	char name[48];

	sleep(SETTLE_S);
	snprintf(name, sizeof(name), "%s.pss.%u", what, crowd->count);
	figure(name, (double)pss_kib(crowd->ours->cells) / 1024 / crowd->count, "MiB each");
	snprintf(name, sizeof(name), "%s.available.%u", what, crowd->count);
	figure(name, missing_mib(crowd) / crowd->count, "MiB each");
}

int bench_memory(struct ours *ours, unsigned most)
{
	static const unsigned counts[] = {1, 100, 500};
	static struct crowd crowd;
	int r;

	crowd = (struct crowd){.ours = ours, .make = one_start};
	r = warm(&crowd);
	for (size_t i = 0; r == 0 && i < sizeof(counts) / sizeof(counts[0]); i++) {
		if (counts[i] > most)
			break;
		r = grow(&crowd, counts[i]);
		if (r == 0)
			put(&crowd, "memory");
	}
	if (remove_all(&crowd) < 0)
		r = -1;
	sleep(SETTLE_S);
	figure("memory.left", missing_mib(&crowd), "MiB");
	return r;
}

int bench_ahead(struct ours *ours, unsigned times)
{
	static struct crowd crowd;
	uint64_t began;
	int r;

	crowd = (struct crowd){.ours = ours, .make = one_prepare};
	r = warm(&crowd);
	began = bench_now_ns();
	if (r == 0)
		r = grow(&crowd, times);
	if (r == 0) {
		figure("ahead.refill", crowd.count * 1e9 / (double)(bench_now_ns() - began), "1/s");
		put(&crowd, "ahead");
	}
	return remove_all(&crowd) < 0 ? -1 : r;
}
