/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/egress.h"

#include "hostd/cell/sys.h"
#include "hostd/cell/util.h"

#include <linux/netlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "netlink/conntrack.h"
#include "netlink/nft.h"
#include "netlink/rtnl.h"
#include "netlink/socket.h"

#define ETH0_INDEX 2u /* lo is 1, and nothing else is in a new namespace */
#define LINK_BITS 31  /* two addresses, both of them hosts (RFC 3021) */
#define MTU_DEFAULT 1500u
#define MTU_MAX 65535u /* of a pair */

uint32_t egress_router(const struct egress *egress, unsigned slot)
{
	return egress->node.address + 2 * slot;
}

uint32_t egress_address(const struct egress *egress, unsigned slot)
{
	return egress_router(egress, slot) + 1;
}

void egress_interface(unsigned slot, char ret_name[16])
{
	snprintf(ret_name, 16, EGRESS_INTERFACES "%u", slot);
}

/* ---- what all cells share ---- */

void egress_init(struct egress *egress)
{
	*egress = (struct egress){.home = -1, .route = -1, .nft = -1};
}

void egress_close(struct egress *egress)
{
	fd_close(&egress->home);
	fd_close(&egress->route);
	fd_close(&egress->nft);
	egress->on = false;
}

static int open_sockets(struct egress *egress, int proc)
{
	egress->home = sys_result(openat(proc, "thread-self/ns/net", O_RDONLY | O_CLOEXEC));
	if (egress->home < 0)
		return egress->home;
	egress->route = nl_open(NETLINK_ROUTE);
	if (egress->route < 0)
		return egress->route;
	egress->nft = nl_open(NETLINK_NETFILTER);
	return egress->nft < 0 ? egress->nft : 0;
}

static int begin_all(struct egress *egress, int proc, const struct egress_node *node, bool cut,
		     bool resume)
{
	int result;

	if (node->never_count > EGRESS_NEVER_MAX || node->bits > 32 ||
	    (1ull << (32 - node->bits)) < 2 * CELL_SLOTS_MAX || node->rate_kibps == 0)
		return -EINVAL;
	egress->node = *node;
	egress->cut = cut;
	result = open_sockets(egress, proc);
	if (result == 0 && (!resume || egress_rules_resume(egress) < 0))
		result = egress_rules_open(egress);
	if (result < 0)
		egress_close(egress);
	else
		egress->on = true;
	return result;
}

int egress_open(struct egress *egress, int proc, const struct egress_node *node, bool cut)
{
	return begin_all(egress, proc, node, cut, false);
}

int egress_resume(struct egress *egress, int proc, const struct egress_node *node, bool cut)
{
	return begin_all(egress, proc, node, cut, true);
}

int egress_cut_all(struct egress *egress, bool cut)
{
	int result = egress->on ? egress_rules_cut_all(egress, cut) : 0;

	if (result == 0)
		egress->cut = cut;
	return result;
}

/* ---- one cell's rules ---- */

/*
 * A batch whose answer was lost (a full socket buffer) may have been taken: so what failed is
 * taken back, here and below, and taking back what is not there fails and changes nothing.
 */
static int begin(struct egress *egress, struct egress_cell *cell)
{
	int result = conntrack_forget(egress->nft, egress_address(egress, cell->slot));

	if (result < 0)
		return result;
	result = egress_rules_add(egress, cell->slot);
	if (result < 0)
		(void)egress_rules_delete(egress, cell->slot, false);
	cell->rules = result == 0;
	return result;
}

int egress_cut(struct egress *egress, struct egress_cell *cell, bool cut)
{
	int result = 0;

	if (!egress->on || cell->cut == cut)
		return 0;
	if (!cell->rules)
		result = begin(egress, cell);
	if (result < 0)
		return result;
	result = egress_rules_cut(egress, cell->slot, cut);
	if (result < 0)
		(void)egress_rules_cut(egress, cell->slot, !cut);
	else
		cell->cut = cut;
	return result;
}

int egress_set(struct egress *egress, struct egress_cell *cell, const struct egress_policy *policy)
{
	int result = 0;

	if (!egress->on)
		return policy ? -EOPNOTSUPP : 0;
	if (policy && !cell->rules)
		result = begin(egress, cell);
	if (result < 0 || !cell->rules)
		return result;
	result = egress_rules_set(egress, cell->slot, policy);
	if (result < 0) {
		(void)egress_rules_set(egress, cell->slot, cell->open ? &cell->policy : NULL);
		return result;
	}
	cell->open = policy != NULL;
	if (policy)
		cell->policy = *policy;
	return policy ? 0 : egress_detach(egress, cell);
}

int egress_free(struct egress *egress, struct egress_cell *cell)
{
	int link = egress_detach(egress, cell);
	int rules = cell->rules ? egress_rules_delete(egress, cell->slot, cell->cut) : 0;
	int tracked = 0;

	if (cell->rules)
		tracked = conntrack_forget(egress->nft, egress_address(egress, cell->slot));
	*cell = (struct egress_cell){.slot = cell->slot};
	return link < 0 ? link : rules < 0 ? rules : tracked;
}

/* ---- its pair of links ---- */

/* A socket of rtnetlink in the process's network namespace. The monitor is of one thread: nothing
 * else of it sees where it has been. */
static int open_inside(const struct egress *egress, int pidfd)
{
	int fd;

	if (setns(pidfd, CLONE_NEWNET) < 0)
		return -errno;
	fd = nl_open(NETLINK_ROUTE);
	if (setns(egress->home, CLONE_NEWNET) < 0)
		abort();
	return fd;
}

static uint32_t mtu_of(const char *interface)
{
	CLEANUP_FD int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request;

	memset(&request, 0, sizeof(request));
	memcpy(request.ifr_name, interface, strnlen(interface, IFNAMSIZ - 1));
	if (fd < 0 || ioctl(fd, SIOCGIFMTU, &request) < 0 || request.ifr_mtu <= 0)
		return MTU_DEFAULT;
	return (uint32_t)request.ifr_mtu < MTU_MAX ? (uint32_t)request.ifr_mtu : MTU_MAX;
}

/* The cell's end: it has one address, and all that is not its own is behind the node's end. */
static int set_inside(const struct egress *egress, int inside, unsigned slot)
{
	int result = rtnl_link_no_ipv6(inside, ETH0_INDEX);

	if (result == 0)
		result = rtnl_link_up(inside, ETH0_INDEX);
	if (result == 0)
		result = rtnl_address_add(inside, ETH0_INDEX, egress_address(egress, slot),
					  LINK_BITS);
	if (result == 0)
		result = rtnl_route_default(inside, ETH0_INDEX, egress_router(egress, slot));
	return result;
}

/* The node's end: only from links that say so is anything sent on. */
static int set_outside(const struct egress *egress, const char *name, unsigned slot)
{
	unsigned index = if_nametoindex(name);
	int result = index == 0 ? -errno : rtnl_link_no_ipv6(egress->route, index);

	if (result == 0)
		result = rtnl_link_forwards(egress->route, index, true);
	if (result == 0)
		result = rtnl_link_up(egress->route, index);
	if (result == 0)
		result = rtnl_address_add(egress->route, index, egress_router(egress, slot),
					  LINK_BITS);
	return result;
}

int egress_attach(struct egress *egress, struct egress_cell *cell, int pidfd)
{
	char name[16];
	const struct rtnl_veth veth = {
		.name = "eth0",
		.index = ETH0_INDEX,
		.mtu = mtu_of(egress->node.interface),
		.peer_name = name,
		.peer_ns = egress->home,
	};
	CLEANUP_FD int inside = -1;
	int result;

	if (!egress->on)
		return -EOPNOTSUPP;
	egress_interface(cell->slot, name);
	/* The kernel takes a dead namespace's links away when it comes to it. */
	result = rtnl_link_delete(egress->route, name);
	if (result < 0 && result != -ENODEV)
		return result;
	inside = open_inside(egress, pidfd);
	if (inside < 0)
		return inside;
	cell->link = true;
	result = rtnl_veth_add(inside, &veth);
	if (result == 0)
		result = set_outside(egress, name, cell->slot);
	if (result == 0)
		result = set_inside(egress, inside, cell->slot);
	if (result < 0)
		(void)egress_detach(egress, cell);
	return result;
}

int egress_detach(struct egress *egress, struct egress_cell *cell)
{
	char name[16];
	int result;

	if (!cell->link)
		return 0;
	egress_interface(cell->slot, name);
	result = rtnl_link_delete(egress->route, name);
	if (result < 0 && result != -ENODEV)
		return result;
	cell->link = false;
	return 0;
}

/* ---- what was counted ---- */

struct reading {
	struct egress_traffic *by_slot;
	size_t slots;
};

static void take(void *ctx, const struct nft_count *count)
{
	static const struct {
		const char *what;
		size_t offset;
		bool bytes;
	} rows[] = {
		{"sent-", offsetof(struct egress_traffic, sent_bytes), true},
		{"received-", offsetof(struct egress_traffic, received_bytes), true},
		{"refused-", offsetof(struct egress_traffic, refused_packets), false},
		{"limited-", offsetof(struct egress_traffic, limited_packets), false},
		{"spent-", offsetof(struct egress_traffic, spent_packets), false},
	};
	const struct reading *reading = ctx;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i].what);
		unsigned long slot;

		if (strncmp(count->name, rows[i].what, len) != 0)
			continue;
		slot = strtoul(count->name + len, NULL, 10);
		if (slot < reading->slots)
			memcpy((char *)&reading->by_slot[slot] + rows[i].offset,
			       rows[i].bytes ? &count->bytes : &count->packets, sizeof(uint64_t));
		return;
	}
}

int egress_read(struct egress *egress, struct egress_traffic *by_slot, size_t slots)
{
	struct reading reading = {by_slot, slots};

	return egress->on ? nft_counters_read(egress->nft, EGRESS_TABLE, take, &reading) : 0;
}
