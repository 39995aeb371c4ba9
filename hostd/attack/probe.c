/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attack-probe: the payload of hostile cells. Makes attempts by name, each in a process of its
 * own, and prints a line of each: `probe NAME OUTCOME`. It needs no more of the kernel than both
 * profiles allow, and is the /bin/sh of the environment `attack`, so that popen runs it.
 *
 *   attack-probe [host=PID] [neighbour=PID] [disk=MAJOR:MINOR] NAME...
 *   attack-probe list             the names
 *   attack-probe sweep native|int80|x32
 *   attack-probe -c 'WORDS'       the same words in one
 */
#include "hostd/attack/attempt.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

#define WORDS_MAX 512
#define TIMEOUT_S 20
#define AGAIN 77 /* a child that got a target's number as its own pid */

static const struct attempt *const tables[] = {
	file_attempts,	 mount_attempts,  process_attempts,
	socket_attempts, datagram_attempts, system_attempts,
	terminal_attempts,
};

static long make_opening(const struct opening *opening, const struct world *world)
{
	char path[256];
	const char *mark = strchr(opening->path, '%');
	struct stat st;
	long result;

	if (mark)
		snprintf(path, sizeof(path), "%.*s%d%s", (int)(mark - opening->path), opening->path,
			 (int)(mark[1] == 'h' ? world->host : world->neighbour), mark + 2);
	else
		snprintf(path, sizeof(path), "%s", opening->path);
	result = TRY(SYS_openat, AT_FDCWD, path, opening->flags | O_CLOEXEC | O_NONBLOCK, 0600);
	/* What stands in the place of a file that is hidden has no mode: root alone opens it. */
	if (result >= 0 && fstat((int)result, &st) == 0 && (st.st_mode & 07777) == 0)
		return -ENODATA;
	if (result >= 0 && (opening->flags & O_CREAT))
		(void)syscall(SYS_unlinkat, AT_FDCWD, path, 0); /* to be made again */
	return result;
}

/* `call:NUMBER,ARGUMENT,...`: a call that has no name here; arguments not given are impossible. */
static bool make_numbered(const char *name, long *ret_result)
{
	long a[7] = {-1, -1, -1, -1, -1, -1, -1};
	char *at;

	if (strncmp(name, "call:", 5) != 0)
		return false;
	at = (char *)name + 4;
	for (int i = 0; i < 7 && *at; i++)
		a[i] = (long)strtoull(at + 1, &at, 0);
	*ret_result = TRY(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
	return true;
}

/* False where there is no attempt of that name. */
static bool make(const char *name, const struct world *world, long *ret_result)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct attempt *attempt = tables[i]; attempt->name; attempt++)
			if (strcmp(attempt->name, name) == 0) {
				*ret_result = attempt->make(world);
				return true;
			}
	for (const struct call *call = calls; call->name; call++)
		if (strcmp(call->name, name) == 0) {
			const long *a = call->argument;

			*ret_result = TRY(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
			return true;
		}
	for (const struct opening *opening = openings; opening->name; opening++)
		if (strcmp(opening->name, name) == 0) {
			*ret_result = make_opening(opening, world);
			return true;
		}
	return make_numbered(name, ret_result);
}

/* What a child leaves behind, in memory that it shares: a pipe would be more than cell-init's
 * profile allows. */
struct trace {
	long result;
	bool made;
};

static _Noreturn void child(const char *name, const struct world *world, struct trace *trace)
{
	pid_t self = getpid();
	long result = 0;

	if (self == world->host || self == world->neighbour)
		_exit(AGAIN);
	if (!make(name, world, &result))
		_exit(2);
	if (getpid() != self) /* what a clone made */
		_exit(0);
	trace->result = result;
	trace->made = true;
	_exit(0);
}

/* Waits for it; a child that hangs is killed. Returns the wait status, or -1 for a hang. */
static int await(pid_t pid)
{
	const struct timespec limit = {.tv_sec = TIMEOUT_S};
	sigset_t set;
	int status = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	while (waitpid(pid, &status, WNOHANG) == 0)
		if (sigtimedwait(&set, NULL, &limit) < 0 && errno == EAGAIN) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
	return status;
}

static int run(const char *name, const struct world *world, struct trace *trace)
{
	char text[64] = "nothing";
	int status;

	do {
		pid_t pid;

		*trace = (struct trace){0};
		pid = fork();
		if (pid == 0)
			child(name, world, trace);
		status = pid < 0 ? 0 : await(pid);
	} while (WIFEXITED(status) && WEXITSTATUS(status) == AGAIN);
	if (trace->made)
		outcome_format(trace->result, text, sizeof(text));
	else if (status < 0)
		snprintf(text, sizeof(text), "hangs");
	else if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "signal:%d", WTERMSIG(status));
	else if (WEXITSTATUS(status) == 2)
		snprintf(text, sizeof(text), "unknown");
	printf("probe %s %s\n", name, text);
	fflush(stdout);
	return WIFEXITED(status) && WEXITSTATUS(status) == 2;
}

static int list(void)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct attempt *attempt = tables[i]; attempt->name; attempt++)
			printf("%s\n", attempt->name);
	for (const struct call *call = calls; call->name; call++)
		printf("%s\n", call->name);
	for (const struct opening *opening = openings; opening->name; opening++)
		printf("%s\n", opening->name);
	return 0;
}

static bool parse_world(const char *word, struct world *world)
{
	unsigned major, minor;
	int pid;

	if (sscanf(word, "host=%d", &pid) == 1)
		world->host = pid;
	else if (sscanf(word, "neighbour=%d", &pid) == 1)
		world->neighbour = pid;
	else if (sscanf(word, "disk=%u:%u", &major, &minor) == 2)
		world->disk = makedev(major, minor);
	else
		return false;
	return true;
}

static int wait_forever(void)
{
	for (;;)
		(void)syscall(SYS_ppoll, NULL, 0L, NULL, NULL, 0L);
	return 0;
}

/* The words of the command line, or of the one that popen passes on; those that say what there is
 * to aim at are taken out. */
static int collect(int argc, char **argv, char *words[WORDS_MAX], struct world *world)
{
	bool line = argc == 3 && strcmp(argv[1], "-c") == 0;
	char *rest = line ? argv[2] : NULL, *word;
	int count = 0, next = 1;

	while (count < WORDS_MAX) {
		word = line ? strtok_r(rest, " ", &rest) : next < argc ? argv[next++] : NULL;
		if (!word)
			break;
		if (!parse_world(word, world))
			words[count++] = word;
	}
	return count;
}

int main(int argc, char **argv)
{
	struct world world = {.host = 1 << 21, .neighbour = 1 << 21};
	char *words[WORDS_MAX];
	int count = collect(argc, argv, words, &world), failed = 0;
	struct trace *trace = mmap(NULL, sizeof(*trace), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sigset_t set;

	if (count == 1 && strcmp(words[0], "list") == 0)
		return list();
	if (count == 1 && strcmp(words[0], "sleep") == 0)
		return wait_forever();
	if (count == 1 && strcmp(words[0], "whoami") == 0)
		return (int)(geteuid() & 0xff);
	if (count == 2 && strcmp(words[0], "sweep") == 0)
		return sweep(words[1], NULL, NULL, stdout);
	if (trace == MAP_FAILED)
		return 1;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < count; i++)
		failed |= run(words[i], &world, trace);
	return failed;
}
