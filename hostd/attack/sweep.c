/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every system call number, with arguments that no call can use: all bits set is no address, no
 * descriptor and no process. A process that does not come back from one is followed by another.
 * Numbers in a row with one outcome are one line: `sweep WAY FIRST LAST OUTCOME`.
 */
#include "hostd/attack/attempt.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define NUMBERS 1024
#define X32 0x40000000L
#define TIMEOUT_S 3

/* Without a libc around it: a new process that comes out of this one ends at once. */
static long native(long number)
{
	register long r10 __asm__("r10") = -1;
	register long r8 __asm__("r8") = -1;
	register long r9 __asm__("r9") = -1;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(-1L), "S"(-1L), "d"(-1L), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static long int80(long number)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(-1L), "c"(-1L), "d"(-1L), "S"(-1L), "D"(-1L)
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

enum state { UNTRIED, TRYING, RETURNED, ENDED };

/* What a child leaves, in memory that it shares with this process. */
struct trace {
	long result[NUMBERS];
	enum state state[NUMBERS];
	int outcome[NUMBERS]; /* the wait status of who did not return from it, or -1 for a hang */
};

/* Goes on from number to number while the calls return: most are refused, and harmless. */
static _Noreturn void child(size_t way, int from, struct trace *trace)
{
	pid_t self = getpid();

	for (int number = from; number < NUMBERS; number++) {
		long result;

		trace->state[number] = TRYING;
		result = ways[way].call(number | ways[way].bits);
		if (getpid() != self) /* after a fork there are two of us here */
			_exit(0);
		trace->result[number] = result;
		trace->state[number] = RETURNED;
	}
	_exit(0);
}

static int trying(const struct trace *trace)
{
	int number = 0;

	while (number < NUMBERS && trace->state[number] != TRYING)
		number++;
	return number;
}

/* Waits for the child's end; one that stays at a number is ended. */
static void await(pid_t pid, struct trace *trace)
{
	const struct timespec limit = {.tv_sec = TIMEOUT_S};
	int status = 0, number = trying(trace), hangs = 0;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	while (waitpid(pid, &status, WNOHANG) == 0)
		if (sigtimedwait(&set, NULL, &limit) < 0 && errno == EAGAIN) {
			hangs = number == trying(trace) && number < NUMBERS;
			number = trying(trace);
			if (hangs)
				kill(pid, SIGKILL);
		}
	number = trying(trace);
	if (number < NUMBERS) {
		trace->state[number] = ENDED;
		trace->outcome[number] = hangs ? -1 : status;
	}
}

static void format(const struct trace *trace, int number, char *text, size_t size)
{
	int status = trace->outcome[number];

	if (trace->state[number] == RETURNED)
		outcome_format(trace->result[number], text, size);
	else if (trace->state[number] != ENDED)
		snprintf(text, size, "untried");
	else if (status == -1)
		snprintf(text, size, "hangs");
	else if (WIFSIGNALED(status))
		snprintf(text, size, "signal:%d", WTERMSIG(status));
	else
		snprintf(text, size, "exit");
}

static void print(const char *way, const struct trace *trace, FILE *out)
{
	char text[64] = "", before[64] = "";
	int first = 0;

	for (int number = 0; number <= NUMBERS; number++) {
		if (number < NUMBERS)
			format(trace, number, text, sizeof(text));
		if (number > 0 && (number == NUMBERS || strcmp(text, before) != 0)) {
			fprintf(out, "sweep %s %d %d %s\n", way, first, number - 1, before);
			first = number;
		}
		snprintf(before, sizeof(before), "%s", text);
	}
}

int sweep(const char *name, void (*enter)(void *ctx), void *ctx, FILE *out)
{
	struct trace *trace = mmap(NULL, sizeof(*trace), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size_t way = 0;
	int from = 0;
	sigset_t set;

	while (way < sizeof(ways) / sizeof(ways[0]) && strcmp(ways[way].name, name) != 0)
		way++;
	if (way == sizeof(ways) / sizeof(ways[0]) || trace == MAP_FAILED)
		return 2;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	while (from < NUMBERS) {
		pid_t pid = fork();

		if (pid < 0)
			return 1;
		if (pid == 0) {
			if (enter)
				enter(ctx);
			child(way, from, trace);
		}
		await(pid, trace);
		if (trace->state[from] == UNTRIED)
			return 1;
		while (from < NUMBERS && trace->state[from] != UNTRIED)
			from++;
	}
	print(name, trace, out);
	return 0;
}
