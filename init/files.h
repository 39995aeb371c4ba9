/* SPDX-License-Identifier: Apache-2.0 */
/* Small things that every part of init needs: files of one value, lines of words, the clock. */
#ifndef ANCHORHOLD_INIT_FILES_H
#define ANCHORHOLD_INIT_FILES_H

#include <stddef.h>
#include <stdint.h>

#define LINE_MAX_LEN 512u

/* Milliseconds since the kernel began to count, never going back. */
uint64_t clock_ms(void);

/* Writes text to a file that exists (/proc, /sys) in one write. 0 or -errno. */
int file_set(const char *path, const char *text);

/* Makes path hold text, at once or not at all (mode 0644). 0 or -errno. */
int file_replace(const char *path, const char *text);

/* Appends text to path, made if missing (mode 0644). 0 or -errno. */
int file_append(const char *path, const char *text);

/*
 * Copies the next line that is neither empty nor a comment (#) out of *text, blanks at both
 * ends dropped, and moves *text and *len behind it; *number counts all lines. Returns 1, 0 at
 * the end, -EINVAL for a line with a control byte or over LINE_MAX_LEN - 1 bytes.
 */
int line_next(const char **text, size_t *len, unsigned *number, char ret_line[LINE_MAX_LEN]);

/* Cuts line at blanks into at most max words, in place. Returns how many, max + 1 if more. */
size_t line_words(char *line, char **ret_words, size_t max);

#endif
