/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the workers may ask of the kernel, with a reason a rule. Neither opens a file by its name
 * for writing, starts a program, signals a process, nor makes memory executable. They share the
 * node's process numbers: a call that takes one is not allowed, for its answer would tell which
 * there are.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "hostd/role.h"

#define ALLOW(name, reason) {.syscall = (name), .why = (reason)}
#define ALLOW_EQ(name, reason, n, v)                                                               \
	{.syscall = (name), .why = (reason), .arg = (n), .mask = 0xffffffffu, .value = (v)}
#define ALLOW_MASK(name, reason, n, m, v)                                                          \
	{.syscall = (name), .why = (reason), .arg = (n), .mask = (m), .value = (v)}

#define NOTHING(name, reason) {.syscall = (name), .why = (reason), .nothing = true}
/* Without its flags for private ones and for the clock. */
#define FUTEX(op, reason) ALLOW_MASK("futex", reason, 1, (uint32_t)FUTEX_CMD_MASK, op)

/* The loop, libzmq's threads and the C library's memory: needed by both. */
#define COMMON                                                                                     \
	ALLOW("read", "eventfd of libzmq's mailboxes, stream engines"),                            \
	ALLOW("write", "the same, and a log line"), ALLOW("writev", "musl's stdio"),               \
	ALLOW("close", ""), ALLOW("recvmsg", "ipc with descriptors"),                              \
	ALLOW("sendmsg", "ipc, the kernel's stream"), ALLOW("recvfrom", "stream engines"),         \
	ALLOW("sendto", "stream engines"), ALLOW("connect", "libzmq connects; it never binds"),    \
	ALLOW("getsockopt", "SO_ERROR after connect"), ALLOW("setsockopt", "buffers, keepalive"),  \
	ALLOW("getsockname", "libzmq's event of a new connection"),                                \
	ALLOW("getpeername", "libzmq's stream engine"), ALLOW("shutdown", ""),                     \
	ALLOW("epoll_create1", "the loop and libzmq's poller"),                                    \
	ALLOW("epoll_create", "libzmq's poller"), ALLOW("epoll_ctl", ""),                          \
	ALLOW("epoll_wait", ""), ALLOW("epoll_pwait", ""), ALLOW("poll", "libzmq's mailboxes"),    \
	ALLOW("ppoll", "the same"), ALLOW("eventfd2", "libzmq's mailboxes"),                       \
	ALLOW_EQ("fcntl", "O_NONBLOCK", 1, F_GETFL), ALLOW_EQ("fcntl", "O_NONBLOCK", 1, F_SETFL),  \
	ALLOW_EQ("fcntl", "FD_CLOEXEC", 1, F_GETFD), ALLOW_EQ("fcntl", "FD_CLOEXEC", 1, F_SETFD),  \
	FUTEX(FUTEX_WAIT, "locks between its threads"), FUTEX(FUTEX_WAKE, "the same"),             \
	FUTEX(FUTEX_REQUEUE, "conditions between them"),                                           \
	ALLOW("clock_gettime", "where the vdso does not serve it"),                                \
	ALLOW("gettimeofday", "libzmq's clock"), ALLOW("clock_nanosleep", "libzmq's close"),       \
	ALLOW("nanosleep", "the same"), ALLOW("getrandom", "keys, nonces, ids"),                   \
	ALLOW("getpid", "libzmq looks for forks"), ALLOW("gettid", "thread names"),                \
	ALLOW("set_robust_list", "new threads"), ALLOW("set_tid_address", "new threads"),          \
	ALLOW("rseq", "new threads of glibc"), ALLOW("sched_yield", "libzmq's spin"),              \
	ALLOW_EQ("sched_getaffinity", "how many CPUs it may use", 0, 0),                           \
	NOTHING("sched_getparam", "libzmq sets its threads to the default they have"),             \
	NOTHING("sched_getscheduler", "the same"), NOTHING("sched_setscheduler", "the same"),      \
	ALLOW("rt_sigprocmask", "thread start"),                                                   \
	ALLOW("rt_sigaction", "abort() of an assertion"), ALLOW("rt_sigreturn", ""),               \
	ALLOW("restart_syscall", "after a stop"), ALLOW("madvise", "the allocator"),               \
	ALLOW("mlock", "libsodium keeps secrets out of swap"), ALLOW("munlock", "the same"),       \
	ALLOW("brk", "the allocator"), ALLOW("munmap", "the allocator"),                           \
	ALLOW("mremap", "the allocator"),                                                          \
	ALLOW_MASK("mmap", "memory, never executable", 2, PROT_EXEC, 0),                           \
	ALLOW_MASK("mprotect", "stack guards, never executable", 2, PROT_EXEC, 0),                 \
	ALLOW_MASK("clone", "threads only: no process, no namespace", 0,                           \
		   CLONE_THREAD | CLONE_VM | 0x7e020000u, CLONE_THREAD | CLONE_VM),                \
	ALLOW_EQ("prctl", "thread names", 0, PR_SET_NAME), ALLOW("exit", "a thread's end"),        \
	ALLOW("exit_group", "")

static const struct role_rule link_rules[] = {
	COMMON,
	ALLOW_EQ("socket", "to the gateways", 0, AF_INET),
};

static const struct role_rule relay_rules[] = {
	COMMON,
	ALLOW_EQ("socket", "to the kernel's five sockets", 0, AF_UNIX),
	/* stat(2) under its many names: has the kernel bound its sockets? */
	ALLOW("faccessat", "looks whether a socket is there"),
	ALLOW("faccessat2", "the same"),
	ALLOW("access", "the same"),
};

const struct role_policy role_policy_link = {
	.rules = link_rules,
	.count = sizeof(link_rules) / sizeof(link_rules[0]),
};

const struct role_policy role_policy_relay = {
	.rules = relay_rules,
	.count = sizeof(relay_rules) / sizeof(relay_rules[0]),
};
