/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test-cell INIT PROBE: whole cells on this machine, with cell-probe as what runs in them.
 * Needs root and a cgroup2 tree; else it is skipped (77). What the machine lacks (Landlock,
 * controllers) is named and left out; in the booted image nothing may be left out.
 */
#include "hostd/cell/self.h"
#include "hostd/cell/sys.h"
#include "hostd/cell/test_machine.h"
#include "hostd/cell/util.h"

#include "link/check.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

enum act { LET, INTERRUPT, KILL, DROP };

static const struct {
	const char *name;
	const char *argv[4];
	enum cell_network network;
	const char *profile;
	unsigned needs; /* skipped where the machine lacks it */
	enum act act;	/* what is done to it after a while */
	uint32_t memory_mib, pids;
	bool oom;
	int status; /* as waitpid would tell it */
} rows[] = {
	{"everything", {"/usr/bin/cell-probe", "landlock"}, CELL_NETWORK_LOOPBACK, "python",
	 CELL_LACK_LANDLOCK, LET, 64, 64, false, 0},
	{"everything but Landlock", {"/usr/bin/cell-probe"}, CELL_NETWORK_LOOPBACK, "python", 0,
	 LET, 64, 64, false, 0},
	{"sealed", {"/usr/bin/cell-probe", "sealed"}, CELL_NETWORK_SEALED, "python", 0, LET, 64,
	 64, false, 0},
	{"x32 kills", {"/usr/bin/cell-probe", "x32"}, CELL_NETWORK_LOOPBACK, "python", 0, LET, 64,
	 64, false, SIGSYS},
	{"no such program", {"/none"}, CELL_NETWORK_LOOPBACK, "python", 0, LET, 64, 64, false,
	 127 << 8},
	{"interrupt", {"/usr/bin/cell-probe", "sleep"}, CELL_NETWORK_LOOPBACK, "lua", 0, INTERRUPT,
	 64, 64, false, SIGINT},
	{"kill", {"/usr/bin/cell-probe", "sleep"}, CELL_NETWORK_LOOPBACK, "lua", 0, KILL, 64, 64,
	 false, SIGKILL},
	{"freed while it runs", {"/usr/bin/cell-probe", "sleep"}, CELL_NETWORK_LOOPBACK, "lua", 0,
	 DROP, 64, 64, false, 0},
	{"processes", {"/usr/bin/cell-probe", "processes"}, CELL_NETWORK_LOOPBACK, "python", 0,
	 LET, 64, 40, false, 0},
	{"a full /tmp", {"/usr/bin/cell-probe", "tmpfs"}, CELL_NETWORK_LOOPBACK, "python", 0, LET,
	 64, 64, false, 0},
	{"memory", {"/usr/bin/cell-probe", "memory"}, CELL_NETWORK_LOOPBACK, "python",
	 CELL_LACK_CONTROLLERS, LET, 24, 64, true, SIGKILL},
};

static bool await(const struct cell *cell, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = cell_pidfd(cell), .events = POLLIN};

	return poll(&poll_fd, 1, timeout_ms) == 1;
}

/* One incarnation; two of them prove that a restart finds all as it should. */
static void run(struct check *check, struct cell *cell, size_t row, uint32_t incarnation)
{
	const struct cell_connection connection = {
		.incarnation = incarnation, .json = "{}", .json_len = 2, .output_fd = 1};
	struct cell_error error = {0};
	struct cell_exit ended = {0};

	CHECK_EQ(check, cell_spawn(cell, &connection, &error), 0);
	if (error.error) {
		fprintf(stderr, "%s: %s\n", error.step, strerror(error.error));
		return;
	}
	CHECK_EQ(check, cell_spawn(cell, &connection, &error), -EBUSY);
	if (rows[row].act == DROP)
		return;
	if (rows[row].act != LET)
		CHECK(check, !await(cell, 100));
	if (rows[row].act == INTERRUPT)
		CHECK_EQ(check, cell_interrupt(cell), 0);
	if (rows[row].act == KILL)
		CHECK_EQ(check, cell_kill(cell), 0);
	CHECK(check, await(cell, 30000));
	CHECK_EQ(check, cell_reap(cell, &ended), 0);
	CHECK_EQ(check, ended.status, rows[row].status);
	CHECK_EQ(check, ended.oom, rows[row].oom);
	CHECK_EQ(check, cell_pidfd(cell), -1);
}

/* What a process of `uid` finds in the sockets' directory, as bits; a mount is a directory too. */
enum { ENTERS = 1, CONNECTS = 2, READS = 4, CREATES = 8 };

static int powers_of(uid_t uid, int sockets)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "probe"};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), powers = 0;

	if (syscall(SYS_setresgid, uid, uid, uid) < 0 || syscall(SYS_setresuid, uid, uid, uid) < 0)
		return 0xff;
	if (fchdir(sockets) < 0)
		return 0;
	powers |= ENTERS;
	/* Nobody listens any more; who may not even try is told EACCES. */
	if (connect(fd, (void *)&address, sizeof(address)) < 0 && errno == ECONNREFUSED)
		powers |= CONNECTS;
	if (open("connection-1.json", O_RDONLY | O_CLOEXEC) >= 0)
		powers |= READS;
	if (open("relay", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0)
		powers |= CREATES;
	return powers;
}

static int ask_as(uid_t uid, int sockets)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(powers_of(uid, sockets));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* cell-probe bound a socket there, with the umask that every cell starts with. */
static void test_sockets(struct check *check, const struct cell *cell, int sockets)
{
	uid_t relay = cell_relay_uid(cell);

	CHECK_EQ(check, ask_as(relay, sockets), ENTERS | CONNECTS);
	CHECK_EQ(check, ask_as(relay + 1, sockets), 0);
	CHECK_EQ(check, ask_as(65534, sockets), 0);
}

/* The file that tells it stays open, and is read anew. */
static uint64_t cpu_used(struct check *check, struct cell *cell, int file)
{
	struct cell_usage usage;

	cell_usage(cell, CELL_USAGE_CPU, &usage);
	CHECK(check, cell->usage.cpu >= 0 && (file < 0 || cell->usage.cpu == file));
	return usage.cpu_usec;
}

static void test_row(struct check *check, struct cell_host *host, const struct machine *machine,
		     size_t row)
{
	struct cell_spec spec = {
		.id = {0xce, 0x11, (uint8_t)row},
		.project = "test",
		.limits = {(uint64_t)rows[row].memory_mib << 20, 1000, rows[row].pids, 8u << 20},
		.network = rows[row].network,
		.profile = rows[row].profile,
		.environment_fd = machine->environment,
		.env = {"PATH=/usr/bin", "HOME=/home/user"},
	};
	struct cell_error error = {0};
	struct cell *cell = NULL;
	int sockets = -1;
	uint64_t used;

	check_row(check, rows[row].name);
	memcpy(spec.argv, rows[row].argv, sizeof(rows[row].argv));
	CHECK_EQ(check, cell_new(host, &spec, &cell, &error), 0);
	if (!cell) {
		fprintf(stderr, "%s: %s\n", error.step, strerror(error.error));
		return;
	}
	CHECK_EQ(check, cell_new(host, &spec, &(struct cell *){NULL}, NULL), -EEXIST);
	CHECK_EQ(check, cell_sockets_mount(cell, &sockets, &error), 0);
	used = cpu_used(check, cell, -1);
	run(check, cell, row, 1);
	CHECK(check, cpu_used(check, cell, cell->usage.cpu) > used);
	if (strncmp(rows[row].name, "everything", 10) == 0)
		test_sockets(check, cell, sockets);
	fd_close(&sockets);
	if (rows[row].act != DROP)
		run(check, cell, row, 2);
	CHECK_EQ(check, cell_free(cell, &error), 0);
}

/* A process just cloned has it too, and closes it without having been asked. */
static void test_file_closed_late(struct check *check, struct cell_host *host,
				  const struct cell_spec *spec)
{
	struct cell_error error = {0};
	struct cell *cell = NULL;
	pid_t child;
	int fd;

	check_row(check, "a file closed late");
	CHECK_EQ(check, cell_new(host, spec, &cell, &error), 0);
	fd = openat(cell->kept.mount[KEPT_TMP], "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(check, fd >= 0);
	child = fork();
	if (child == 0) {
		(void)poll(NULL, 0, 50);
		_exit(0);
	}
	fd_close(&fd);
	CHECK(check, child > 0);
	CHECK_EQ(check, cell_free(cell, &error), 0);
	if (child > 0)
		CHECK_EQ(check, waitpid(child, NULL, 0), child);
}

/* A file of the cell's memory that is still open: its uid is not given to another cell. */
static void test_left_open(struct check *check, struct cell_host *host,
			   const struct machine *machine)
{
	const struct cell_spec spec = {
		.id = {0xce, 0x13},
		.project = "test",
		.limits = {64ull << 20, 1000, 64, 8u << 20, 0, 0, 0},
		.network = CELL_NETWORK_LOOPBACK,
		.profile = "python",
		.environment_fd = machine->environment,
		.argv = {"/usr/bin/cell-probe"},
	};
	struct cell_error error = {0};
	struct cell *cell = NULL;
	unsigned slot;
	int fd;

	test_file_closed_late(check, host, &spec);
	check_row(check, "a file left open");
	for (int left = 1; left >= 0; left--) {
		CHECK_EQ(check, cell_new(host, &spec, &cell, &error), 0);
		slot = cell_slot(cell);
		fd = openat(cell->kept.mount[KEPT_TMP], "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		CHECK(check, fd >= 0);
		if (!left)
			fd_close(&fd);
		CHECK_EQ(check, cell_free(cell, &error), left ? -EBUSY : 0);
		CHECK(check, !left || strcmp(error.step, "free: mounts") == 0);
		CHECK_EQ(check, host->uids.taken[slot], left == 1);
		fd_close(&fd);
	}
}

static void test_rows(struct check *check, const struct machine *machine)
{
	unsigned mounts = count_lines("/proc/self/mountinfo");
	unsigned descriptors = count_entries("/proc/self/fd");
	struct cell_error error = {0};
	struct cell_host *host = NULL;

	CHECK_EQ(check, cell_host_new(machine->cells, machine->lacking, &host, &error), 0);
	if (!host) {
		fprintf(stderr, "%s: %s\n", error.step, strerror(error.error));
		return;
	}
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++)
		if (rows[row].needs & machine->lacking)
			printf("skipped, not on this machine: %s\n", rows[row].name);
		else
			test_row(check, host, machine, row);
	test_left_open(check, host, machine);
	cell_host_free(host);
	check_row(check, "nothing left");
	CHECK_EQ(check, count_lines("/proc/self/mountinfo"), mounts);
	CHECK_EQ(check, count_entries("/proc/self/fd"), descriptors);
}

/* A monitor's habits, none of which a cell may inherit. */
static void be_peculiar(void)
{
	sigset_t all;
	int fd;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	umask(077);
	(void)setpriority(PRIO_PROCESS, 0, -5);
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	(void)!write(fd, "-500", 4);
	close(fd);
}

int main(int argc, char **argv)
{
	struct machine machine;
	int code = open_machine(&machine, argc, argv);
	struct check check = {0};

	if (code != 0)
		return code;
	be_peculiar();
	test_rows(&check, &machine);
	check_row(&check, "environment and cgroup");
	remove_environment(&machine);
	CHECK(&check, access(machine.directory, F_OK) < 0);
	return CHECK_DONE(&check);
}
