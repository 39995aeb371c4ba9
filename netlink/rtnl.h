/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The little of rtnetlink that a node needs. fd is from nl_open(NETLINK_ROUTE); addresses are
 * in host order. All return 0 or -errno; setting what is so already is no error.
 */
#ifndef ANCHORHOLD_NETLINK_RTNL_H
#define ANCHORHOLD_NETLINK_RTNL_H

#include <stdint.h>

int rtnl_link_up(int fd, unsigned index);

/* Adds the address, and with it the route to its network. */
int rtnl_address_add(int fd, unsigned index, uint32_t address, uint8_t bits);

/*
 * Takes the address away, and with it the route to its network, and every address added to the
 * same network after it. -EADDRNOTAVAIL: not there.
 */
int rtnl_address_delete(int fd, unsigned index, uint32_t address, uint8_t bits);

/*
 * Makes router the one default route. It need not lie within the node's network: clouds hand
 * out a /32 and a router outside it.
 */
int rtnl_route_default(int fd, unsigned index, uint32_t router);

/* Takes the default route through the interface away. -ESRCH: there is none. */
int rtnl_route_default_delete(int fd, unsigned index);

/* Brings up the loopback interface of the calling process's network namespace. */
int rtnl_loopback_up(void);

#endif
