/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts on the kernel itself: other ways to call it, subsystems with a history, clocks. */
#include "hostd/attack/attempt.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/mqueue.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <time.h>

#define KEY 0xa77ac4 /* cells.c makes objects of this key outside, for root alone */
#define QUEUE "attack"
#define VSYSCALL_TIME 0xffffffffff600400UL

static long int80(const struct world *world)
{
	int result;

	(void)world;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
	return result; /* getpid */
}

static long int80_mount(const struct world *world)
{
	int result;

	(void)world;
	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(21), "b"(0), "c"(0), "d"(0), "S"(0), "D"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static long x32(const struct world *world)
{
	(void)world;
	return TRY(0x40000000L | SYS_getpid);
}

/* The instruction that 32-bit programs enter by; in 64-bit code AMD's kernel sees i386 there. */
static long vsyscall(const struct world *world)
{
	long (*volatile get_time)(long *) = (long (*)(long *))VSYSCALL_TIME;
	long result;

	(void)world;
	__asm__ volatile("call *%1" : "=a"(result) : "r"(get_time), "D"(0) : "memory", "rcx", "r11");
	return result;
}

static long bpf_map(const struct world *world)
{
	union bpf_attr attr;

	(void)world;
	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = 8;
	attr.max_entries = 1;
	return TRY(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
}

static long bpf_program(const struct world *world)
{
	static const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr;

	(void)world;
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	attr.insn_cnt = 2;
	attr.insns = (unsigned long)code;
	attr.license = (unsigned long)"GPL";
	return TRY(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static long perf(unsigned type, unsigned config, bool kernel)
{
	struct perf_event_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.size = sizeof(attr);
	attr.type = type;
	attr.config = config;
	attr.exclude_kernel = !kernel;
	attr.exclude_hv = 1;
	return TRY(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static long perf_self(const struct world *world)
{
	(void)world;
	return perf(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, false);
}

static long perf_kernel(const struct world *world)
{
	(void)world;
	return perf(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, true);
}

static long uring(const struct world *world)
{
	struct io_uring_params params;

	(void)world;
	memset(&params, 0, sizeof(params));
	return TRY(SYS_io_uring_setup, 1, &params);
}

static long queue_open(const char *name, int flags)
{
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 16};

	return TRY(SYS_mq_open, name, flags, 0600, &attr);
}

static long queue_own(const struct world *world)
{
	(void)world;
	return queue_open("attack-own", O_RDWR | O_CREAT);
}

static long queue_other(const struct world *world)
{
	(void)world;
	return queue_open(QUEUE, O_RDWR);
}

static long shm_own(const struct world *world)
{
	(void)world;
	return TRY(SYS_shmget, IPC_PRIVATE, 4096L, IPC_CREAT | 0600);
}

static long sem_own(const struct world *world)
{
	(void)world;
	return TRY(SYS_semget, IPC_PRIVATE, 1L, IPC_CREAT | 0600);
}

static long msg_own(const struct world *world)
{
	(void)world;
	return TRY(SYS_msgget, IPC_PRIVATE, IPC_CREAT | 0600);
}

static long shm_other(const struct world *world)
{
	(void)world;
	return TRY(SYS_shmget, KEY, 0L, 0600);
}

static long sem_other(const struct world *world)
{
	(void)world;
	return TRY(SYS_semget, KEY, 0L, 0600);
}

static long msg_other(const struct world *world)
{
	(void)world;
	return TRY(SYS_msgget, KEY, 0600);
}

static long pipes(long number)
{
	int a[2], b[2];
	static char byte = 1;
	struct iovec data = {&byte, 1};

	if (syscall(SYS_pipe2, a, O_CLOEXEC) < 0 || syscall(SYS_pipe2, b, O_CLOEXEC) < 0 ||
	    write(a[1], "x", 1) != 1)
		return -EPIPE;
	if (number == SYS_vmsplice)
		return TRY(number, a[1], &data, 1L, 0L);
	if (number == SYS_tee)
		return TRY(number, a[0], b[1], 1L, 0L);
	return TRY(number, a[0], NULL, b[1], NULL, 1L, 0L);
}

static long splice_pipes(const struct world *world)
{
	(void)world;
	return pipes(SYS_splice);
}

static long tee_pipes(const struct world *world)
{
	(void)world;
	return pipes(SYS_tee);
}

static long vmsplice_pipe(const struct world *world)
{
	(void)world;
	return pipes(SYS_vmsplice);
}

static long big_pipe(const struct world *world)
{
	int pair[2];

	(void)world;
	if (syscall(SYS_pipe2, pair, O_CLOEXEC) < 0)
		return -errno;
	return TRY(SYS_fcntl, pair[1], F_SETPIPE_SZ, 4 << 20);
}

/* All that this process might still have, made effective. */
static long capabilities(const struct world *world)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	(void)world;
	memset(data, 0, sizeof(data));
	data[0].effective = data[0].permitted = 1u << CAP_SYS_ADMIN;
	return TRY(SYS_capset, &header, data);
}

static long set_time(const struct world *world)
{
	struct timespec now;
	struct timeval value;

	(void)world;
	clock_gettime(CLOCK_REALTIME, &now);
	value = (struct timeval){now.tv_sec, 0};
	return TRY(SYS_settimeofday, &value, NULL);
}

static long adjust(long number)
{
	struct timex timex;

	memset(&timex, 0, sizeof(timex));
	timex.modes = ADJ_FREQUENCY;
	return number == SYS_adjtimex ? TRY(number, &timex) : TRY(number, CLOCK_REALTIME, &timex);
}

static long adjust_time(const struct world *world)
{
	(void)world;
	return adjust(SYS_adjtimex);
}

static long adjust_clock(const struct world *world)
{
	(void)world;
	return adjust(SYS_clock_adjtime);
}

static long make_timer(const struct world *world)
{
	struct sigevent event;
	int id;

	(void)world;
	memset(&event, 0, sizeof(event));
	event.sigev_notify = SIGEV_NONE;
	return TRY(SYS_timer_create, CLOCK_MONOTONIC, &event, &id);
}

/* A filter whose notifications one reads oneself. */
static long listen_to_filter(const struct world *world)
{
	static struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	const struct sock_fprog program = {1, code};

	(void)world;
	return TRY(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
		   &program);
}

/* Any descriptor that nobody here opened. */
static long inherited(const struct world *world)
{
	(void)world;
	for (int fd = 3; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return fd;
	return -EBADF;
}

const struct attempt system_attempts[] = {
	{"int80-getpid", int80},
	{"int80-mount", int80_mount},
	{"x32-getpid", x32},
	{"vsyscall", vsyscall},
	{"bpf-map", bpf_map},
	{"bpf-program", bpf_program},
	{"perf-self", perf_self},
	{"perf-kernel", perf_kernel},
	{"io-uring-setup", uring},
	{"mq-own", queue_own},
	{"mq-other", queue_other},
	{"shm-own", shm_own},
	{"sem-own", sem_own},
	{"msg-own", msg_own},
	{"shm-other", shm_other},
	{"sem-other", sem_other},
	{"msg-other", msg_other},
	{"splice", splice_pipes},
	{"tee", tee_pipes},
	{"vmsplice", vmsplice_pipe},
	{"pipe-size", big_pipe},
	{"capset", capabilities},
	{"settimeofday", set_time},
	{"adjtimex", adjust_time},
	{"clock-adjtime", adjust_clock},
	{"timer-create", make_timer},
	{"seccomp-listener", listen_to_filter},
	{"inherited-descriptor", inherited},
	{NULL, NULL},
};
