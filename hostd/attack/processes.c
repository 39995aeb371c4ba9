/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts on other processes: the node's, another cell's, and the cell's own PID 1. */
#include "hostd/attack/attempt.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define NR_process_madvise 440

#define TARGETED(name, function)                                                                   \
	static long name##_host(const struct world *world)                                         \
	{                                                                                          \
		return function(world->host);                                                      \
	}                                                                                          \
	static long name##_neighbour(const struct world *world)                                    \
	{                                                                                          \
		return function(world->neighbour);                                                 \
	}

static long signal_to(pid_t pid)
{
	return TRY(SYS_kill, pid, 0);
}
TARGETED(signal, signal_to)

static long queue_to(pid_t pid)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_code = SI_QUEUE;
	return TRY(SYS_rt_sigqueueinfo, pid, SIGWINCH, &info);
}
TARGETED(queue, queue_to)

/* Seized: the target goes on as if nothing were. */
static long trace(pid_t pid)
{
	return TRY(SYS_ptrace, PTRACE_SEIZE, pid, 0L, 0L);
}
TARGETED(trace, trace)

static long trace_init(const struct world *world)
{
	(void)world;
	return trace(1);
}

static long trace_child(const struct world *world)
{
	pid_t pid = fork();
	long result;

	(void)world;
	if (pid == 0) {
		(void)syscall(SYS_ppoll, NULL, 0L, NULL, NULL, 0L);
		_exit(0);
	}
	result = trace(pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return result;
}

static long transfer(pid_t pid, long number)
{
	char byte = 0;
	struct iovec here = {&byte, 1}, there = {(void *)(long)&errno, 1};

	return TRY(number, pid, &here, 1L, &there, 1L, 0L);
}

/* Whatever is there: that nothing is mapped is found out only after all checks. */
static long read_memory(pid_t pid)
{
	return transfer(pid, SYS_process_vm_readv);
}
TARGETED(read, read_memory)

static long write_memory(pid_t pid)
{
	return transfer(pid, SYS_process_vm_writev);
}
TARGETED(write, write_memory)

static long read_init(const struct world *world)
{
	(void)world;
	return read_memory(1);
}

static long take_descriptor(pid_t pid)
{
	long pidfd = TRY(SYS_pidfd_open, pid, 0);

	return pidfd < 0 ? pidfd : TRY(SYS_pidfd_getfd, pidfd, 0, 0);
}
TARGETED(take, take_descriptor)

static long take_from_init(const struct world *world)
{
	(void)world;
	return take_descriptor(1);
}

static long compare(const struct world *world)
{
	(void)world;
	return TRY(SYS_kcmp, getpid(), getpid(), 0, 0, 0);
}

static long limit_other(pid_t pid)
{
	struct rlimit limit;

	return TRY(SYS_prlimit64, pid, RLIMIT_NOFILE, NULL, &limit);
}
TARGETED(limit, limit_other)

static long slow_down(pid_t pid)
{
	return TRY(SYS_setpriority, PRIO_PROCESS, pid, 19);
}
TARGETED(slow, slow_down)

static long pin(pid_t pid)
{
	unsigned long mask = 1;

	return TRY(SYS_sched_setaffinity, pid, sizeof(mask), &mask);
}
TARGETED(pin, pin)

static long schedule(pid_t pid)
{
	const struct sched_param none = {0};

	return TRY(SYS_sched_setscheduler, pid, SCHED_OTHER, &none);
}
TARGETED(schedule, schedule)

static long watch(pid_t pid)
{
	return TRY(SYS_pidfd_open, pid, 0);
}
TARGETED(watch, watch)

static long robust_list(const struct world *world)
{
	void *head;
	size_t len;

	return TRY(SYS_get_robust_list, world->host, &head, &len);
}

/* More than an ordinary process may have. */
static long raise_limit(int resource, unsigned long value)
{
	const struct rlimit limit = {value, value};

	return TRY(SYS_prlimit64, 0, resource, &limit, NULL);
}

static long raise_files(const struct world *world)
{
	(void)world;
	return raise_limit(RLIMIT_NOFILE, 8192);
}

static long raise_core(const struct world *world)
{
	(void)world;
	return raise_limit(RLIMIT_CORE, 1 << 20);
}

static long raise_memlock(const struct world *world)
{
	(void)world;
	return raise_limit(RLIMIT_MEMLOCK, 1 << 30);
}

static long open_many(const struct world *world)
{
	int fd = 0;

	(void)world;
	for (int i = 0; i < 4200; i++) {
		fd = (int)TRY(SYS_dup, 0);
		if (fd < 0)
			return fd;
	}
	return 0;
}

/* As many as twice what a cell may have; those that came to be are ended. */
static long fork_many(const struct world *world)
{
	pid_t pids[160];
	int count = 0;
	long result = 0;

	(void)world;
	while (count < 160) {
		pids[count] = fork();
		if (pids[count] == 0) {
			(void)syscall(SYS_ppoll, NULL, 0L, NULL, NULL, 0L);
			_exit(0);
		}
		if (pids[count] < 0) {
			result = -errno;
			break;
		}
		count++;
	}
	for (int i = 0; i < count; i++)
		kill(pids[i], SIGKILL);
	for (int i = 0; i < count; i++)
		waitpid(pids[i], NULL, 0);
	return result;
}

/* clone with a namespace; the child has nothing to do. */
static long clone_with(unsigned long flags)
{
	pid_t pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0L, 0L, 0L, 0L);

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return -errno;
	waitpid(pid, NULL, 0);
	return 0;
}

#define CLONE(name, flag)                                                                          \
	static long clone_##name(const struct world *world)                                        \
	{                                                                                          \
		(void)world;                                                                       \
		return clone_with(flag);                                                           \
	}

CLONE(user, CLONE_NEWUSER)
CLONE(mount, CLONE_NEWNS)
CLONE(net, CLONE_NEWNET)
CLONE(pid, CLONE_NEWPID)
CLONE(ipc, CLONE_NEWIPC)
CLONE(uts, CLONE_NEWUTS)
CLONE(cgroup, CLONE_NEWCGROUP)

static long clone_3(unsigned long long flags, const pid_t *set_tid)
{
	struct clone_args args;
	pid_t pid;

	memset(&args, 0, sizeof(args));
	args.flags = flags;
	args.exit_signal = SIGCHLD;
	args.set_tid = (unsigned long long)(unsigned long)set_tid;
	args.set_tid_size = set_tid ? 1 : 0;
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return -errno;
	waitpid(pid, NULL, 0);
	return 0;
}

static long clone3_plain(const struct world *world)
{
	(void)world;
	return clone_3(0, NULL);
}

static long clone3_user(const struct world *world)
{
	(void)world;
	return clone_3(CLONE_NEWUSER, NULL);
}

static long clone3_set_tid(const struct world *world)
{
	static const pid_t wanted = 1234567;

	(void)world;
	return clone_3(0, &wanted);
}

const struct attempt process_attempts[] = {
	{"signal-host", signal_host},
	{"signal-neighbour", signal_neighbour},
	{"sigqueue-host", queue_host},
	{"sigqueue-neighbour", queue_neighbour},
	{"ptrace-host", trace_host},
	{"ptrace-neighbour", trace_neighbour},
	{"ptrace-init", trace_init},
	{"ptrace-child", trace_child},
	{"vm-read-host", read_host},
	{"vm-read-neighbour", read_neighbour},
	{"vm-read-init", read_init},
	{"vm-write-host", write_host},
	{"vm-write-neighbour", write_neighbour},
	{"getfd-host", take_host},
	{"getfd-neighbour", take_neighbour},
	{"getfd-init", take_from_init},
	{"kcmp", compare},
	{"prlimit-host", limit_host},
	{"prlimit-neighbour", limit_neighbour},
	{"nice-host", slow_host},
	{"nice-neighbour", slow_neighbour},
	{"affinity-host", pin_host},
	{"affinity-neighbour", pin_neighbour},
	{"scheduler-host", schedule_host},
	{"scheduler-neighbour", schedule_neighbour},
	{"pidfd-host", watch_host},
	{"pidfd-neighbour", watch_neighbour},
	{"robust-list-host", robust_list},
	{"raise-files", raise_files},
	{"raise-core", raise_core},
	{"raise-memlock", raise_memlock},
	{"open-many", open_many},
	{"fork-many", fork_many},
	{"clone-user", clone_user},
	{"clone-mount", clone_mount},
	{"clone-net", clone_net},
	{"clone-pid", clone_pid},
	{"clone-ipc", clone_ipc},
	{"clone-uts", clone_uts},
	{"clone-cgroup", clone_cgroup},
	{"clone3", clone3_plain},
	{"clone3-user", clone3_user},
	{"clone3-set-tid", clone3_set_tid},
	{NULL, NULL},
};
