/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test image's only addition that runs. The kernel starts it as PID 1 (init=/test/agent); it
 * leaves a child behind that answers the tests over a virtio console, then becomes the real init,
 * which stays PID 1 and knows nothing of it. It is no part of a production image.
 *
 * With the word `alone` on the kernel's command line, which hands it on, there is no init: the
 * agent stays PID 1, nothing is mounted and no sysctl set. That is for tests of the kernel itself.
 *
 * A request is one line: a shell command. The answer is its output (standard output and error
 * together), then a NUL, the wait status in decimal and a newline.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define DEVICE "/dev/hvc0"
#define LINE_LEN 65536
#define OPEN_TRIES 400 /* of 50 ms */

static int open_console(void)
{
	for (int i = 0; i < OPEN_TRIES; i++) {
		const int fd = open(DEVICE, O_RDWR | O_NOCTTY | O_CLOEXEC);
		struct termios raw;

		if (fd >= 0 && tcgetattr(fd, &raw) == 0) {
			cfmakeraw(&raw);
			tcsetattr(fd, TCSANOW, &raw);
			return fd;
		}
		if (fd >= 0)
			close(fd);
		usleep(50000);
	}
	return -1;
}

static void write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		const ssize_t n = write(fd, data, len);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
}

static int run(int fd, const char *command)
{
	char buffer[4096];
	int out[2];
	int status = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		const int null = open("/dev/null", O_RDONLY);

		dup2(null, 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		setsid();
		execl("/test/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	while ((n = read(out[0], buffer, sizeof(buffer))) != 0)
		if (n > 0)
			write_all(fd, buffer, (size_t)n);
		else if (errno != EINTR)
			break;
	close(out[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

static void serve(int fd)
{
	static char line[LINE_LEN];
	size_t len = 0;
	char c;

	while (read(fd, &c, 1) == 1) {
		char end[24];
		int n;

		if (c != '\n') {
			if (len < sizeof(line) - 1)
				line[len++] = c;
			continue;
		}
		line[len] = '\0';
		len = 0;
		n = snprintf(end, sizeof(end) - 1, "%c%d\n", 0, run(fd, line));
		write_all(fd, end, (size_t)n);
	}
}

static void answer(void)
{
	const int fd = open_console();

	setsid();
	setenv("PATH", "/test/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	if (fd >= 0)
		serve(fd);
	_exit(1);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "alone") == 0)
			answer();
	if (fork() == 0)
		answer();
	argv[0] = (char *)"/sbin/init";
	execv("/sbin/init", argv);
	return 1;
}
