/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The last bytes of a file, at most max; 0 where there is none. */
static ssize_t read_end(const char *path, char *ret, size_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	off_t from;
	ssize_t len;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	from = st.st_size > (off_t)max ? st.st_size - (off_t)max : 0;
	len = pread(fd, ret, max, from);
	close(fd);
	return len < 0 ? -EIO : len;
}

/* Where the last `lines` lines of text begin, none of them before `first`. */
static size_t lines_start(const char *text, size_t len, size_t first, uint32_t lines)
{
	size_t at = len;

	if (at > first && text[at - 1] == '\n')
		at--;
	while (at > first) {
		if (text[at - 1] == '\n' && --lines == 0)
			break;
		at--;
	}
	return at;
}

int journal_tail(const char *older, const char *newer, uint32_t lines, char *ret, size_t size)
{
	char *text = calloc(2, size);
	ssize_t old_len;
	ssize_t new_len;
	size_t len;
	size_t first;
	size_t start;

	if (!text)
		return -ENOMEM;
	old_len = read_end(older, text, size);
	if (old_len < 0)
		old_len = 0;
	new_len = read_end(newer, text + old_len, size);
	if (new_len < 0) {
		free(text);
		return (int)new_len;
	}
	len = (size_t)old_len + (size_t)new_len;
	first = len > size ? len - size : 0;
	/* What was cut at the front is no whole line. */
	if (first > 0 || (size_t)old_len == size || (size_t)new_len == size)
		while (first < len && text[first++] != '\n')
			;
	start = lines > 0 ? lines_start(text, len, first, lines) : len;
	len -= start;
	for (size_t i = 0; i < len; i++) {
		char c = text[start + i];

		ret[i] = c == '\n' || (c >= 0x20 && c <= 0x7e) ? c : '?';
	}
	free(text);
	return (int)len;
}
