/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection that can be ended later, although libzmq owns its descriptor and may close it at
 * any moment: then the number may stand for another connection, or for a file. So what is kept is
 * the socket's cookie, which the kernel gives to no other socket, and the descriptor is copied
 * before it is compared: what was compared is what is shut.
 */
#ifndef ANCHORHOLD_LINK_MARK_H
#define ANCHORHOLD_LINK_MARK_H

#include <stdint.h>

struct link_mark {
	int fd; /* -1: none */
	uint64_t cookie;
};

/* fd is a TCP connection, else the mark is of none: then -ENOTSOCK or another errno. */
int link_mark_take(int fd, struct link_mark *ret_mark);

/* Ends it both ways; its owner notices and closes. -ESTALE where it is gone already. */
int link_mark_shut(const struct link_mark *mark);

#endif
