/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of the kernel's sockets: a small tmpfs that the cell owns and its relay may
 * enter. The default ACL lets the relay write to (so connect to) every socket made in it, as
 * far as the umask leaves the group its bits (credentials.c); the monitor never looks inside
 * again.
 */
#ifndef ANCHORHOLD_CELL_SOCKETS_H
#define ANCHORHOLD_CELL_SOCKETS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A detached mount in *ret_fd. */
int sockets_new(uid_t cell, uid_t relay, int *ret_fd);

/* In the child, as the cell's uid: an incarnation's connection file, empty, mode 0600, to write. */
int sockets_new_connection(int sockets, uint32_t incarnation);

/*
 * The resolv.conf that an environment's /etc leads to, in place of any there was; none where the
 * policy (may be NULL) names no resolver. owner: the cell's uid where the caller is another, or -1.
 */
struct egress_policy;
int sockets_put_resolvers(int sockets, const struct egress_policy *policy, int owner);

#endif
