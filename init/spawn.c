/* SPDX-License-Identifier: Apache-2.0 */
#include "init/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/securebits.h>
#include <signal.h>
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

static void set_capabilities(uint64_t capabilities)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	for (int i = 0; i < 2; i++) {
		uint32_t half = (uint32_t)(capabilities >> (32 * i));

		data[i].effective = data[i].permitted = data[i].inheritable = half;
	}
	must(syscall(SYS_capset, &head, data) == 0);
	for (unsigned long cap = 0; cap < 64; cap++)
		if (capabilities & UINT64_C(1) << cap)
			must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) == 0);
}

/*
 * The order is forced: the bounding set and the securebits need CAP_SETPCAP, which is gone
 * with uid 0; KEEP_CAPS carries the permitted set over the change of uid, from which the few
 * are kept; ambient ones survive the exec. no_new_privs comes last and closes every way back.
 */
static void drop_to(uid_t uid, uint64_t capabilities)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!(capabilities & UINT64_C(1) << cap))
			must(prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0);
	must(prctl(PR_SET_SECUREBITS,
		   SECBIT_KEEP_CAPS | SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0) == 0);
	must(setgroups(0, NULL) == 0);
	must(setresgid(uid, uid, uid) == 0);
	must(setresuid(uid, uid, uid) == 0);
	set_capabilities(capabilities);
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

static void join_cgroup(const char *folder)
{
	char path[128];

	must(snprintf(path, sizeof(path), "%s/cgroup.procs", folder) < (int)sizeof(path));
	must(file_set(path, "0") == 0);
}

static _Noreturn void child(const struct spawn *spawn)
{
	sigset_t none;

	join_cgroup(spawn->cgroup);
	must(setsid() >= 0);
	set_descriptors(spawn);
	for (const struct spawn_limit *l = spawn->limits; l && l->resource >= 0; l++) {
		struct rlimit limit = {.rlim_cur = l->value, .rlim_max = l->value};

		must(setrlimit((__typeof__(RLIMIT_CORE))l->resource, &limit) == 0);
	}
	if (spawn->uid != 0)
		drop_to(spawn->uid, spawn->capabilities);
	sigemptyset(&none);
	must(sigprocmask(SIG_SETMASK, &none, NULL) == 0); /* init blocks all; nothing is handled */
	/* execve does not write to its arguments; its type is older than const. */
	execve(spawn->argv[0], (char *const *)spawn->argv, (char *const *)spawn->envp);
	_exit(127);
}

pid_t spawn_start(const struct spawn *spawn)
{
	pid_t pid = fork();

	if (pid == 0)
		child(spawn);
	return pid < 0 ? -errno : pid;
}
