/* SPDX-License-Identifier: Apache-2.0 */
/* bench-cell WHAT NUMBER, as root, with a cgroup2 tree at /sys/fs/cgroup whose controllers are on. */
#include "hostd/bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostd/bench/spawn.h"
#include "hostd/log.h"

#define CELLS "/sys/fs/cgroup/bench"
#define ENVIRONMENT "/rivals/root"
#define PROGRAM "/usr/sbin/hostd"

static const struct {
	const char *name;
	int (*run)(struct ours *ours, unsigned number);
	bool trace;
} words[] = {
	{"turns", bench_turns, false},
	{"steps", bench_steps, true},
	{"rate", bench_rate, false},
	{"cpu", bench_cpu, false},
};

static int open_cells(void)
{
	int fd, control;

	if (mkdir(CELLS, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = open(CELLS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	control = openat(fd, "cgroup.subtree_control", O_WRONLY | O_CLOEXEC);
	if (control < 0 || write(control, "+cpu +memory +pids +io", 22) < 0)
		log_error(errno, CELLS);
	close(control);
	return fd < 0 ? -errno : fd;
}

static struct trace *new_trace(void)
{
	void *memory = mmap(NULL, sizeof(struct trace), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int run(size_t word, unsigned number)
{
	struct ours ours = {.trace = words[word].trace ? new_trace() : NULL};
	int environment = open(ENVIRONMENT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int cells = open_cells();
	int r;

	if (environment < 0 || cells < 0)
		log_die(errno, "%s", environment < 0 ? ENVIRONMENT : CELLS);
	r = others_prepare();
	if (r == 0)
		r = ours_open(&ours, cells, environment, PROGRAM);
	if (r < 0)
		log_die(r, "preparation");
	r = words[word].run(&ours, number);
	ours_close(&ours);
	return r < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	log_open("bench-cell");
	for (size_t i = 0; argc == 3 && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(argv[1], words[i].name) == 0)
			return run(i, (unsigned)strtoul(argv[2], NULL, 10));
	fprintf(stderr, "usage: bench-cell turns|steps|rate|cpu NUMBER\n");
	return 2;
}
