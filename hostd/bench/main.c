/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-cell [-d DEVICE] [-e ENVIRONMENT] WHAT NUMBER [PROGRAM ARGUMENT...], as root.
 *
 * -d: the disk with the others, the relays' program and an empty environment becomes the root, in a
 * mount namespace of its own: everybody who is measured starts from the same mounts. -e: another
 * environment's root; PROGRAM: another payload than one that ends at once.
 */
#include "hostd/bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostd/bench/spawn.h"
#include "hostd/log.h"

#define CELLS "/sys/fs/cgroup/bench"
#define ENVIRONMENT "/rivals/root"
#define PROGRAM "/usr/sbin/hostd"

static const char *const nothing[] = {"/usr/bin/bench-true", NULL};
static const char *const waits[] = {"/usr/bin/bench-calls", "wait", NULL};
static const char *const calls[] = {"/usr/bin/bench-calls", NULL};
static const char *const env[] = {"PATH=/usr/bin:/bin", "HOME=/home/user", "LANG=C.UTF-8",
				  NULL};

static const struct {
	const char *name;
	int (*run)(struct ours *ours, unsigned number);
	const char *const *payload;
	bool trace;
} words[] = {
	{"turns", bench_turns, nothing, false},	   {"steps", bench_steps, nothing, true},
	{"rate", bench_rate, nothing, false},	   {"cpu", bench_cpu, nothing, false},
	{"leaks", bench_leaks, nothing, false},	   {"memory", bench_memory, waits, false},
	{"ahead", bench_ahead, waits, false},	   {"compare", bench_compare, calls, false},
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

static int run(size_t word, int environment, unsigned number, const char *const *payload)
{
	const bool leaks = words[word].run == bench_leaks;
	struct ours ours = {
		.environment = environment,
		.program = PROGRAM,
		.cells = CELLS,
		.payload = payload && !leaks ? payload : words[word].payload,
		.control = payload && leaks ? payload[0] : NULL,
		.env = env,
		.profile = "python",
		.output = -1,
		.trace = words[word].trace ? new_trace() : NULL,
	};
	int cells = open_cells();
	int r = cells < 0 ? cells : others_prepare();

	if (r == 0)
		r = ours_open(&ours, cells);
	if (r < 0)
		log_die(r, "preparation");
	r = words[word].run(&ours, number);
	ours_close(&ours);
	close(cells);
	return r < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	const struct rlimit fds = {16384, 16384};
	const char *device = NULL, *path = ENVIRONMENT;
	bool other = false;
	int option, environment, r;

	log_open("bench-cell");
	(void)signal(SIGPIPE, SIG_IGN);
	(void)setrlimit(RLIMIT_NOFILE, &fds);
	while ((option = getopt(argc, argv, "+d:e:")) >= 0) {
		if (option == 'd')
			device = optarg;
		else if (option == 'e' && (other = true))
			path = optarg;
		else
			return 2;
	}
	r = device ? machine_enter(device, other ? path : NULL) : 0;
	if (r < 0)
		log_die(r, "%s", device);
	environment = open(device && other ? MACHINE_ENVIRONMENT : path,
			   O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (environment < 0)
		log_die(errno, "%s", path);
	for (size_t i = 0; argc - optind >= 2 && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(argv[optind], words[i].name) == 0)
			return run(i, environment, (unsigned)strtoul(argv[optind + 1], NULL, 10),
				   argc - optind > 2 ? (const char *const *)argv + optind + 2
						     : NULL);
	fprintf(stderr, "usage: bench-cell [-d DEVICE] [-e ENVIRONMENT] "
			"turns|steps|rate|cpu|leaks|memory|ahead|compare NUMBER [PROGRAM...]\n");
	return 2;
}
