/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What udhcpc and the script it runs may ask of the kernel, with a reason a row; whatever else is
 * asked for ends the process. The rows are the kernel's program themselves: no compiler of such
 * lists is in init.
 */
#include <linux/audit.h>
#include <linux/if_packet.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "init/dhcp.h"

#if defined(__x86_64__)
#include <asm/prctl.h>
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "not a machine that nodes are made for"
#endif

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the low half of an argument is not where ARGUMENT looks"
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ARGUMENT(n) LOAD(args[n])
#define ANSWER(what) BPF_STMT(BPF_RET | BPF_K, what)

/* Each begins and goes on with the call's number loaded. */
#define CALL(name)                                                                                 \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1), ANSWER(SECCOMP_RET_ALLOW)
#define CALL_EQ(name, n, value)                                                                    \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 4), ARGUMENT(n),                       \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, 1), ANSWER(SECCOMP_RET_ALLOW), LOAD(nr)
#define CALL_WITHOUT(name, n, bits)                                                                \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 4), ARGUMENT(n),                       \
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), 1, 0), ANSWER(SECCOMP_RET_ALLOW), LOAD(nr)

const struct sock_filter dhcp_calls[] = {
	LOAD(arch),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
	ANSWER(SECCOMP_RET_KILL_PROCESS),
	LOAD(nr),

	/* The network: which interface it is, and frames. */
	CALL_EQ(socket, 0, AF_PACKET), CALL_EQ(socket, 0, AF_INET), /* the latter for the ioctls */
	CALL_EQ(ioctl, 1, SIOCGIFINDEX), CALL_EQ(ioctl, 1, SIOCGIFHWADDR),
	CALL_EQ(setsockopt, 1, SOL_PACKET), /* whether a checksum is to be looked at */
	CALL(bind), CALL(sendto), CALL(recvmsg),

	/* Its loop. */
	CALL(ppoll), CALL(nanosleep), CALL(clock_nanosleep),
	CALL(clock_gettime), /* where the vdso does not serve it */
	CALL(restart_syscall), CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn),
	CALL(pipe2), CALL(fcntl), CALL(dup3), CALL(close), CALL(read), CALL(write), CALL(writev),
	CALL_EQ(ioctl, 1, TIOCGWINSZ), /* musl's stdio asks whether it writes to a terminal */

	/* Its script; and both begin. There are two programs in this root. */
	CALL(execve), CALL(wait4), CALL(set_tid_address), CALL(exit_group), CALL(capset),
	CALL_EQ(clone, 0, CLONE_VM | CLONE_VFORK | SIGCHLD),

	/* The lease. There is one folder to make a file in. */
	CALL(openat), CALL(renameat), CALL(renameat2),

	/* Memory, never executable. */
	CALL(brk), CALL(munmap), CALL(mremap), CALL(madvise), CALL_WITHOUT(mmap, 2, PROT_EXEC),
	CALL_WITHOUT(mprotect, 2, PROT_EXEC),

#if defined(__x86_64__) /* older calls, which musl still makes */
	CALL(poll), CALL(pipe), CALL(dup2), CALL(open), CALL(rename), CALL(vfork),
	CALL_EQ(arch_prctl, 0, ARCH_SET_FS), /* where a thread's own variables are */
#endif
	ANSWER(SECCOMP_RET_KILL_PROCESS),
};

const size_t dhcp_calls_count = sizeof(dhcp_calls) / sizeof(*dhcp_calls);
