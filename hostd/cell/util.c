/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/util.h"

#include "hostd/cell/sys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

void fd_cleanup(int *fd)
{
	fd_close(fd);
}

int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

int file_write(int dir, const char *path, const char *text)
{
	CLEANUP_FD int fd = sys_open_beneath(dir, path, O_WRONLY, 0);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return fd;
	/* Kernel files take a value in one write or refuse it. */
	n = write(fd, text, len);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

int file_write_u64(int dir, const char *path, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return file_write(dir, path, text);
}

int file_read(int dir, const char *path, char *buffer, size_t size)
{
	CLEANUP_FD int fd = sys_open_beneath(dir, path, O_RDONLY, 0);
	size_t have = 0;

	if (fd < 0)
		return fd;
	while (have < size) {
		ssize_t n = read(fd, buffer + have, size - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0) {
			buffer[have] = '\0';
			return 0;
		}
		have += (size_t)n;
	}
	return -EFBIG;
}

uint64_t file_read_field(int dir, const char *path, const char *key)
{
	char text[1024];
	size_t len = strlen(key);

	if (file_read(dir, path, text, sizeof(text)) < 0)
		return 0;
	for (char *line = text; line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			return strtoull(line + len + 1, NULL, 10);
	}
	return 0;
}

uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

int step_fail(struct cell_error *ret_error, const char *step, int result)
{
	if (ret_error) {
		snprintf(ret_error->step, sizeof(ret_error->step), "%s", step);
		ret_error->error = -result;
	}
	return result;
}
