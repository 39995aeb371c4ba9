/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refused system calls, as the kernel's audit tells them (type 1326, SECCOMP).
 *
 * Whoever registers as its reader gets the records alone: none of them goes to the kernel's log
 * any more, which a cell could otherwise fill. The rate is the kernel's own, and what is beyond
 * it is counted there and lost; a task whose record finds no room does not wait. So a cell that
 * does nothing but be refused costs itself the formatting, and the node AUDIT_A_SECOND records.
 * The text holds names of the cell's choice (comm, exe): it is parsed strictly, and none of them
 * is kept. Who it was is told by the uid, which is one cell's alone, never by a pid.
 */
#ifndef ANCHORHOLD_HOSTD_AUDIT_H
#define ANCHORHOLD_HOSTD_AUDIT_H

#include <stddef.h>
#include <stdint.h>

#define AUDIT_A_SECOND 64u
#define AUDIT_TEXT_MAX 8192u

struct audit_denial {
	uint32_t uid;
	uint32_t arch;	/* AUDIT_ARCH_* */
	int32_t call;	/* its number there */
	int32_t signal; /* it was killed by; 0: it got an error */
};

/*
 * The text of one SECCOMP record, not NUL-terminated. -EBADMSG where it is not what the kernel
 * writes.
 */
int audit_parse(const char *text, size_t len, struct audit_denial *ret_denial);

/*
 * Registers this process as the reader, with the rates above, and returns the descriptor, which
 * is readable when records wait; it does not block. Needs CAP_AUDIT_CONTROL in the node's own
 * namespaces. -EEXIST where another living process reads already.
 */
int audit_open(int *ret_fd);

/* The next one: 1; 0 where none waits. Records that are none of ours are passed over. -errno. */
int audit_next(int fd, struct audit_denial *ret_denial);

#endif
