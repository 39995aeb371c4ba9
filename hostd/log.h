/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines of a role: `hostd[role]: text` on standard error, one write(2) a line.
 *
 * A line is at most LOG_LINE_MAX bytes and holds printable characters only, whatever was in its
 * arguments; a role that logs more than LOG_BURST lines a second loses the rest of that second's
 * and says how many. Leaf modules do not log; a role logs a failure once, where it knows what it means.
 * The role's name and the rate are the one accepted state at file scope in hostd.
 */
#ifndef ANCHORHOLD_HOSTD_LOG_H
#define ANCHORHOLD_HOSTD_LOG_H

#define LOG_LINE_MAX 400u
#define LOG_BURST 100u

/* role is borrowed for the life of the process. */
void log_open(const char *role);

__attribute__((format(printf, 1, 2))) void log_info(const char *format, ...);

/* With ": <text of errno>" at its end; error is an errno of either sign. */
__attribute__((format(printf, 2, 3))) void log_error(int error, const char *format, ...);

/* Logs and ends the process with code 1; for set-up, before a role's loop runs. */
__attribute__((format(printf, 2, 3), noreturn)) void log_die(int error, const char *format, ...);

/*
 * One line as a worker wrote it, under the worker's name, not the role's. It is made printable and
 * cut like any other; the caller limits its rate.
 */
void log_relayed(const char *who, const char *line);

/* What is not printable ASCII becomes a question mark. */
void log_make_printable(char *text);

#endif
