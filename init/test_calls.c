/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DHCP client's list of calls, asked of the kernel: every number, natively and with the x32
 * bit, and every value of an argument that a row names, against what is said here a second time.
 */
#include <asm/prctl.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/test.h"
#include "init/dhcp.h"

#define NUMBERS 512
#define PROBES 335 /* and the next: of a kernel that has uprobes, which asks no list about them */
#define X32_BIT 0x40000000L

/* Whatever their arguments; vfork is not tried, since its child would go on in our stack. */
static const int any[] = {
	SYS_bind, SYS_sendto, SYS_recvmsg, SYS_ppoll, SYS_nanosleep, SYS_clock_nanosleep,
	SYS_clock_gettime, SYS_restart_syscall, SYS_rt_sigaction, SYS_rt_sigprocmask,
	SYS_rt_sigreturn, SYS_pipe2, SYS_fcntl, SYS_dup3, SYS_close, SYS_read, SYS_write,
	SYS_writev, SYS_execve, SYS_wait4, SYS_set_tid_address, SYS_exit_group, SYS_capset,
	SYS_openat, SYS_renameat, SYS_renameat2, SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise,
	SYS_poll, SYS_pipe, SYS_dup2, SYS_open, SYS_rename,
};

/* Whose argument is tried with all values below the end, and those that are in the list. */
static const struct {
	const char *name;
	int number, argument;
	long end, first; /* tried from first on */
	long allowed[3];
	size_t count;
} ones[] = {
	{"socket", SYS_socket, 0, 64, 0, {AF_INET, AF_PACKET}, 2},
	{"setsockopt", SYS_setsockopt, 1, 300, 0, {SOL_PACKET}, 1},
	{"ioctl of interfaces", SYS_ioctl, 1, 0x89ff, 0x8900, {SIOCGIFINDEX, SIOCGIFHWADDR}, 2},
	{"ioctl of terminals", SYS_ioctl, 1, 0x5460, 0x5400, {TIOCGWINSZ}, 1},
	{"mmap", SYS_mmap, 2, 8, 0, {-1}, 0},	      /* by its bits, below */
	{"mprotect", SYS_mprotect, 2, 8, 0, {-1}, 0}, /* the same */
	{"arch_prctl", SYS_arch_prctl, 0, 0x1010, 0x1000, {ARCH_SET_FS}, 1},
};

/* In a process of its own, which only this call of, all other arguments of -1, can end by the list. */
static bool allowed(long number, int argument, long value)
{
	struct sock_fprog program = {
		.len = (unsigned short)dhcp_calls_count,
		.filter = (struct sock_filter *)dhcp_calls, /* only read */
	};
	long a[4] = {-1, -1, -1, -1};
	pid_t pid = fork();
	int status = 0;

	if (argument >= 0)
		a[argument] = value;
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
			raise(SIGSYS);
		syscall(number, a[0], a[1], a[2], a[3], -1L, -1L);
		syscall(SYS_exit_group, 0L);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return !WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS;
}

static void test_numbers(void)
{
	for (int number = 0; number < NUMBERS; number++) {
		char name[16];
		bool listed = false;

		for (size_t i = 0; i < sizeof(any) / sizeof(*any); i++)
			listed = listed || any[i] == number;
		snprintf(name, sizeof(name), "%d", number);
		if (number != SYS_vfork && number != PROBES && number != PROBES + 1)
			CHECK_ROW(allowed(number, -1, 0) == listed, name);
		CHECK_ROW(!allowed(number | X32_BIT, -1, 0), name);
	}
}

static void test_arguments(void)
{
	const long vfork = CLONE_VM | CLONE_VFORK | SIGCHLD;

	for (size_t i = 0; i < sizeof(ones) / sizeof(*ones); i++)
		for (long value = ones[i].first; value < ones[i].end; value++) {
			bool listed = ones[i].count == 0 && !(value & PROT_EXEC);

			for (size_t k = 0; k < ones[i].count; k++)
				listed = listed || ones[i].allowed[k] == value;
			CHECK_ROW(allowed(ones[i].number, ones[i].argument, value) == listed,
				  ones[i].name);
		}
	for (int bit = 0; bit < 32; bit++) /* each flag more or less than a vfork's */
		CHECK(!allowed(SYS_clone, 0, vfork ^ (1L << bit)));
}

int main(void)
{
	const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	test_numbers();
	test_arguments();
	return TEST_RESULT();
}
