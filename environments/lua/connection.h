/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection file: where the five sockets are to be bound, and the key.
 *
 * Transport ipc, which cells use, or tcp on 127.0.0.1, for a kernel started by hand. The file is
 * written by the node, but it lies in a folder that the cell can write, so it is read as
 * carefully as anything else.
 */
#ifndef ANCHORHOLD_LUA_CONNECTION_H
#define ANCHORHOLD_LUA_CONNECTION_H

#include "link/jupyter.h"

#define CONNECTION_ENDPOINT_MAX 128u
#define CONNECTION_SOCKETS 5u

struct connection {
	char endpoint[CONNECTION_SOCKETS + 1][CONNECTION_ENDPOINT_MAX]; /* by enum jupyter_port */
	struct jupyter_key key; /* wiped by connection_wipe() */
};

/*
 * Parses the file's text. -EBADMSG where it is not such an object or a member is missing or of
 * the wrong type, -ENOTSUP for another transport or signature scheme, -EINVAL where a value is
 * out of range, -ENAMETOOLONG where a socket's path would not fit.
 */
int connection_parse(const char *text, size_t len, struct connection *ret_connection);

/* Reads and parses; additionally -errno of the file, -EFBIG above 4 KiB. */
int connection_read(const char *path, struct connection *ret_connection);

void connection_wipe(struct connection *connection);

#endif
