/* SPDX-License-Identifier: Apache-2.0 */
#include "init/log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "init/files.h"

#define TIMELINE_PATH "/run/anchorhold/timeline"
#define DRAIN_READS 8 /* of 2 KiB: a flood of hostd's must not keep init from its other work */

void log_open(struct log *log)
{
	if (log->kmsg < 0)
		log->kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (log->console < 0)
		log->console = open("/dev/console", O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (log->file < 0)
		log->file = open(LOG_PATH, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
				 0640);
	if (log->pipe[0] < 0 && pipe2(log->pipe, O_CLOEXEC) == 0)
		fcntl(log->pipe[0], F_SETFL, O_NONBLOCK); /* our end; hostd's own may wait */
}

/* Writing a log cannot fail in a way that anyone could still be told of. */
static void put(int fd, const char *text, size_t len)
{
	if (fd >= 0 && write(fd, text, len) < 0)
		return;
}

static void rotate(struct log *log, size_t len)
{
	if (log->file < 0 || log->file_len + len <= LOG_FILE_MAX)
		return;
	close(log->file);
	rename(LOG_PATH, LOG_PATH_OLD);
	log->file = -1;
	log->file_len = 0;
	log_open(log);
}

/* One line, made printable, to the log file and the console. */
static void emit(struct log *log, const char *text, size_t len)
{
	char line[LOG_LINE_MAX + 32];
	uint64_t now = clock_ms();
	int used = snprintf(line, sizeof(line), "%" PRIu64 ".%03u ", now / 1000,
			    (unsigned)(now % 1000));

	for (size_t i = 0; i < len && i < LOG_LINE_MAX; i++) {
		char c = text[i] == '\t' ? ' ' : text[i];

		line[used++] = c >= 0x20 && c < 0x7f ? c : '?';
	}
	line[used++] = '\n';
	rotate(log, (size_t)used);
	if (log->file >= 0) {
		put(log->file, line, (size_t)used);
		log->file_len += (size_t)used;
	}
	put(log->console, line, (size_t)used);
}

void log_line(struct log *log, enum log_level level, const char *format, ...)
{
	char line[LOG_LINE_MAX];
	va_list args;
	int head, len;

	log_open(log);
	head = snprintf(line, sizeof(line), "<%d>", level < LOG_WARNING ? LOG_WARNING : (int)level);
	len = head + snprintf(line + head, sizeof(line) - (size_t)head, "init: ");
	va_start(args, format);
	len += vsnprintf(line + len, sizeof(line) - (size_t)len, format, args);
	va_end(args);
	if (len >= (int)sizeof(line))
		len = (int)sizeof(line) - 1;
	put(log->kmsg, line, (size_t)len);
	emit(log, line + head, (size_t)(len - head));
}

static void drain_bytes(struct log *log, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != '\n' && log->line_len < sizeof(log->line))
			log->line[log->line_len++] = bytes[i];
		if (bytes[i] == '\n') { /* what is longer than a line may be is cut off */
			emit(log, log->line, log->line_len);
			log->line_len = 0;
		}
	}
}

void log_drain(struct log *log)
{
	char bytes[2048];

	for (int i = 0; i < DRAIN_READS; i++) {
		ssize_t n = read(log->pipe[0], bytes, sizeof(bytes));

		if (n <= 0)
			return;
		drain_bytes(log, bytes, (size_t)n);
	}
}

void log_flush(struct log *log)
{
	log_drain(log);
	if (log->line_len > 0)
		emit(log, log->line, log->line_len);
	log->line_len = 0;
}

void log_reached(const char *name)
{
	char text[96];

	snprintf(text, sizeof(text), "%.60s %" PRIu64 "\n", name, clock_ms());
	file_append(TIMELINE_PATH, text);
}
