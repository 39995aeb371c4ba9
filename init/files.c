/* SPDX-License-Identifier: Apache-2.0 */
#include "init/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int write_once(const char *path, int flags, const char *text)
{
	size_t len = strlen(text);
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | flags, 0644);
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	err = n < 0 ? -errno : (size_t)n != len ? -EIO : 0;
	close(fd);
	return err;
}

int file_set(const char *path, const char *text)
{
	return write_once(path, 0, text);
}

int file_append(const char *path, const char *text)
{
	return write_once(path, O_CREAT | O_APPEND | O_NOFOLLOW, text);
}

int file_replace(const char *path, const char *text)
{
	char other[256];
	int err;

	if (snprintf(other, sizeof(other), "%s.new", path) >= (int)sizeof(other))
		return -ENAMETOOLONG;
	err = write_once(other, O_CREAT | O_TRUNC | O_NOFOLLOW, text);
	if (!err && rename(other, path) < 0)
		err = -errno;
	return err;
}

static int is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* One line, blanks dropped, into ret_line. */
static int copy_line(const char *line, size_t len, char ret_line[LINE_MAX_LEN])
{
	while (len > 0 && is_blank(*line))
		line++, len--;
	while (len > 0 && is_blank(line[len - 1]))
		len--;
	if (len >= LINE_MAX_LEN)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7f)
			return -EINVAL;
	memcpy(ret_line, line, len);
	ret_line[len] = '\0';
	return 0;
}

int line_next(const char **text, size_t *len, unsigned *number, char ret_line[LINE_MAX_LEN])
{
	while (*len > 0) {
		const char *line = *text, *newline = memchr(line, '\n', *len);
		size_t line_len = newline ? (size_t)(newline - line) : *len;
		size_t step = newline ? line_len + 1 : line_len;

		*text += step;
		*len -= step;
		++*number;
		if (copy_line(line, line_len, ret_line))
			return -EINVAL;
		if (ret_line[0] != '\0' && ret_line[0] != '#')
			return 1;
	}
	return 0;
}

size_t line_words(char *line, char **ret_words, size_t max)
{
	size_t count = 0;

	for (;;) {
		while (is_blank(*line))
			*line++ = '\0';
		if (*line == '\0')
			return count;
		if (count == max)
			return max + 1;
		ret_words[count++] = line;
		while (*line != '\0' && !is_blank(*line))
			line++;
	}
}
