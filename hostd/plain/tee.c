/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostd/plain/plain.h"

#define FILE_MAX (256 * 1024) /* then it becomes log.1 */

struct tee {
	char path[PLAIN_PATH_MAX + 8];
	char old[PLAIN_PATH_MAX + 8];
	int file;
	long len;
};

static void tee_file(struct tee *tee, const char *bytes, size_t len)
{
	if (tee->file >= 0 && tee->len > FILE_MAX) {
		close(tee->file);
		(void)rename(tee->path, tee->old);
		tee->file = -1;
	}
	if (tee->file < 0) {
		tee->file = open(tee->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
				 0600);
		tee->len = 0;
	}
	if (tee->file >= 0 && write(tee->file, bytes, len) > 0)
		tee->len += (long)len;
}

/* Ends when nobody holds the other end, so that the last words of all are in it. */
static _Noreturn void copy(const char *folder, int from)
{
	struct tee tee = {.file = -1};
	char bytes[4096];
	ssize_t len;

	snprintf(tee.path, sizeof(tee.path), "%s/log", folder);
	snprintf(tee.old, sizeof(tee.old), "%s/log.1", folder);
	(void)rename(tee.path, tee.old);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	(void)prctl(PR_SET_NAME, "hostd-log", 0, 0, 0);
	while ((len = read(from, bytes, sizeof(bytes))) > 0 || (len < 0 && errno == EINTR)) {
		if (len < 0)
			continue;
		ssize_t put = write(STDERR_FILENO, bytes, (size_t)len);

		(void)put;
		tee_file(&tee, bytes, (size_t)len);
	}
	_exit(0);
}

pid_t tee_start(const char *folder, int *ret_stderr)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(ends[1]);
		copy(folder, ends[0]);
	}
	close(ends[0]);
	*ret_stderr = pid < 0 ? -1 : fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	if (pid < 0 || *ret_stderr < 0 || dup2(ends[1], STDERR_FILENO) < 0)
		pid = -errno;
	close(ends[1]);
	return pid;
}

void tee_end(pid_t pid, int stderr_fd)
{
	(void)dup2(stderr_fd, STDERR_FILENO);
	close(stderr_fd);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}
