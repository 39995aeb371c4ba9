/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test-adopt INIT PROBE: a monitor is killed, and another goes on with its cells. The first is a
 * child of this test, which hands over what init would have kept. Needs root and a cgroup2 tree;
 * else it is skipped (77).
 */
#include "hostd/cell/test_machine.h"
#include "hostd/cell/util.h"

#include "link/check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CELLS 2

static const struct cell_spec model = {
	.id = {0xad, 0x09, 0x70},
	.project = "one",
	.limits = {.memory_bytes = 64u << 20, .cpu_milli = 1000, .pids_max = 64,
		   .tmpfs_bytes = 8u << 20},
	.network = CELL_NETWORK_LOOPBACK,
	.profile = "python",
	.argv = {"/usr/bin/cell-probe", "sleep"},
	.env = {"PATH=/usr/bin", "HOME=/home/user"},
};

static const struct cell_connection connection = {.incarnation = 1, .json = "{}", .json_len = 2};

/* What is left of the first monitor. */
struct left {
	int keeper;
	struct cell_note notes[CELLS];
	int fds[CELLS][2];
};

static struct cell_spec spec_of(const struct machine *machine, unsigned number)
{
	struct cell_spec spec = model;

	spec.id[CELL_ID_LEN - 1] = (uint8_t)number;
	spec.environment_fd = machine->environment;
	return spec;
}

/* ---- the first monitor ---- */

static void send_left(int to, const struct left *left)
{
	int fds[1 + 2 * CELLS] = {left->keeper};
	union {
		char bytes[CMSG_SPACE(sizeof(fds))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {(void *)left, sizeof(*left)};
	struct msghdr head = {.msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&head);

	memcpy(fds + 1, left->fds, sizeof(left->fds));
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(cmsg), fds, sizeof(fds));
	if (sendmsg(to, &head, 0) != sizeof(*left))
		_exit(4);
}

static void first_monitor(const struct machine *machine, int to)
{
	struct cell_error error = {0};
	struct cell_host *host;
	struct left left = {0};

	if (cell_host_new(machine->cells, machine->lacking, &host, &error) < 0)
		_exit(1);
	left.keeper = cell_host_keeper(host);
	for (unsigned i = 0; i < CELLS; i++) {
		struct cell_spec spec = spec_of(machine, i);
		struct cell *cell;

		if (cell_new(host, &spec, &cell, &error) < 0 ||
		    cell_spawn(cell, &connection, &error) < 0) {
			fprintf(stderr, "first: %s: %s\n", error.step, strerror(error.error));
			_exit(2);
		}
		cell_write_note(cell, &left.notes[i], left.fds[i]);
	}
	send_left(to, &left);
	kill(getpid(), SIGKILL);
}

/* False: there was none. */
static bool leave(const struct machine *machine, struct left *ret_left)
{
	int fds[1 + 2 * CELLS], pair[2], status = 0;
	union {
		char bytes[CMSG_SPACE(sizeof(fds))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {ret_left, sizeof(*ret_left)};
	struct msghdr head = {.msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes)};
	ssize_t n;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return false;
	pid = fork();
	if (pid == 0)
		first_monitor(machine, pair[1]);
	close(pair[1]);
	n = recvmsg(pair[0], &head, MSG_CMSG_CLOEXEC);
	close(pair[0]);
	waitpid(pid, &status, 0);
	if (n != sizeof(*ret_left) || !CMSG_FIRSTHDR(&head))
		return false;
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&head)), sizeof(fds));
	ret_left->keeper = fds[0];
	memcpy(ret_left->fds, fds + 1, sizeof(ret_left->fds));
	return WIFSIGNALED(status);
}

static void forget(struct left *left)
{
	fd_close(&left->keeper);
	for (unsigned i = 0; i < CELLS; i++)
		for (unsigned j = 0; j < 2; j++)
			fd_close(&left->fds[i][j]);
}

/* ---- the second ---- */

static bool ended(int pidfd, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

	return poll(&poll_fd, 1, timeout_ms) == 1;
}

static unsigned count_cells(const struct machine *machine)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", machine->cells);
	return count_entries(path);
}

/* One is adopted and is a cell like any other; what nobody adopts ends. */
static void test_goes_on(struct check *check, const struct machine *machine)
{
	struct cell_spec spec = spec_of(machine, 0);
	struct cell_connection next = connection;
	struct cell_error error = {0};
	struct cell_host *host = NULL;
	struct cell_exit end = {0};
	struct cell *cell = NULL;
	struct left left = {0};
	unsigned empty = count_cells(machine);
	int other;

	check_row(check, "goes on");
	if (!CHECK(check, leave(machine, &left)))
		return;
	other = fcntl(left.fds[1][0], F_DUPFD_CLOEXEC, 0);
	CHECK(check, !ended(left.fds[0][0], 0) && !ended(other, 0));
	CHECK_EQ(check, count_cells(machine), empty + CELLS);
	CHECK_EQ(check, cell_host_resume(machine->cells, machine->lacking, left.keeper, &host,
					 &error), 0);
	CHECK_EQ(check, cell_adopt(host, &spec, &left.notes[0], left.fds[0], &cell, &error), 0);
	if (!cell) {
		fprintf(stderr, "%s: %s\n", error.step, strerror(error.error));
		return;
	}
	CHECK(check, !ended(cell_pidfd(cell), 200) && !ended(other, 0));
	CHECK_EQ(check, cell_host_settle(host, &error), 0);
	CHECK(check, ended(other, 5000) && !ended(cell_pidfd(cell), 0));
	CHECK_EQ(check, count_cells(machine), empty + 1);
	CHECK_EQ(check, cell_uid(cell), 1000000 + (int)left.notes[0].slot);
	check_row(check, "its end and the next incarnation");
	CHECK_EQ(check, cell_kill(cell), 0);
	CHECK(check, ended(cell_pidfd(cell), 5000));
	CHECK_EQ(check, cell_reap(cell, &end), 0);
	CHECK(check, WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGKILL);
	next.incarnation = 2;
	CHECK_EQ(check, cell_spawn(cell, &next, &error), 0);
	CHECK(check, !ended(cell_pidfd(cell), 100));
	CHECK_EQ(check, cell_free(cell, &error), 0);
	CHECK_EQ(check, count_cells(machine), empty);
	cell_host_free(host);
	close(other);
	forget(&left);
}

/* The same without: a monitor that has nothing of them ends them all. */
static void test_ends_without(struct check *check, const struct machine *machine)
{
	struct cell_error error = {0};
	struct cell_host *host = NULL;
	unsigned empty = count_cells(machine);
	struct left left = {0};

	check_row(check, "without what was kept");
	if (!CHECK(check, leave(machine, &left)))
		return;
	CHECK_EQ(check, count_cells(machine), empty + CELLS);
	CHECK_EQ(check, cell_host_new(machine->cells, machine->lacking, &host, &error), 0);
	CHECK(check, ended(left.fds[0][0], 5000) && ended(left.fds[1][0], 5000));
	CHECK_EQ(check, count_cells(machine), empty);
	cell_host_free(host);
	forget(&left);
}

enum lie { SLOT_RANGE, SLOT_OTHER, ID, PIDFD_NONE, PIDFD_OTHER, EGRESS };

/* What does not agree with the tree is not adopted, and ends. */
static void test_lies(struct check *check, const struct machine *machine)
{
	static const struct {
		const char *name;
		enum lie lie;
	} rows[] = {
		{"no slot", SLOT_RANGE},
		{"a slot that nothing is kept of", SLOT_OTHER},
		{"another id", ID},
		{"no pidfd", PIDFD_NONE},
		{"a pidfd of another process", PIDFD_OTHER},
		{"a way out on a node without", EGRESS},
	};
	unsigned empty = count_cells(machine);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cell_spec spec = spec_of(machine, 0);
		struct cell_error error = {0};
		struct cell_host *host = NULL;
		struct cell *cell = NULL;
		struct left left = {0};
		int pidfd;

		check_row(check, rows[i].name);
		if (!CHECK(check, leave(machine, &left)))
			return;
		pidfd = fcntl(left.fds[0][0], F_DUPFD_CLOEXEC, 0);
		if (rows[i].lie == SLOT_RANGE)
			left.notes[0].slot = CELL_SLOTS_MAX;
		if (rows[i].lie == SLOT_OTHER)
			left.notes[0].slot = 4000;
		if (rows[i].lie == ID)
			spec.id[0]++;
		if (rows[i].lie == PIDFD_NONE)
			dup2(machine->environment, left.fds[0][0]);
		if (rows[i].lie == PIDFD_OTHER)
			dup2(left.fds[1][0], left.fds[0][0]);
		left.notes[0].egress_rules = rows[i].lie == EGRESS;
		CHECK_EQ(check, cell_host_resume(machine->cells, machine->lacking, left.keeper,
						 &host, &error), 0);
		CHECK(check, cell_adopt(host, &spec, &left.notes[0], left.fds[0], &cell,
					&error) < 0);
		CHECK(check, error.error > 0 && error.step[0]);
		CHECK_EQ(check, cell_host_settle(host, &error), 0);
		CHECK(check, ended(pidfd, 5000));
		CHECK_EQ(check, count_cells(machine), empty);
		cell_host_free(host);
		close(pidfd);
		forget(&left);
	}
}

/* A keeper that is none: nothing can be had, and the next try is without. */
static void test_keepers(struct check *check, const struct machine *machine)
{
	struct cell_error error = {0};
	struct cell_host *host = NULL;

	check_row(check, "no keeper");
	CHECK_EQ(check, cell_host_resume(machine->cells, machine->lacking, -1, &host, &error),
		 -EBADF);
	CHECK(check, cell_host_resume(machine->cells, machine->lacking, machine->environment, &host,
				      &error) < 0);
	CHECK_EQ(check, cell_host_new(machine->cells, machine->lacking, &host, &error), 0);
	cell_host_free(host);
}

int main(int argc, char **argv)
{
	struct machine machine;
	int code = open_machine(&machine, argc, argv);
	struct check check = {0};
	unsigned descriptors;

	if (code != 0)
		return code;
	(void)signal(SIGPIPE, SIG_IGN);
	descriptors = count_entries("/proc/self/fd");
	test_keepers(&check, &machine);
	test_goes_on(&check, &machine);
	test_ends_without(&check, &machine);
	test_lies(&check, &machine);
	check_row(&check, "nothing left");
	CHECK_EQ(&check, count_entries("/proc/self/fd"), descriptors);
	remove_environment(&machine);
	return CHECK_DONE(&check);
}
