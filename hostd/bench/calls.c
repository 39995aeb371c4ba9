/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-calls: what a system call costs where this runs. `name nanoseconds` a line: each one the
 * mean of a block of calls. With the word `wait` it does nothing, for ever.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BLOCKS 20
#define CALLS 1000

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void call_getpid(int fd)
{
	syscall(SYS_getpid);
}

static void call_read(int fd)
{
	char byte;
	ssize_t n = read(fd, &byte, 1);

	(void)n;
}

/* By openat: the python profile refuses open(2), which musl would use. */
static void call_open(int fd)
{
	long opened = syscall(SYS_openat, AT_FDCWD, "/dev/zero", O_RDONLY | O_CLOEXEC, 0);

	close((int)opened);
}

static const struct {
	const char *name;
	void (*call)(int fd);
} rows[] = {
	{"getpid", call_getpid},
	{"read_zero", call_read},
	{"open_close", call_open},
};

/* By ppoll: the profiles refuse pause(2), and a loop around it is one that takes the whole CPU. */
static int wait_for_ever(void)
{
	while (ppoll(NULL, 0, NULL, NULL) < 0 && errno == EINTR)
		;
	perror("bench-calls: ppoll");
	return 1;
}

int main(int argc, char **argv)
{
	int fd;

	if (argc == 2 && strcmp(argv[1], "wait") == 0)
		return wait_for_ever();
	fd = (int)syscall(SYS_openat, AT_FDCWD, "/dev/zero", O_RDONLY | O_CLOEXEC, 0);
	for (int block = 0; block < BLOCKS; block++)
		for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
			uint64_t began = now_ns();

			for (int i = 0; i < CALLS; i++)
				rows[row].call(fd);
			printf("%s %.3f\n", rows[row].name, (double)(now_ns() - began) / CALLS);
		}
	return 0;
}
