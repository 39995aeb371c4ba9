/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ANCHORHOLD_NETLINK_CONNTRACK_H
#define ANCHORHOLD_NETLINK_CONNTRACK_H

#include <stdint.h>

/*
 * Forgets every tracked connection that this IPv4 address (host order) opened; there may be none.
 * fd is from nl_open(NETLINK_NETFILTER). Returns 0 or -errno.
 */
int conntrack_forget(int fd, uint32_t address);

/* How many there are: *ret. */
int conntrack_count(int fd, uint32_t address, unsigned *ret);

#endif
