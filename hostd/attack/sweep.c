/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every system call number, in a process each, with arguments that no call can use: all bits set
 * is no address, no descriptor and no process. Numbers in a row with one outcome are one line:
 * `sweep WAY FIRST LAST OUTCOME`.
 */
#include "hostd/attack/attempt.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define NUMBERS 1024
#define X32 0x40000000l
#define TIMEOUT_MS 2000

/* Without a libc around it: a new process that comes out of this one ends at once. */
static long native(long number)
{
	register long r10 __asm__("r10") = -1;
	register long r8 __asm__("r8") = -1;
	register long r9 __asm__("r9") = -1;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(-1l), "S"(-1l), "d"(-1l), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static long int80(long number)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(-1l), "c"(-1l), "d"(-1l), "S"(-1l), "D"(-1l)
			 : "r8", "r9", "r10", "r11", "memory");
	return (int)result;
}

static const struct {
	const char *name;
	long (*call)(long number);
	long bits;
} ways[] = {
	{"native", native, 0},
	{"int80", int80, 0},
	{"x32", native, X32},
};

/* What a child leaves: its outcome, in memory that it shares with this process. */
struct trace {
	long result;
	int returned;
};

static void child(size_t way, long number, struct trace *trace)
{
	pid_t self = getpid();
	long result = ways[way].call(number | ways[way].bits);

	if (getpid() != self) /* after a fork there are two of us here */
		_exit(0);
	trace->result = result;
	trace->returned = 1;
	_exit(0);
}

static void await(pid_t pid, int *ret_status)
{
	const struct timespec limit = {TIMEOUT_MS / 1000, 0};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	while (waitpid(pid, ret_status, WNOHANG) == 0)
		if (sigtimedwait(&set, NULL, &limit) < 0 && errno == EAGAIN)
			kill(pid, SIGKILL);
}

static void try_number(size_t way, long number, struct trace *trace, char *text, size_t size)
{
	int status = 0;
	pid_t pid;

	trace->returned = 0;
	pid = fork();
	if (pid == 0)
		child(way, number, trace);
	await(pid, &status);
	if (trace->returned)
		outcome_format(trace->result, text, size);
	else if (WIFSIGNALED(status))
		snprintf(text, size, "signal:%d", WTERMSIG(status));
	else
		snprintf(text, size, "exit");
}

int sweep(const char *name)
{
	struct trace *trace = mmap(NULL, sizeof(*trace), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char text[64], before[64] = "";
	size_t way = 0;
	int first = 0;
	sigset_t set;

	while (way < sizeof(ways) / sizeof(ways[0]) && strcmp(ways[way].name, name) != 0)
		way++;
	if (way == sizeof(ways) / sizeof(ways[0]) || trace == MAP_FAILED)
		return 2;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int number = 0; number <= NUMBERS; number++) {
		if (number < NUMBERS)
			try_number(way, number, trace, text, sizeof(text));
		if (number > 0 && (number == NUMBERS || strcmp(text, before) != 0)) {
			printf("sweep %s %d %d %s\n", name, first, number - 1, before);
			first = number;
		}
		snprintf(before, sizeof(before), "%s", text);
	}
	return 0;
}
