/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the image promises of the running kernel: /etc/anchorhold/promises, a probe a line
 * (kernel-config/promises.boot, which says the grammar), and the kernel's own build id.
 */
#ifndef ANCHORHOLD_INIT_PROMISES_H
#define ANCHORHOLD_INIT_PROMISES_H

#include <stddef.h>

#include "init/files.h"
#include "init/log.h"
#include "init/probes.h"

#define PROMISES_PATH "/etc/anchorhold/promises"
#define PROMISES_RESULT "/run/anchorhold/promises"
#define PROMISES_BUILD_ID "/etc/anchorhold/build-id"

struct promise {
	char line[LINE_MAX_LEN]; /* what the pointers point into */
	char *name;
	char *probe;
	char *args[PROBE_WORDS_MAX];
	size_t args_len;
};

/* Reads one line `NAME PROBE ARGUMENTS # REASON`. Returns 0 or -EINVAL. */
int promise_parse(const char *line, struct promise *ret_promise);

/*
 * Asks them all and writes PROMISES_RESULT: `ok NAME` or `missing NAME REASON` a line. A file
 * that cannot be read, or a line that cannot be understood, is a missing promise too: hostd
 * refuses to start kernels on any line that is not ok, and on a file that is not there.
 */
void promises_check(struct log *log);

#endif
