/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What init keeps for hostd over hostd's death: descriptors under names, nothing else. Over one
 * SOCK_SEQPACKET pair hostd sends struct fdstore_message, FDSTORE_PUT with one to FDSTORE_FDS_MAX
 * descriptors, and gets no answer. The next hostd inherits them all: a table of struct fdstore_row,
 * in a file of its own, says under which numbers. Its environment has both ends' numbers:
 *
 *	ANCHORHOLD_STORE=SOCKET:TABLE
 *
 * init reads no byte of what it keeps.
 */
#ifndef ANCHORHOLD_CONF_FDSTORE_H
#define ANCHORHOLD_CONF_FDSTORE_H

#include <stdint.h>

#define FDSTORE_ENV "ANCHORHOLD_STORE"
#define FDSTORE_NAME_MAX 24u
#define FDSTORE_FDS_MAX 3u
#define FDSTORE_ROWS_MAX 1088u /* two a kernel, of which there are 512; the node's own */

enum fdstore_verb {
	FDSTORE_PUT = 1, /* under this name from now on; what had it before is closed */
	FDSTORE_DROP,	 /* a name that is not there is fine */
	FDSTORE_STABLE,	 /* no name: hostd has gone on with what was kept, and runs well */
};

struct fdstore_message {
	uint32_t verb;
	char name[FDSTORE_NAME_MAX]; /* [a-z0-9.-], one or more, then NULs; STABLE: NULs */
};

struct fdstore_row {
	char name[FDSTORE_NAME_MAX];
	int32_t count;
	int32_t fds[FDSTORE_FDS_MAX];
};

#endif
