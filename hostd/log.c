/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
	const char *role;
	time_t second;
	unsigned lines; /* in this second */
	unsigned lost;	/* since the last line that went out */
} state = {.role = "?"};

void log_open(const char *role)
{
	state.role = role;
}

/* A hostile name in a message must not start a line of its own or move a terminal's cursor. */
void log_make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
			*text = '?';
}

static void put_line(const char *who, const char *text)
{
	char line[LOG_LINE_MAX + 64];
	int len = snprintf(line, sizeof(line) - 1, "hostd[%.24s]: %.*s", who, (int)LOG_LINE_MAX,
			   text);

	if (len < 0)
		return;
	if ((size_t)len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	log_make_printable(line);
	line[len++] = '\n';
	/* One write keeps the lines of several processes apart; a full pipe loses the line. */
	ssize_t put = write(STDERR_FILENO, line, (size_t)len);
	(void)put;
}

/* Whether a line may go out now; tells first of those that could not. */
static int rate_ok(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec != state.second) {
		state.second = now.tv_sec;
		state.lines = 0;
		if (state.lost > 0) {
			char text[64];

			snprintf(text, sizeof(text), "%u lines lost: too many at once", state.lost);
			state.lost = 0;
			put_line(state.role, text);
		}
	}
	if (state.lines >= LOG_BURST) {
		state.lost++;
		return 0;
	}
	state.lines++;
	return 1;
}

__attribute__((format(printf, 2, 0))) static void log_format(int error, const char *format,
							       va_list args)
{
	char text[LOG_LINE_MAX + 1];
	int len;

	if (!rate_ok())
		return;
	len = vsnprintf(text, sizeof(text), format, args);
	if (len < 0)
		return;
	if (error != 0 && (size_t)len < sizeof(text) - 1)
		snprintf(text + len, sizeof(text) - (size_t)len, ": %s",
			 strerror(error < 0 ? -error : error));
	put_line(state.role, text);
}

void log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_format(0, format, args);
	va_end(args);
}

void log_error(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_format(error, format, args);
	va_end(args);
}

void log_die(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_format(error, format, args);
	va_end(args);
	exit(1);
}

void log_relayed(const char *who, const char *line)
{
	if (rate_ok())
		put_line(who, line);
}
