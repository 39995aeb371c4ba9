/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/log.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_MAX_LEN 1024u

void log_line(const char *format, ...)
{
	char line[LINE_MAX_LEN];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	/* Texts come from nodes and clients too: they may not start a line of their own. */
	for (char *c = line; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	fprintf(stderr, "anchorhold-gateway: %s\n", line);
}
