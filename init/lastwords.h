/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ANCHORHOLD_INIT_LASTWORDS_H
#define ANCHORHOLD_INIT_LASTWORDS_H

#include <stddef.h>

#include "init/log.h"

#define LASTWORDS_FOLDER "/sys/fs/pstore"
#define LASTWORDS_LINES 12u /* of each record */

/* Where the last lines of text begin, at most max of them. */
const char *lastwords_tail(const char *text, size_t len, unsigned max);

/*
 * Says the end of what the kernel left in persistent memory when it last crashed (ramoops),
 * which stays there until hostd has it in its journal. A machine without such memory, or without a crash, has none: nothing is said.
 */
void lastwords_say(struct log *log);

#endif
