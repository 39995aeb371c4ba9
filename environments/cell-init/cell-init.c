/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PID 1 of a cell: cell-init EXITFD GOFD FILEFD -- PROGRAM [ARGUMENT...]
 *
 * Its child waits, in a cell that may have been made ahead, until GOFD has given the connection
 * file's text, puts that into FILEFD and becomes the program. PID 1 reaps whatever is left
 * to it, passes signals on, writes the child's wait status (int32) to EXITFD and ends, and with it
 * the whole PID namespace. It runs as the cell's own uid under the cell's filter; it is trusted with
 * nothing but that number.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_USAGE = 100, EXIT_SYSTEM = 111, EXIT_NO_EXEC = 126, EXIT_NOT_FOUND = 127 };

/* Waited for, so they must be blocked; PID 1 gets no signal of inside that it does not ask for. */
static const int forwarded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH};

static int parse_fd(const char *text)
{
	char *end;
	long fd;

	errno = 0;
	fd = strtol(text, &end, 10);
	return errno || end == text || *end || fd < 3 || fd > 1023 ? -1 : (int)fd;
}

/*
 * The text comes whole, as one message. None at all: whoever made the cell is gone, or has no use
 * for it any more.
 */
static int await_go(int go_fd, int file_fd)
{
	char text[4096];
	ssize_t n;

	do
		n = read(go_fd, text, sizeof(text));
	while (n < 0 && errno == EINTR);
	if (n <= 0 || write(file_fd, text, (size_t)n) != n)
		return -1;
	explicit_bzero(text, sizeof(text)); /* the kernel's key is in it */
	return 0;
}

static void block(sigset_t *ret_waited, sigset_t *ret_before)
{
	sigemptyset(ret_waited);
	sigaddset(ret_waited, SIGCHLD);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaddset(ret_waited, forwarded[i]);
	sigprocmask(SIG_BLOCK, ret_waited, ret_before);
}

struct start {
	char **argv;
	const sigset_t *before;
	int go_fd, file_fd;
};

/* A session, and so a process group, of its own: an interrupt reaches its children as well,
 * as a terminal's would. */
static int run(void *argument)
{
	const struct start *start = argument;

	setsid();
	if (await_go(start->go_fd, start->file_fd) < 0)
		_exit(EXIT_SYSTEM);
	close(start->go_fd);
	close(start->file_fd);
	sigprocmask(SIG_SETMASK, start->before, NULL);
	execvp(start->argv[0], start->argv);
	_exit(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NO_EXEC);
}

/*
 * As posix_spawn would: the child runs in our memory, on a stack of its own, until its exec, and we
 * wait. Nothing of ours is copied for it, and it changes nothing of ours that is used again. What it
 * takes to make it is not the request's: it is there when that comes.
 */
static pid_t spawn(struct start *start)
{
	static _Alignas(16) char stack[32768]; /* execvp has a path on it */

	return clone(run, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, start);
}

/* Until setsid the group does not exist; then the process itself gets it. */
static void forward(pid_t child, int number)
{
	if (kill(-child, number) < 0)
		(void)kill(child, number);
}

/* True once the child itself has ended: what else there is ends with us. */
static int reap(pid_t child, int *ret_status)
{
	pid_t pid;

	do
		pid = waitpid(-1, ret_status, WNOHANG);
	while (pid > 0 && pid != child);
	return pid == child;
}

static int supervise(pid_t child, const sigset_t *waited)
{
	int status = 0;

	for (;;) {
		int number = sigwaitinfo(waited, NULL);

		if (number == SIGCHLD) {
			if (reap(child, &status))
				return status;
		} else if (number > 0) {
			forward(child, number);
		}
	}
}

static int exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	sigset_t waited, before;
	struct start start = {.argv = argv + 5, .before = &before};
	int32_t status;
	int exit_fd;
	pid_t child;

	if (argc < 6 || strcmp(argv[4], "--") != 0)
		return EXIT_USAGE;
	exit_fd = parse_fd(argv[1]);
	start.go_fd = parse_fd(argv[2]);
	start.file_fd = parse_fd(argv[3]);
	if (exit_fd < 0 || start.go_fd < 0 || start.file_fd < 0 ||
	    fcntl(exit_fd, F_SETFD, FD_CLOEXEC) < 0)
		return EXIT_USAGE;
	/* Not to be traced or read by the kernel's processes, which have the same uid; the
	 * child's exec makes the child an ordinary process again. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return EXIT_SYSTEM;
	block(&waited, &before);
	child = spawn(&start);
	close(start.go_fd);
	close(start.file_fd);
	if (child < 0)
		return EXIT_SYSTEM;
	status = supervise(child, &waited);
	if (write(exit_fd, &status, sizeof(status)) != sizeof(status))
		return EXIT_SYSTEM;
	return exit_code(status);
}
