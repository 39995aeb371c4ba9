/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The little of rtnetlink that a node needs. fd is from nl_open(NETLINK_ROUTE); addresses are
 * in host order. All return 0 or -errno; setting what is so already is no error.
 */
#ifndef ANCHORHOLD_NETLINK_RTNL_H
#define ANCHORHOLD_NETLINK_RTNL_H

#include <stdbool.h>
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

/*
 * Routes of another table than the main one, added or replaced. router 0: the destination is on
 * the link itself; index 0: it is unreachable, whatever other tables say.
 */
struct rtnl_route {
	uint32_t table;
	uint32_t address;
	uint8_t bits;
	uint32_t router;
	unsigned index;
};
int rtnl_route_set(int fd, const struct rtnl_route *route);

/*
 * What comes from these addresses, or goes to them, is routed by the table; that it is so already
 * is no error. The smaller the priority the earlier a rule is asked; main's is 32766.
 */
struct rtnl_rule {
	bool destination; /* of the packet; else its source */
	uint32_t address;
	uint8_t bits;
	uint32_t priority, table;
};
int rtnl_rule_add(int fd, const struct rtnl_rule *rule);

#define RTNL_TABLE_MAIN 254u

/* ---- rtnl_link.c ---- */

/* A pair: one end in the namespace of fd, the peer in the one that peer_ns is open on. */
struct rtnl_veth {
	const char *name;
	unsigned index; /* to be had by the end in fd's namespace */
	uint32_t mtu;
	const char *peer_name;
	int peer_ns;
};
int rtnl_veth_add(int fd, const struct rtnl_veth *veth);

int rtnl_vlan_add(int fd, const char *name, unsigned parent, uint16_t id);

/* Takes a link away, and with one end of a pair the other. -ENODEV: there is none. */
int rtnl_link_delete(int fd, const char *name);

/* No IPv6 address by itself; before the link is brought up. */
int rtnl_link_no_ipv6(int fd, unsigned index);

/* What comes in there may be sent on; the node's other links keep their own word. */
int rtnl_link_forwards(int fd, unsigned index, bool on);

/* ---- rtnl.c ---- */

/* Brings up the loopback interface of the calling process's network namespace. */
int rtnl_loopback_up(void);

#endif
