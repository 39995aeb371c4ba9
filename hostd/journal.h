/* SPDX-License-Identifier: Apache-2.0 */
/* The last lines of the node's log, which init writes. */
#ifndef ANCHORHOLD_HOSTD_JOURNAL_H
#define ANCHORHOLD_HOSTD_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#define JOURNAL_LINES_MAX 10000u

/*
 * The last `lines` lines of the two files together (older, which may be missing, then newer), as
 * far as they fit size bytes; whole lines only, printable ASCII. The length, or -errno.
 */
int journal_tail(const char *older, const char *newer, uint32_t lines, char *ret, size_t size);

#endif
