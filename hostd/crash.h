/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told of a record that the kernel left in memory as it died: a few lines of its log.
 * The bytes stood in RAM over a restart, so anything may be among them.
 */
#ifndef ANCHORHOLD_HOSTD_CRASH_H
#define ANCHORHOLD_HOSTD_CRASH_H

#include <stddef.h>

#include "link/wire.h"

#define CRASH_RECORD_MAX (256u * 1024u)
#define CRASH_LINES_MAX 12u

struct crash {
	char cause[LINK_TEXT_MAX]; /* the line that names it */
	size_t count;
	char lines[CRASH_LINES_MAX][LINK_TEXT_MAX]; /* before and after that line, in order */
};

/*
 * The last cause in the text (an oops, a panic), and the lines around it; without a cause, the
 * last lines. Priorities and times in front of a line are left out, and a trace of nothing but
 * addresses is one line. All are printable ASCII. -ENODATA where the text holds no line.
 */
int crash_read(const char *text, size_t len, struct crash *ret_crash);

#endif
