/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test-steps INIT PROBE: every system call that builds a cell is made to fail in turn, the
 * monitor's as well as the child's. Each time the step is named with that call's errno, or the
 * cell stands as if nothing had been; and each time nothing is left of it.
 *
 * test_inject.c does that. Needs root and a cgroup2 tree; else skipped (77).
 */
#include "hostd/cell/host.h"
#include "hostd/cell/sys.h"
#include "hostd/cell/test_inject.h"
#include "hostd/cell/test_machine.h"
#include "hostd/cell/util.h"

#include "link/check.h"
#include "netlink/nft.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CALLS_MAX 1000 /* more would be a loop */
#define STEPS_MAX 64u

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* ---- what could be left ---- */

struct left {
	unsigned mounts, kept_mounts, kept_directories, descriptors, cgroups, slots, processes,
		interfaces, rules;
};

static unsigned count_at(int dir, const char *path, char separator)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	char block[4096];
	unsigned count = 0;
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0)
		for (ssize_t i = 0; i < n; i++)
			count += block[i] == separator;
	close(fd);
	return count;
}

static unsigned count_subdirectories(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fdopendir(fd);
	struct dirent *entry;
	unsigned count = 0;

	while (list && (entry = readdir(list)))
		count += entry->d_type == DT_DIR;
	closedir(list);
	return count;
}

/* Five counters a cell, which are in one batch with all else of it. */
static void count_rule(void *ctx, const struct nft_count *count)
{
	struct left *left = ctx;

	left->rules++;
}

static void look(struct cell_host *host, struct left *ret_left)
{
	*ret_left = (struct left){
		.mounts = count_at(host->proc, "thread-self/mountinfo", '\n'),
		.cgroups = count_subdirectories(host->cells),
		.processes = count_at(host->proc, "thread-self/children", ' '),
		.interfaces = count_at(host->proc, "thread-self/net/dev", '\n'),
	};
	for (unsigned i = 0; i < CELL_SLOTS_MAX; i++)
		ret_left->slots += host->uids.taken[i];
	if (mountns_enter(host->ns.keeper) < 0)
		abort();
	ret_left->kept_mounts = count_at(host->proc, "thread-self/mountinfo", '\n');
	ret_left->kept_directories = count_subdirectories(AT_FDCWD);
	mountns_leave(&host->ns);
	ret_left->descriptors = count_entries("/proc/self/fd");
	if (host->egress.on)
		(void)nft_counters_read(host->egress.nft, EGRESS_TABLE, count_rule, ret_left);
}

static void check_left(struct check *check, struct cell_host *host, const struct left *before)
{
	struct left now;

	look(host, &now);
	CHECK_EQ(check, now.mounts, before->mounts);
	CHECK_EQ(check, now.kept_mounts, before->kept_mounts);
	CHECK_EQ(check, now.kept_directories, before->kept_directories);
	CHECK_EQ(check, now.descriptors, before->descriptors);
	CHECK_EQ(check, now.cgroups, before->cgroups);
	CHECK_EQ(check, now.slots, before->slots);
	CHECK_EQ(check, now.processes, before->processes);
	CHECK_EQ(check, now.interfaces, before->interfaces);
	CHECK_EQ(check, now.rules, before->rules);
}

/* ---- the steps that were named ---- */

struct steps {
	char name[STEPS_MAX][CELL_STEP_MAX];
	unsigned count;
};

static bool has_step(const struct steps *steps, const char *name)
{
	for (unsigned i = 0; i < steps->count; i++)
		if (strcmp(steps->name[i], name) == 0)
			return true;
	return false;
}

static void note_step(struct steps *steps, const char *name)
{
	if (!has_step(steps, name) && steps->count < STEPS_MAX)
		snprintf(steps->name[steps->count++], CELL_STEP_MAX, "%s", name);
}

/* Those of child.c and of the monitor's side; the cgroup's own names begin with it. */
static const char *const wanted[] = {
	"copy", "memory file systems", "channel", "mounts", "clone", "uid map", "workspace",
	"descriptors", "maps", "identity", "namespaces", "network", "root: assemble",
	"root: enter", "streams", "connection file", "limits", "session", "privileges",
	"descriptors to pass", "seccomp", "exec",
};

static void check_steps(struct check *check, const struct steps *steps, unsigned lacking,
			bool egress)
{
	for (size_t i = 0; i < COUNT(wanted); i++) {
		check_row(check, wanted[i]);
		CHECK(check, has_step(steps, wanted[i]));
	}
	check_row(check, "egress");
	CHECK_EQ(check, has_step(steps, "egress: rules"), egress);
	CHECK_EQ(check, has_step(steps, "egress: link"), egress);
	CHECK_EQ(check, has_step(steps, "resolvers"), true);
	check_row(check, "landlock");
	CHECK_EQ(check, has_step(steps, "landlock"), !(lacking & CELL_LACK_LANDLOCK));
}

/* ---- one cell, one call of it failed ---- */

static int build(struct cell_host *host, const struct machine *machine, struct cell **ret_cell,
		 struct cell_error *ret_error)
{
	static const struct egress_policy policy = {.rules_count = 1, .resolvers_count = 1,
						    .resolvers = {0xc6336435}};
	bool egress = host->egress.on;
	const struct cell_spec spec = {
		.id = {0xce, 0x12},
		.project = "test",
		.limits = {64ull << 20, 1000, 64, 8u << 20, 0, 0, 0},
		.network = egress ? CELL_NETWORK_EGRESS : CELL_NETWORK_LOOPBACK,
		.egress = egress ? &policy : NULL,
		.profile = "python",
		.environment_fd = machine->environment,
		.workspace_fd = machine->environment,
		.argv = {"/usr/bin/cell-probe", "sleep"},
		.env = {"PATH=/usr/bin"},
	};
	const struct cell_connection connection = {.incarnation = 1, .json = "{}", .json_len = 2};
	int result = cell_new(host, &spec, ret_cell, ret_error);

	return result < 0 ? result : cell_spawn(*ret_cell, &connection, ret_error);
}

/* False once there was no call left to fail. */
static bool try_one(struct check *check, struct cell_host *host, const struct machine *machine,
		    struct control *control, int number, struct steps *steps)
{
	struct cell_error error = {0};
	struct cell *cell = NULL;
	struct left before;
	char row[64];
	int result, failed;

	look(host, &before);
	atomic_store(&control->count, 0);
	atomic_store(&control->failed, -1);
	atomic_store(&control->fail_at, number);
	atomic_store(&control->armed, true);
	result = build(host, machine, &cell, &error);
	atomic_store(&control->armed, false);
	failed = atomic_load(&control->failed);
	snprintf(row, sizeof(row), "call %d (system call %d): %.24s", number, failed, error.step);
	check_row(check, row);
	if (result < 0) {
		note_step(steps, error.step);
		CHECK(check, failed >= 0);
		CHECK_EQ(check, error.error, INJECTED);
		CHECK(check, error.step[0] != '\0');
		CHECK(check, strncmp(error.step, "check", 5) != 0);
	}
	if (cell)
		CHECK_EQ(check, cell_free(cell, &error), 0);
	check_left(check, host, &before);
	return failed >= 0;
}

/* The way out, where this kernel has what it takes. */
static bool open_egress(struct check *check, struct cell_host *host)
{
	const struct egress_node node = {
		.interface = "lo", .address = 0x647fe000, .bits = 19, .rate_kibps = 1000};
	struct cell_error error = {0};

	if (cell_host_egress(host, &node, false, &error) == 0)
		return true;
	printf("skipped: no way out on this kernel: %s: %s\n", error.step, strerror(error.error));
	return false;
}

static void test_steps(struct check *check, const struct machine *machine,
		       struct control *control, bool egress)
{
	struct cell_error error = {0};
	struct cell_host *host = NULL;
	static struct steps all[2];
	struct steps *steps = &all[egress];

	CHECK_EQ(check, cell_host_new(machine->cells, machine->lacking, &host, &error), 0);
	if (!host) {
		fprintf(stderr, "%s: %s\n", error.step, strerror(error.error));
		return;
	}
	if (egress && !open_egress(check, host)) {
		cell_host_free(host);
		return;
	}
	atomic_store(&control->home[0], host->ns.home);
	atomic_store(&control->home[1], host->egress.home);
	atomic_store(&control->monitor, (int)getpid());
	/* The first cell compiles the filter, which stays. */
	(void)try_one(check, host, machine, control, CALLS_MAX, steps);
	for (int side = 0; side < 2; side++) {
		int number = 1;

		atomic_store(&control->child, side == 1);
		while (number < CALLS_MAX &&
		       try_one(check, host, machine, control, number, steps))
			number++;
		printf("%d system calls of the %s failed in turn%s\n", number - 1,
		       side ? "child" : "monitor", egress ? ", with a way out" : "");
		CHECK(check, number > 50 && number < CALLS_MAX);
	}
	check_steps(check, steps, machine->lacking, egress);
	cell_host_free(host);
}

int main(int argc, char **argv)
{
	struct machine machine;
	int code = open_machine(&machine, argc, argv);
	struct check check = {0};
	struct control *control;
	pid_t answerer;

	if (code != 0)
		return code;
	/* A network of our own: the way out makes links and rules. */
	if (unshare(CLONE_NEWNET) < 0)
		return 1;
	control = inject_start(&answerer);
	if (!control)
		return 1;
	test_steps(&check, &machine, control, false);
	test_steps(&check, &machine, control, true);
	remove_environment(&machine);
	kill(answerer, SIGKILL);
	return CHECK_DONE(&check);
}
