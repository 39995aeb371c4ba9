/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test-ahead INIT PROBE: a cell that was made ahead fits what it was made for and nothing else,
 * does nothing before it is told to, and is then a cell like any other. Needs root and a cgroup2
 * tree; else it is skipped (77).
 */
#include "hostd/cell/test_machine.h"
#include "hostd/cell/util.h"

#include "link/check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const struct cell_spec model = {
	.id = {0xa4, 0xea, 0xd0},
	.project = "one",
	.limits = {.memory_bytes = 64u << 20, .cpu_milli = 1000, .pids_max = 64,
		   .tmpfs_bytes = 8u << 20},
	.network = CELL_NETWORK_LOOPBACK,
	.profile = "python",
	.argv = {"/usr/bin/cell-probe"},
	.env = {"PATH=/usr/bin", "HOME=/home/user"},
};

static const struct cell_connection connection = {.incarnation = 1, .json = "{}", .json_len = 2};

enum change {
	NOTHING, ID, MEMORY, PROJECT, PROCESSES, TMPFS, NETWORK, PROFILE, PROGRAM, VARIABLE, ROOT,
	WORKSPACE, WRITE,
};

static const struct {
	const char *name;
	enum change change;
	bool fits;
} rows[] = {
	{"the same", NOTHING, true},
	{"another id", ID, true},
	{"another memory limit", MEMORY, true},
	{"another project", PROJECT, false},
	{"another limit of processes", PROCESSES, false},
	{"another size of /tmp", TMPFS, false},
	{"another network", NETWORK, false},
	{"another list of calls", PROFILE, false},
	{"another program", PROGRAM, false},
	{"another variable", VARIABLE, false},
	{"another root", ROOT, false},
	{"a workspace", WORKSPACE, false},
	{"a workspace to write", WRITE, false},
};

static void vary(struct cell_spec *spec, enum change change, int directory)
{
	switch (change) {
	case NOTHING: return;
	case ID: spec->id[0]++; return;
	case MEMORY: spec->limits.memory_bytes *= 2; return;
	case PROJECT: strcpy(spec->project, "two"); return;
	case PROCESSES: spec->limits.pids_max++; return;
	case TMPFS: spec->limits.tmpfs_bytes *= 2; return;
	case NETWORK: spec->network = CELL_NETWORK_SEALED; return;
	case PROFILE: spec->profile = "lua"; return;
	case PROGRAM: spec->argv[1] = "sleep"; return;
	case VARIABLE: spec->env[2] = "LANG=C"; return;
	case ROOT: spec->environment_fd = directory; return;
	case WORKSPACE: spec->workspace_fd = directory; return;
	case WRITE: spec->workspace_write = true; return;
	}
}

static void test_fits(struct check *check, const struct cell *cell, const struct cell_spec *spec)
{
	int directory = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cell_spec other = *spec;

		check_row(check, rows[i].name);
		vary(&other, rows[i].change, directory);
		CHECK_EQ(check, cell_fits(cell, &other), rows[i].fits);
	}
	close(directory);
}

static bool await(const struct cell *cell, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = cell_pidfd(cell), .events = POLLIN};

	return poll(&poll_fd, 1, timeout_ms) == 1;
}

/* Once for the incarnation that waited, once for the restart, which is made as always. */
static void test_go(struct check *check, struct cell *cell)
{
	struct cell_error error = {0};

	for (uint32_t incarnation = 1; incarnation <= 2; incarnation++) {
		struct cell_connection next = connection;
		struct cell_exit ended = {0};

		next.incarnation = incarnation;
		CHECK_EQ(check, cell_spawn(cell, &next, &error), 0);
		CHECK(check, await(cell, 30000));
		CHECK_EQ(check, cell_reap(cell, &ended), 0);
		CHECK_EQ(check, ended.status, 0);
	}
}

static void test_life(struct check *check, struct cell_host *host, const struct cell_spec *spec)
{
	struct cell_limits more = spec->limits;
	struct cell_error error = {0};
	struct cell *cell = NULL;

	check_row(check, "a cell that waits");
	CHECK_EQ(check, cell_new(host, spec, &cell, &error), 0);
	if (!cell)
		return;
	CHECK(check, !cell_fits(cell, spec)); /* it does not wait yet */
	CHECK_EQ(check, cell_prepare(cell, &error), 0);
	CHECK_EQ(check, cell_prepare(cell, &error), -EBUSY);
	CHECK(check, !await(cell, 100));
	test_fits(check, cell, spec);
	check_row(check, "its limits");
	more.memory_bytes *= 2;
	CHECK_EQ(check, cell_assign(cell, &more, &error), 0);
	test_go(check, cell);
	CHECK(check, !cell_fits(cell, spec)); /* it is somebody's */
	CHECK_EQ(check, cell_free(cell, &error), 0);
}

/* Nobody ever asked for it. */
static void test_dropped(struct check *check, struct cell_host *host, const struct cell_spec *spec)
{
	struct cell_error error = {0};
	struct cell *cell = NULL;

	check_row(check, "dropped while it waits");
	CHECK_EQ(check, cell_new(host, spec, &cell, &error), 0);
	CHECK_EQ(check, cell_prepare(cell, &error), 0);
	CHECK_EQ(check, cell_free(cell, &error), 0);
}

int main(int argc, char **argv)
{
	struct machine machine;
	int code = open_machine(&machine, argc, argv);
	struct cell_error error = {0};
	struct cell_host *host = NULL;
	struct cell_spec spec = model;
	struct check check = {0};
	unsigned descriptors;

	if (code != 0)
		return code;
	(void)signal(SIGPIPE, SIG_IGN);
	spec.environment_fd = machine.environment;
	descriptors = count_entries("/proc/self/fd");
	CHECK_EQ(&check, cell_host_new(machine.cells, machine.lacking, &host, &error), 0);
	if (host) {
		test_life(&check, host, &spec);
		test_dropped(&check, host, &spec);
	}
	cell_host_free(host);
	check_row(&check, "nothing left");
	CHECK_EQ(&check, count_entries("/proc/self/fd"), descriptors);
	remove_environment(&machine);
	return CHECK_DONE(&check);
}
