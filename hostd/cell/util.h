/* SPDX-License-Identifier: Apache-2.0 */
/* Small tools of this folder: descriptors with one owner, whole reads and writes, errors. */
#ifndef ANCHORHOLD_CELL_UTIL_H
#define ANCHORHOLD_CELL_UTIL_H

#include "hostd/cell/cell.h"

#define CLEANUP_FD __attribute__((cleanup(fd_cleanup)))

/* Closes *fd if it is held (not negative) and marks it as not held. errno is kept. */
void fd_close(int *fd);
void fd_cleanup(int *fd);

/* Gives the descriptor away: returns it and marks it as not held. */
int fd_take(int *fd);

/* Writes the whole text into an existing file below `dir` (cgroup and procfs files). */
int file_write(int dir, const char *path, const char *text);
int file_write_u64(int dir, const char *path, uint64_t value);

/* Reads a small file below `dir` as text; -EFBIG where it does not fit. */
int file_read(int dir, const char *path, char *buffer, size_t size);

/* The number after `key ` in a file of "key number" lines; 0 where there is none. */
uint64_t file_read_field(int dir, const char *path, const char *key);

/* Milliseconds of the monotonic clock. */
uint64_t clock_ms(void);

/* Fills *ret_error (may be NULL) with the step; returns `result`, a negative errno. */
int step_fail(struct cell_error *ret_error, const char *step, int result);

#endif
