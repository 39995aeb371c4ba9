/* SPDX-License-Identifier: Apache-2.0 */
#include "init/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init/files.h"

/* In the child: what is half dropped cannot be mended, so every failure ends it. */
static void must(int ok)
{
	if (!ok)
		_exit(126);
}

static void set_descriptors(const struct spawn *spawn)
{
	int output = spawn->output;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	must(null >= 0);
	must(dup2(null, 0) == 0);
	must(dup2(output < 0 ? null : output, 1) == 1);
	must(dup2(output < 0 ? null : output, 2) == 2);
	must(syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0);
	for (size_t i = 0; i < spawn->keep_count; i++)
		must(fcntl(spawn->keep[i], F_SETFD, 0) == 0);
}

#define SECUREBITS                                                                                 \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |                           \
	 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |   \
	 SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

/* all: root's, and what is to be kept may be inherited; else it is all there is from now on. */
static void set_capabilities(uint64_t kept, bool all)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	must(syscall(SYS_capget, &head, data) == 0);
	for (int i = 0; i < 2; i++) {
		data[i].inheritable = (uint32_t)(kept >> (32 * i));
		if (!all)
			data[i].effective = data[i].permitted = data[i].inheritable;
	}
	must(syscall(SYS_capset, &head, data) == 0);
}

/*
 * The order is forced: what may be inherited has to be in the bounding set when it is said, and is
 * ambient, which an exec carries on, before none can be made so. The bounding set and the
 * securebits need CAP_SETPCAP, so the change of uid comes behind them and takes nothing away
 * (NO_SETUID_FIXUP); that is done by hand. no_new_privs comes last and closes every way back.
 */
static void drop_to(uid_t uid, uint64_t capabilities)
{
	set_capabilities(capabilities, true);
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (cap < 64 && capabilities & UINT64_C(1) << cap)
			must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) == 0);
		must(prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0);
	}
	must(prctl(PR_SET_SECUREBITS, SECUREBITS, 0, 0, 0) == 0);
	must(setgroups(0, NULL) == 0);
	must(setresgid(uid, uid, uid) == 0);
	must(setresuid(uid, uid, uid) == 0);
	set_capabilities(capabilities, false);
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

static void join_cgroup(const char *folder)
{
	char path[128];

	must(snprintf(path, sizeof(path), "%s/cgroup.procs", folder) < (int)sizeof(path));
	must(file_set(path, "0") == 0);
}

static void set_calls(const struct spawn *spawn)
{
	/* The kernel only reads it; its type is older than const. */
	struct sock_fprog program = {
		.len = (unsigned short)spawn->calls_count,
		.filter = (struct sock_filter *)spawn->calls,
	};

	must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0);
}

static void become(const struct spawn *spawn)
{
	sigset_t none;

	join_cgroup(spawn->cgroup);
	must(setsid() >= 0);
	set_descriptors(spawn);
	for (const struct spawn_limit *l = spawn->limits; l && l->resource >= 0; l++) {
		struct rlimit limit = {.rlim_cur = l->value, .rlim_max = l->value};

		must(setrlimit((__typeof__(RLIMIT_CORE))l->resource, &limit) == 0);
	}
	if (spawn->root) {
		must(unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP) == 0);
		must(root_enter(spawn->root) == 0);
	}
	if (spawn->uid != 0)
		drop_to(spawn->uid, spawn->capabilities);
	sigemptyset(&none);
	must(sigprocmask(SIG_SETMASK, &none, NULL) == 0); /* init blocks all; nothing is handled */
	if (spawn->uid != 0 && spawn->calls)
		set_calls(spawn);
}

/* Only clone(2) starts a process in numbers of its own; the C library's fork cannot. */
pid_t spawn_fork(const struct spawn *spawn)
{
	pid_t pid = spawn->root ? (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0) :
				  fork();

	if (pid == 0)
		become(spawn);
	return pid < 0 ? -errno : pid;
}

pid_t spawn_start(const struct spawn *spawn)
{
	pid_t pid = spawn_fork(spawn);

	if (pid != 0)
		return pid;
	/* execve does not write to its arguments; its type is older than const. */
	execve(spawn->argv[0], (char *const *)spawn->argv, (char *const *)spawn->envp);
	_exit(127);
}
