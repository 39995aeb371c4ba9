/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The size that stat tells is not believed (files in /proc say 0): we read until the end, at
 * most one byte more than is allowed.
 */
static int read_all(int fd, size_t max, char *text, size_t *ret_len)
{
	size_t len = 0;

	while (len <= max) {
		ssize_t n = read(fd, text + len, max + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	if (len > max)
		return -EFBIG;
	text[len] = '\0';
	*ret_len = len;
	return 0;
}

int conf_read_file(const char *path, size_t max, char **ret_text, size_t *ret_len)
{
	/* O_NONBLOCK: a FIFO put in the file's place must not hang PID 1. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	char *text = NULL;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -EINVAL;
	else if (!(text = malloc(max + 1)))
		err = -ENOMEM;
	else
		err = read_all(fd, max, text, ret_len);
	close(fd);
	if (err) {
		free(text);
		return err;
	}
	*ret_text = text;
	return 0;
}
