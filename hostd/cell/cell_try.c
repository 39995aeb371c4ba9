/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cell-try: builds one cell from its arguments, runs a program in it, says how it ended and
 * what each step took. For tests and measurements; no part of the image.
 *
 *   cell-try [-c CGROUP] [-p PROFILE] [-n sealed|loopback] [-m MIB] [-P PIDS] [-u MILLICPU]
 *            [-t TMPFS_MIB] [-l landlock,controllers] [-r TIMES] [-k MS] [-i MS]
 *            [-f CONNECTION_FILE] [-S DIRECTORY] ENVIRONMENT PROGRAM [ARGUMENT...]
 *
 * -f gives the connection file's text, -S mounts the sockets where a client can reach them,
 * -k kills and -i interrupts it after so many milliseconds, -r repeats all but the host object.
 */
#include "hostd/cell/cell.h"
#include "hostd/cell/sys.h"
#include "hostd/cell/util.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct options {
	const char *cgroup;
	struct cell_spec spec;
	unsigned lacking, times;
	int kill_ms, interrupt_ms;
	const char *sockets;
	char json[4096];
};

enum mark { BEGIN, MADE, SPAWNED, ENDED, REAPED, FREED, MARKS };

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static unsigned parse_lacking(const char *text)
{
	return (strstr(text, "landlock") ? CELL_LACK_LANDLOCK : 0u) |
	       (strstr(text, "controllers") ? CELL_LACK_CONTROLLERS : 0u);
}

static int read_json(struct options *options, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, options->json, sizeof(options->json) - 1);

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return -errno;
	options->json[n] = '\0';
	return 0;
}

static int parse_option(struct options *options, int option, const char *value)
{
	struct cell_limits *limits = &options->spec.limits;
	uint64_t number = strtoull(value, NULL, 10);

	switch (option) {
	case 'c': options->cgroup = value; return 0;
	case 'p': options->spec.profile = value; return 0;
	case 'n':
		options->spec.network =
			strcmp(value, "sealed") == 0 ? CELL_NETWORK_SEALED : CELL_NETWORK_LOOPBACK;
		return 0;
	case 'm': limits->memory_bytes = number << 20; return 0;
	case 'P': limits->pids_max = (uint32_t)number; return 0;
	case 'u': limits->cpu_milli = (uint32_t)number; return 0;
	case 't': limits->tmpfs_bytes = number << 20; return 0;
	case 'l': options->lacking = parse_lacking(value); return 0;
	case 'r': options->times = (unsigned)number; return 0;
	case 'k': options->kill_ms = (int)number; return 0;
	case 'i': options->interrupt_ms = (int)number; return 0;
	case 'f': return read_json(options, value);
	case 'S': options->sockets = value; return 0;
	default: return -EINVAL;
	}
}

static int parse(int argc, char **argv, struct options *options)
{
	int option, count = 0;

	while ((option = getopt(argc, argv, "+c:p:n:m:P:u:t:l:r:k:i:f:S:")) >= 0)
		if (parse_option(options, option, optarg) < 0)
			return -EINVAL;
	if (argc - optind < 2 || argc - optind - 1 > (int)CELL_ARGS_MAX)
		return -EINVAL;
	options->spec.environment_fd =
		open(argv[optind], O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (options->spec.environment_fd < 0)
		return -errno;
	for (int i = optind + 1; i < argc; i++)
		options->spec.argv[count++] = argv[i];
	return 0;
}

static void wait_end(struct cell *cell, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = cell_pidfd(cell), .events = POLLIN};

	(void)poll(&poll_fd, 1, timeout_ms);
}

static int mount_sockets(const struct cell *cell, const char *path, struct cell_error *error)
{
	int fd, result;

	if (!path)
		return 0;
	result = cell_sockets_mount(cell, &fd, error);
	if (result < 0)
		return result;
	result = sys_move_mount(fd, AT_FDCWD, path);
	close(fd);
	return result < 0 ? step_fail(error, "mount sockets", result) : 0;
}

static int run(struct cell_host *host, const struct options *options, uint64_t mark[MARKS],
	       struct cell_exit *ret_exit, struct cell_error *error)
{
	const struct cell_connection connection = {.incarnation = 1,
						   .json = options->json,
						   .json_len = strlen(options->json),
						   .output_fd = 1};
	struct cell *cell;
	int result;

	mark[BEGIN] = now_us();
	result = cell_new(host, &options->spec, &cell, error);
	if (result < 0)
		return result;
	mark[MADE] = now_us();
	result = mount_sockets(cell, options->sockets, error);
	if (result == 0)
		result = cell_spawn(cell, &connection, error);
	mark[SPAWNED] = now_us();
	if (result < 0) {
		(void)cell_free(cell, NULL);
		return result;
	}
	if (options->interrupt_ms) {
		wait_end(cell, options->interrupt_ms);
		(void)cell_interrupt(cell);
	}
	if (options->kill_ms) {
		wait_end(cell, options->kill_ms);
		(void)cell_kill(cell);
	}
	wait_end(cell, -1);
	mark[ENDED] = now_us();
	(void)cell_reap(cell, ret_exit);
	mark[REAPED] = now_us();
	if (options->sockets)
		(void)sys_umount(options->sockets, SYS_UMOUNT_NOFOLLOW);
	result = cell_free(cell, error);
	mark[FREED] = now_us();
	return result;
}

static void report(const struct cell_exit *ended, const uint64_t mark[MARKS])
{
	if (WIFEXITED(ended->status))
		fprintf(stderr, "cell-try: exit %d", WEXITSTATUS(ended->status));
	else
		fprintf(stderr, "cell-try: signal %d", WTERMSIG(ended->status));
	fprintf(stderr, "%s; us: new %llu, spawn %llu, run %llu, reap %llu, free %llu\n",
		ended->oom ? ", memory limit" : "", (unsigned long long)(mark[MADE] - mark[BEGIN]),
		(unsigned long long)(mark[SPAWNED] - mark[MADE]),
		(unsigned long long)(mark[ENDED] - mark[SPAWNED]),
		(unsigned long long)(mark[REAPED] - mark[ENDED]),
		(unsigned long long)(mark[FREED] - mark[REAPED]));
}

static int exit_code(const struct cell_exit *ended)
{
	return WIFEXITED(ended->status) ? WEXITSTATUS(ended->status)
					: 128 + WTERMSIG(ended->status);
}

int main(int argc, char **argv)
{
	struct options options = {
		.cgroup = "/sys/fs/cgroup/cells",
		.spec = {.id = {0xce, 0x11},
			 .project = "try",
			 .limits = {256ull << 20, 1000, 128, 64ull << 20},
			 .network = CELL_NETWORK_LOOPBACK,
			 .profile = "python",
			 .env = {"PATH=/usr/bin:/bin", "HOME=/home/user", "LANG=C.UTF-8"}},
		.times = 1,
		.json = "{}\n",
	};
	struct cell_exit ended = {0};
	struct cell_host *host = NULL;
	struct cell_error error = {0};
	uint64_t mark[MARKS], begin = now_us();
	int cgroup, result = parse(argc, argv, &options);

	if (result < 0) {
		fprintf(stderr, "usage: cell-try [OPTION...] ENVIRONMENT PROGRAM [ARGUMENT...]\n");
		return 100;
	}
	cgroup = open(options.cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	result = cell_host_new(cgroup, options.lacking, &host, &error);
	if (result == 0)
		fprintf(stderr, "cell-try: host %llu us\n", (unsigned long long)(now_us() - begin));
	for (unsigned i = 0; result == 0 && i < options.times; i++) {
		result = run(host, &options, mark, &ended, &error);
		if (result == 0)
			report(&ended, mark);
	}
	cell_host_free(host);
	if (result < 0) {
		fprintf(stderr, "cell-try: %s: %s\n", error.step, strerror(error.error));
		return 111;
	}
	return exit_code(&ended);
}
