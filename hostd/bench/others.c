/* SPDX-License-Identifier: Apache-2.0 */
/* What cells are measured against: each with what it offers of the same protections. */
#include "hostd/bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostd/cell/sys.h"

#define PAYLOAD "/usr/bin/bench-true"
#define FILTER_FD 9 /* bubblewrap reads its filter from here, from its start */

const char *const other_names[OTHERS] = {"bare", "bubblewrap", "crun", "runc"};

static const char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};

static const char *const bubblewrap[] = {
	"bwrap", "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc",
	"--unshare-uts", "--unshare-cgroup", "--uid", "1000", "--gid", "1000", "--hostname",
	"cell", "--ro-bind", "/rivals/root", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs",
	"/tmp", "--tmpfs", "/home/user", "--tmpfs", "/run/kernel", "--chdir", "/home/user",
	"--cap-drop", "ALL", "--new-session", "--die-with-parent", "--clearenv", "--seccomp", "9",
	PAYLOAD, NULL};

static const char *const crun[] = {"crun", "--root", "/run/crun", "--cgroup-manager=cgroupfs",
				   "run", "--no-new-keyring", "--bundle", "/run/bundle",
				   "bench", NULL};

/* This kernel has no bpf(2), which runc sets a cgroup's devices with. In a user namespace, where
 * mknod is of no use anyway, it does without: it runs in one that maps what it needs. */
static const char *const runc[] = {"runc", "--rootless=false", "--root", "/run/runc", "run", "--no-new-keyring",
				   "--bundle", "/run/bundle", "bench", NULL};

static const struct {
	const char *program;
	const char *const *argv;
} programs[OTHERS] = {
	[BUBBLEWRAP] = {"/usr/bin/bwrap", bubblewrap},
	[CRUN] = {"/usr/bin/crun", crun},
	[RUNC] = {"/usr/sbin/runc", runc},
};

static int await(pid_t pid, int pidfd)
{
	struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
	int status = -1;

	while (poll(&poll_fd, 1, -1) < 0 && errno == EINTR)
		;
	(void)waitpid(pid, &status, 0);
	close(pidfd);
	return status == 0 ? 0 : -EIO;
}

static pid_t clone_into(uint64_t flags, int *ret_pidfd)
{
	struct sys_clone_args args = {
		.flags = SYS_CLONE_PIDFD | flags,
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static int run_bare(void)
{
	static const char *const argv[] = {"bench-true", NULL};
	int pidfd = -1;
	pid_t pid = clone_into(SYS_CLONE_NEWUSER | SYS_CLONE_NEWPID | SYS_CLONE_NEWNS |
				       SYS_CLONE_NEWNET | SYS_CLONE_NEWIPC | SYS_CLONE_NEWUTS |
				       SYS_CLONE_NEWCGROUP,
			       &pidfd);

	if (pid == 0) {
		execve(PAYLOAD, (char *const *)argv, (char *const *)environment);
		_exit(127);
	}
	return pid < 0 ? -errno : await(pid, pidfd);
}

/* A user namespace for runc, and an idle process that holds it as long as we live. */
static int runc_namespace(void)
{
	static const char map[] = "0 0 1000000000";
	static int namespace = -1;
	const char *const files[] = {"uid_map", "gid_map"};
	char path[64];
	int pidfd = -1, fd;
	pid_t pid;

	if (namespace >= 0)
		return namespace;
	pid = clone_into(SYS_CLONE_NEWUSER, &pidfd);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, files[i]);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, map, sizeof(map) - 1) < 0)
			return -1;
		close(fd);
	}
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	namespace = open(path, O_RDONLY | O_CLOEXEC);
	return namespace;
}

static int run_program(enum other other)
{
	int pidfd = -1;
	int user = other == RUNC ? runc_namespace() : -1;
	pid_t pid = clone_into(0, &pidfd);

	if (pid == 0) {
		if (other == RUNC && setns(user, CLONE_NEWUSER) < 0)
			_exit(125);
		if (other == BUBBLEWRAP &&
		    dup2(open("/run/filter.bpf", O_RDONLY), FILTER_FD) < 0)
			_exit(126);
		execve(programs[other].program, (char *const *)programs[other].argv,
		       (char *const *)environment);
		_exit(127);
	}
	return pid < 0 ? -errno : await(pid, pidfd);
}

int other_run(enum other other)
{
	return other == BARE ? run_bare() : run_program(other);
}
