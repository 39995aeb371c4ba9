/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostd/cell/sys.h"
#include "hostd/log.h"
#include "hostd/request.h"

#define LOG_LINES_A_SECOND 20u
#define BACKLOG_MAX 4096u /* more than a pair holds */

/* ---- the child, until exec; it may only die ---- */

/* Descriptors from 10 up are out of the way of the numbers that a worker expects. */
static int move_up(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 10);
}

static void place(int fd, int number)
{
	if (dup2(fd, number) < 0)
		_exit(111);
}

static void child(const struct worker_spec *spec, const char *program, int ipc_fd, int log_fd)
{
	static const char *const names[] = {[WORKER_LINK] = "link", [WORKER_RELAY] = "relay"};
	char uid[16];
	const char *argv[] = {"hostd", names[spec->role], uid, NULL};
	const char *envp[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	int root_fd = move_up(spec->root_fd);
	int filter_fd = move_up(spec->filter_fd);
	int null_fd = move_up(open("/dev/null", O_RDWR | O_CLOEXEC));
	sigset_t none;

	ipc_fd = move_up(ipc_fd);
	log_fd = move_up(log_fd);
	place(null_fd, STDIN_FILENO);
	place(null_fd, STDOUT_FILENO);
	place(log_fd, STDERR_FILENO);
	place(ipc_fd, IPC_FD);
	if (root_fd >= 0)
		place(root_fd, IPC_ROOT_FD);
	else
		close(IPC_ROOT_FD);
	place(filter_fd, IPC_FILTER_FD);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
	snprintf(uid, sizeof(uid), "%u", (unsigned)spec->uid);
	execve(program, (char *const *)argv, (char *const *)envp);
	_exit(113);
}

/* ---- its log lines ---- */

static void log_one(struct worker *worker)
{
	static const char prefix[] = "hostd[";
	char *text = worker->line;
	uint64_t second = loop_now_ms() / 1000;

	worker->line[worker->line_len] = '\0';
	worker->line_len = 0;
	if (second != worker->log_second) {
		worker->log_second = second;
		worker->log_lines = 0;
	}
	if (worker->log_lines++ >= LOG_LINES_A_SECOND)
		return;
	/* Its own name for itself goes; the monitor knows who it is. */
	if (strncmp(text, prefix, sizeof(prefix) - 1) == 0) {
		char *end = strstr(text, "]: ");

		if (end)
			text = end + 3;
	}
	log_relayed(worker->spec.who, text);
}

static void on_log(void *ctx, uint32_t events)
{
	struct worker *worker = ctx;
	char bytes[1024];
	ssize_t len = read(worker->log_fd, bytes, sizeof(bytes));

	if (len < 0 && errno == EAGAIN)
		return;
	if (len <= 0) {
		loop_unwatch(worker->loop, worker->log_fd);
		return;
	}
	for (ssize_t i = 0; i < len; i++) {
		if (bytes[i] == '\n')
			log_one(worker);
		else if (worker->line_len < sizeof(worker->line) - 1)
			worker->line[worker->line_len++] = bytes[i];
	}
}

/* ---- its messages, its end ---- */

static void on_ipc(void *ctx, uint32_t events)
{
	struct worker *worker = ctx;
	int r = ipc_receive(worker->ipc_fd, worker->message);

	if (r == -EAGAIN)
		return;
	if (r > 0) {
		r = request_check(worker, worker->message);
		if (r == 0)
			r = worker->spec.message(worker->spec.owner, worker, worker->message);
		else
			log_info("%s asked what it may not: %s", worker->spec.who,
				 ipc_type_name(worker->message->type));
		ipc_message_clear(worker->message);
		if (r < 0)
			worker_end(worker, "it broke the rules");
		return;
	}
	loop_unwatch(worker->loop, worker->ipc_fd);
	if (r < 0)
		worker_end(worker, "it sent what is no message");
}

static void on_exit_of(void *ctx, uint32_t events)
{
	struct worker *worker = ctx;
	int status = 0;

	/* Of an adopted one the descriptor tells no more than that it has ended. */
	if (!worker->adopted && waitpid(worker->pid, &status, WNOHANG) != worker->pid)
		return;
	worker->pid = 0;
	on_log(worker, 0);
	loop_unwatch(worker->loop, worker->pidfd);
	loop_unwatch(worker->loop, worker->ipc_fd);
	loop_unwatch(worker->loop, worker->log_fd);
	if (worker->adopted)
		log_info("%s ended", worker->spec.who);
	else if (WIFSIGNALED(status))
		log_info("%s ended by signal %d", worker->spec.who, WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		log_info("%s ended with code %d", worker->spec.who, WEXITSTATUS(status));
	worker->spec.gone(worker->spec.owner, worker);
}

static int watch_all(struct worker *worker)
{
	int r = loop_watch(worker->loop, worker->ipc_fd, EPOLLIN, on_ipc, worker);

	if (r == 0)
		r = loop_watch(worker->loop, worker->log_fd, EPOLLIN, on_log, worker);
	if (r == 0)
		r = loop_watch(worker->loop, worker->pidfd, EPOLLIN, on_exit_of, worker);
	return r;
}

/*
 * Born in its cgroup: a move there would stop every fork on the node for a grace period of RCU. As
 * after a fork, but by the raw call: the child makes system calls only, up to exec.
 */
static pid_t clone_worker(int cgroup_fd, int *ret_pidfd)
{
	struct sys_clone_args args = {
		.flags = SYS_CLONE_PIDFD | (cgroup_fd >= 0 ? SYS_CLONE_INTO_CGROUP : 0),
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = cgroup_fd >= 0 ? (uint64_t)(unsigned)cgroup_fd : 0,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static int start(struct worker *worker, const char *program)
{
	int pair[2];
	int log_pipe[2];
	int r = ipc_pair(pair);

	if (r < 0)
		return r;
	if (pipe2(log_pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
		r = -errno;
		close(pair[0]);
		close(pair[1]);
		return r;
	}
	worker->ipc_fd = pair[0];
	worker->log_fd = log_pipe[0];
	worker->pid = clone_worker(worker->spec.cgroup_fd, &worker->pidfd);
	if (worker->pid == 0)
		child(&worker->spec, program, pair[1], log_pipe[1]);
	r = worker->pid < 0 ? -errno : 0;
	close(pair[1]);
	close(log_pipe[1]);
	if (r < 0) {
		worker->pid = 0;
		return r;
	}
	return 0;
}

static struct worker *worker_alloc(struct loop *loop, const struct worker_spec *spec,
				   enum worker_phase phase, struct ipc_message *buffer)
{
	struct worker *worker = calloc(1, sizeof(*worker));

	if (!worker)
		return NULL;
	worker->spec = *spec;
	worker->phase = phase;
	worker->loop = loop;
	worker->pidfd = worker->ipc_fd = worker->log_fd = -1;
	worker->message = buffer;
	return worker;
}

int worker_new(struct loop *loop, const char *program, const struct worker_spec *spec,
	       struct ipc_message *buffer, struct worker **ret_worker)
{
	struct worker *worker = worker_alloc(loop, spec, WORKER_OPEN, buffer);
	int r;

	if (!worker)
		return -ENOMEM;
	r = start(worker, program);
	if (r == 0)
		r = watch_all(worker);
	if (r < 0) {
		worker_free(worker);
		return r;
	}
	*ret_worker = worker;
	return 0;
}

void worker_fds(const struct worker *worker, int ret_fds[WORKER_FDS])
{
	ret_fds[0] = worker->ipc_fd;
	ret_fds[1] = worker->pidfd;
	ret_fds[2] = worker->log_fd;
}

int worker_adopt(struct loop *loop, const struct worker_spec *spec, int fds[WORKER_FDS],
		 enum worker_phase phase, struct ipc_message *buffer, struct worker **ret_worker)
{
	struct worker *worker = worker_alloc(loop, spec, phase, buffer);
	int r;

	if (!worker)
		return -ENOMEM;
	worker->adopted = true;
	worker->backlog = BACKLOG_MAX;
	worker->ipc_fd = fds[0];
	worker->pidfd = fds[1];
	worker->log_fd = fds[2];
	for (int i = 0; i < WORKER_FDS; i++)
		fds[i] = -1;
	/* Any number above 0 says that it is not known to be gone; it is never used as one. */
	worker->pid = INT_MAX;
	r = watch_all(worker);
	if (r < 0) {
		worker_free(worker);
		return r;
	}
	*ret_worker = worker;
	return 0;
}

int worker_send(struct worker *worker, enum ipc_type type, const void *body, int fd)
{
	int r;

	if (!worker || worker->pid == 0)
		return -ESRCH;
	r = ipc_send(worker->ipc_fd, type, body, fd);
	/* -EPIPE: it has ended; gone() follows. */
	if (r < 0 && r != -EPIPE)
		worker_end(worker, "it does not read");
	return r;
}

/* By its descriptor: the number of one that init reaped may be another's by now. */
static void end_now(struct worker *worker)
{
	(void)syscall(SYS_pidfd_send_signal, worker->pidfd, SIGKILL, NULL, 0);
}

static void wait_for(struct worker *worker)
{
	struct pollfd poll_fd = {.fd = worker->pidfd, .events = POLLIN};

	if (!worker->adopted)
		waitpid(worker->pid, NULL, 0);
	else
		while (poll(&poll_fd, 1, -1) < 0 && errno == EINTR)
			;
}

void worker_end(struct worker *worker, const char *why)
{
	if (worker->pid == 0)
		return;
	if (why)
		log_info("%s is ended: %s", worker->spec.who, why);
	end_now(worker);
}

void worker_free(struct worker *worker)
{
	if (!worker)
		return;
	loop_unwatch(worker->loop, worker->pidfd);
	loop_unwatch(worker->loop, worker->ipc_fd);
	loop_unwatch(worker->loop, worker->log_fd);
	if (worker->pid > 0) {
		end_now(worker);
		wait_for(worker);
	}
	if (worker->pidfd >= 0)
		close(worker->pidfd);
	if (worker->ipc_fd >= 0)
		close(worker->ipc_fd);
	if (worker->log_fd >= 0)
		close(worker->log_fd);
	free(worker);
}
