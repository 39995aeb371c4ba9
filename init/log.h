/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What init and hostd say, and where it goes:
 *
 *   init's lines	/dev/kmsg (so that the kernel's log and ramoops have them), the log file, and
 *			the console. To /dev/kmsg an error goes as a warning: a kernel that is `quiet`
 *			would put it on the console a second time, and later than we do.
 *   hostd's stderr	a pipe that init drains: the log file and the console.
 *
 * The log file is /run/anchorhold/log, at most LOG_FILE_MAX bytes; full, it becomes log.1 and
 * a new one begins, so that a reader finds the last 256 KiB at least. Lines are
 * `SECONDS.MILLIS TEXT`, the time as clock_ms, printable. Nothing here blocks: a console that
 * does not take a line misses it.
 */
#ifndef ANCHORHOLD_INIT_LOG_H
#define ANCHORHOLD_INIT_LOG_H

#include <stddef.h>

#define LOG_PATH "/run/anchorhold/log"
#define LOG_PATH_OLD "/run/anchorhold/log.1"
#define LOG_FILE_MAX (256u * 1024u)
#define LOG_LINE_MAX 1024u

enum log_level { LOG_ERROR = 3, LOG_WARNING = 4, LOG_INFO = 6 }; /* the kernel's numbers */

struct log {
	int kmsg;
	int console;
	int file;
	size_t file_len;
	int pipe[2]; /* hostd writes into [1] */
	size_t line_len;
	char line[LOG_LINE_MAX]; /* hostd's line so far */
};

/* Each works as far as the mounts are there; what is missing is tried again at the next call. */
void log_open(struct log *log);

void log_line(struct log *log, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Reads what is in the pipe, a bounded amount a call. */
void log_drain(struct log *log);

/* As log_drain, and ends the line that hostd has left unfinished. */
void log_flush(struct log *log);

/* Notes when something was first reached, in /run/anchorhold/timeline: `NAME MILLISECONDS`. */
void log_reached(const char *name);

#endif
