/* SPDX-License-Identifier: Apache-2.0 */
/* The cell of hostd-dev: a folder and a process group. It protects from nothing. */
#include "hostd/cell/cell.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostd/cell/util.h"

#define INSIDE "/run/kernel" /* what the connection file says instead of our folder */

struct cell {
	char folder[64];
	char *argv[CELL_ARGS_MAX + 1];
	pid_t pid;
	int pidfd;
};

struct cell_host {
	int unused;
};

int cell_host_new(int cells_cgroup, unsigned lacking, struct cell_host **ret_host,
		  struct cell_error *ret_error)
{
	*ret_host = calloc(1, sizeof(**ret_host));
	return *ret_host ? 0 : step_fail(ret_error, "memory", -ENOMEM);
}

int cell_host_files(struct cell_host *host, int disk, struct cell_error *ret_error)
{
	return 0;
}

void cell_host_free(struct cell_host *host)
{
	free(host);
}

int cell_check(const struct cell_spec *spec, struct cell_error *ret_error)
{
	return spec->argv[0] ? 0 : step_fail(ret_error, "argv", -EINVAL);
}

int cell_new(struct cell_host *host, const struct cell_spec *spec, struct cell **ret_cell,
	     struct cell_error *ret_error)
{
	struct cell *cell = calloc(1, sizeof(*cell));

	if (!cell)
		return step_fail(ret_error, "memory", -ENOMEM);
	cell->pidfd = -1;
	snprintf(cell->folder, sizeof(cell->folder), "/tmp/anchorhold-dev-XXXXXX");
	if (!mkdtemp(cell->folder)) {
		free(cell);
		return step_fail(ret_error, "mkdtemp", -errno);
	}
	for (size_t i = 0; i < CELL_ARGS_MAX && spec->argv[i]; i++)
		cell->argv[i] = strdup(spec->argv[i]);
	*ret_cell = cell;
	return 0;
}

static int connection_write(const struct cell *cell, const struct cell_connection *connection,
			    char *ret_path, size_t size)
{
	const char *at = strstr(connection->json, INSIDE);
	FILE *file;

	snprintf(ret_path, size, "%s/connection-%u.json", cell->folder, connection->incarnation);
	file = fopen(ret_path, "we");
	if (!file || !at)
		return -EIO;
	fprintf(file, "%.*s%s%s", (int)(at - connection->json), connection->json, cell->folder,
		at + strlen(INSIDE));
	return fclose(file) == 0 ? 0 : -EIO;
}

static void child(const struct cell *cell, const char *connection_file)
{
	char *argv[CELL_ARGS_MAX + 1] = {NULL};
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	for (size_t i = 0; cell->argv[i]; i++)
		argv[i] = strcmp(cell->argv[i], "{connection_file}") == 0 ? (char *)connection_file
									  : cell->argv[i];
	if (chdir(cell->folder) < 0)
		_exit(126);
	execvp(argv[0], argv);
	_exit(127);
}

/* A plain child is made in a moment: none waits for its kernel. */
int cell_prepare(struct cell *cell, struct cell_error *ret_error)
{
	return step_fail(ret_error, "prepare", -EOPNOTSUPP);
}

bool cell_fits(const struct cell *cell, const struct cell_spec *spec)
{
	return false;
}

int cell_assign(struct cell *cell, const struct cell_limits *limits, struct cell_error *ret_error)
{
	return step_fail(ret_error, "assign", -EOPNOTSUPP);
}

int cell_spawn(struct cell *cell, const struct cell_connection *connection,
	       struct cell_error *ret_error)
{
	char path[128];
	int r = connection_write(cell, connection, path, sizeof(path));

	if (r < 0)
		return step_fail(ret_error, "connection file", r);
	cell->pid = fork();
	if (cell->pid < 0)
		return step_fail(ret_error, "fork", -errno);
	if (cell->pid == 0)
		child(cell, path);
	setpgid(cell->pid, cell->pid);
	cell->pidfd = (int)syscall(SYS_pidfd_open, cell->pid, 0);
	return cell->pidfd < 0 ? step_fail(ret_error, "pidfd", -errno) : 0;
}

int cell_sockets_mount(const struct cell *cell, int *ret_fd, struct cell_error *ret_error)
{
	*ret_fd = open(cell->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? step_fail(ret_error, "open", -errno) : 0;
}

uid_t cell_relay_uid(const struct cell *cell)
{
	return getuid();
}

int cell_relay_cgroup(const struct cell *cell)
{
	return -1;
}

int cell_pidfd(const struct cell *cell)
{
	return cell->pidfd;
}

int cell_reap(struct cell *cell, struct cell_exit *ret_exit)
{
	ret_exit->oom = false;
	if (waitpid(cell->pid, &ret_exit->status, 0) < 0)
		return -errno;
	kill(-cell->pid, SIGKILL);
	close(cell->pidfd);
	cell->pidfd = -1;
	cell->pid = 0;
	return 0;
}

int cell_interrupt(struct cell *cell)
{
	return kill(cell->pid, SIGINT) < 0 ? -errno : 0;
}

int cell_kill(struct cell *cell)
{
	return cell->pid > 0 && kill(-cell->pid, SIGKILL) < 0 ? -errno : 0;
}

void cell_close(struct cell *cell)
{
	struct cell_exit end;

	if (cell->pid > 0) {
		cell_kill(cell);
		(void)cell_reap(cell, &end);
	}
}

int cell_free(struct cell *cell, struct cell_error *ret_error)
{
	char command[128];

	cell_close(cell);
	snprintf(command, sizeof(command), "rm -rf '%s'", cell->folder);
	if (system(command) != 0)
		(void)step_fail(ret_error, "rm", -EIO);
	for (size_t i = 0; i < CELL_ARGS_MAX; i++)
		free(cell->argv[i]);
	free(cell);
	return 0;
}

/* Its processes are in no cgroup of their own: nothing is counted, nothing told. */
int cell_host_disk(struct cell_host *host, const char *directory)
{
	return -ENODEV;
}

void cell_usage(struct cell *cell, unsigned parts, struct cell_usage *ret_usage)
{
	*ret_usage = (struct cell_usage){0};
}

uid_t cell_uid(const struct cell *cell)
{
	return geteuid();
}

int cell_notice_open(const struct cell *cell, enum cell_notice notice)
{
	return -ENOENT;
}

void cell_notice_clear(int notice_fd)
{
}

/* ---- there is no way out of a folder, for it never was closed ---- */

int cell_host_egress(struct cell_host *host, const struct egress_node *node, bool cut,
		     struct cell_error *ret_error)
{
	return step_fail(ret_error, "egress: hostd-dev has no cells", -EOPNOTSUPP);
}

int cell_host_cut(struct cell_host *host, bool cut, struct cell_error *ret_error)
{
	return step_fail(ret_error, "egress: hostd-dev has no cells", -EOPNOTSUPP);
}

int cell_host_traffic(struct cell_host *host, struct egress_traffic *by_slot, size_t slots)
{
	return 0;
}

unsigned cell_slot(const struct cell *cell)
{
	return CELL_SLOTS_MAX;
}

int cell_set_network(struct cell *cell, enum cell_network network,
		     const struct egress_policy *policy, struct cell_error *ret_error)
{
	return step_fail(ret_error, "egress: hostd-dev has no cells", -EOPNOTSUPP);
}

int cell_cut(struct cell *cell, bool cut, struct cell_error *ret_error)
{
	return step_fail(ret_error, "egress: hostd-dev has no cells", -EOPNOTSUPP);
}

/* ---- nothing of it outlives its monitor ---- */

int cell_host_resume(int cells_cgroup, unsigned lacking, int keeper, struct cell_host **ret_host,
		     struct cell_error *ret_error)
{
	return step_fail(ret_error, "resume: hostd-dev has no cells", -EOPNOTSUPP);
}

int cell_host_settle(struct cell_host *host, struct cell_error *ret_error)
{
	return 0;
}

int cell_host_keeper(const struct cell_host *host)
{
	return -1;
}

void cell_write_note(const struct cell *cell, struct cell_note *ret_note, int ret_fds[2])
{
	*ret_note = (struct cell_note){0};
	ret_fds[0] = ret_fds[1] = -1;
}

int cell_adopt(struct cell_host *host, const struct cell_spec *spec, const struct cell_note *note,
	       int fds[2], struct cell **ret_cell, struct cell_error *ret_error)
{
	return step_fail(ret_error, "adopt: hostd-dev has no cells", -EOPNOTSUPP);
}

int cell_clear_relays(const struct cell *cell, int pidfd, struct cell_error *ret_error)
{
	return 0;
}
