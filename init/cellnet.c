/* SPDX-License-Identifier: Apache-2.0 */
#include "init/cellnet.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

#include "init/files.h"
#include "netlink/rtnl.h"
#include "netlink/socket.h"

#define CELLNET_PRIORITY 100u /* of the rules: behind the node's own addresses, before its routes */
#define LOOK_MS 500u /* between two looks for the interface, or at the link's address */

/* Each cell may have 512 connections (hostd/cell/egress_list.c), and the link has its own. */
#define CONNECTIONS_PATH "/proc/sys/net/netfilter/nf_conntrack_max"
#define CONNECTIONS "131072"

void cellnet_init(struct cellnet *cellnet, struct log *log, const struct node_conf *conf)
{
	int err;

	*cellnet = (struct cellnet){.route = -1, .next_ms = UINT64_MAX};
	if (!conf || !*conf->egress_interface)
		return;
	cellnet->route = nl_open(NETLINK_ROUTE);
	if (cellnet->route < 0) {
		log_line(log, LOG_ERROR, "egress: netlink: %s", strerror(-cellnet->route));
		return;
	}
	err = file_set(CONNECTIONS_PATH, CONNECTIONS);
	if (err)
		log_line(log, LOG_WARNING, "egress: %s: %s", CONNECTIONS_PATH, strerror(-err));
	cellnet->conf = conf;
	cellnet->next_ms = 0;
}

uint64_t cellnet_deadline(const struct cellnet *cellnet)
{
	return cellnet->next_ms;
}

/* Once for each time that something is missing. */
static void missing(struct cellnet *cellnet, struct log *log, const char *what, int err)
{
	if (!cellnet->told)
		log_line(log, LOG_ERROR, "egress: %s: %s%s%s", cellnet->conf->egress_interface, what,
			 err ? ": " : "", err ? strerror(-err) : "");
	cellnet->told = true;
}

/* The VLAN on the interface, made if it is not there. */
static int make_vlan(const struct cellnet *cellnet, unsigned parent, unsigned *ret_index)
{
	char name[IFNAMSIZ];
	int err = rtnl_link_up(cellnet->route, parent);

	if (!err)
		err = rtnl_vlan_add(cellnet->route, NODE_VLAN_INTERFACE, parent,
				    (uint16_t)cellnet->conf->egress_vlan);
	if (err && err != -EEXIST)
		return err;
	*ret_index = network_find(NODE_VLAN_INTERFACE, name);
	return *ret_index ? 0 : -ENODEV;
}

static int set_interface(const struct cellnet *cellnet, unsigned index)
{
	const struct ipv4_prefix *address = &cellnet->conf->egress_address;
	int err = rtnl_link_no_ipv6(cellnet->route, index);

	if (!err)
		err = rtnl_link_up(cellnet->route, index);
	return err ? err : rtnl_address_add(cellnet->route, index, address->address, address->bits);
}

/*
 * The last line of the table first: what no other line of it knows is unreachable, and never
 * comes to the link's routes. Forwarding last: it holds for this interface alone.
 */
static int set_routes(const struct cellnet *cellnet, unsigned index, const struct lease *lease)
{
	const struct ipv4_prefix *cells = &cellnet->conf->cells;
	const struct rtnl_route routes[] = {
		{.table = CELLNET_TABLE},
		{.table = CELLNET_TABLE,
		 .address = lease->address & ipv4_mask(lease->bits),
		 .bits = lease->bits,
		 .index = index},
		{.table = CELLNET_TABLE, .router = lease->router, .index = index},
	};
	/* Each way between a cell and the node's end of its link stays with the main table, which
	 * alone knows it: the kernel also asks for the way back, before it answers ARP. */
	const struct rtnl_rule rules[] = {
		{true, cells->address, cells->bits, CELLNET_PRIORITY, RTNL_TABLE_MAIN},
		{false, cells->address, cells->bits, CELLNET_PRIORITY + 1, CELLNET_TABLE},
	};
	size_t count = lease->router ? 3 : 2;
	int err = 0;

	for (size_t i = 0; i < count && !err; i++)
		err = rtnl_route_set(cellnet->route, &routes[i]);
	for (size_t i = 0; i < 2 && !err; i++)
		err = rtnl_rule_add(cellnet->route, &rules[i]);
	return err ? err : rtnl_link_forwards(cellnet->route, index, true);
}

static void tell(struct cellnet *cellnet, struct log *log)
{
	char address[IPV4_TEXT_MAX], router[IPV4_TEXT_MAX] = "none", text[128];
	const char *name = node_conf_egress(cellnet->conf);

	ipv4_format(cellnet->lease.address, address);
	if (cellnet->lease.router)
		ipv4_format(cellnet->lease.router, router);
	snprintf(text, sizeof(text), "interface %s\naddress %s/%u\nrouter %s\n", name, address,
		 cellnet->lease.bits, router);
	if (file_replace(CELLNET_RESULT, text))
		log_line(log, LOG_WARNING, "egress: %s cannot be written", CELLNET_RESULT);
	log_line(log, LOG_INFO, "egress: %s %s/%u, router %s", name, address, cellnet->lease.bits,
		 router);
	cellnet->told = false;
}

static void apply(struct cellnet *cellnet, struct log *log, unsigned index,
		  const struct lease *lease)
{
	int err = set_routes(cellnet, index, lease);

	if (err) {
		missing(cellnet, log, "routes", err);
		return;
	}
	cellnet->lease = *lease;
	tell(cellnet, log);
}

/* An interface of its own, which has its address from node.conf. */
static void own(struct cellnet *cellnet, struct log *log, unsigned index)
{
	const struct node_conf *conf = cellnet->conf;
	const struct lease lease = {
		.address = conf->egress_address.address,
		.bits = conf->egress_address.bits,
		.router = conf->egress_router,
	};
	int err = conf->egress_vlan ? make_vlan(cellnet, index, &index) : 0;

	if (!err)
		err = set_interface(cellnet, index);
	if (err)
		missing(cellnet, log, "cannot be set up", err);
	else
		apply(cellnet, log, index, &lease);
	if (cellnet->lease.address)
		cellnet->next_ms = UINT64_MAX;
}

/* The link's: what the link has there now, again where that changes. */
static void shared(struct cellnet *cellnet, struct log *log, const struct network *network,
		   unsigned index)
{
	const struct lease *link = &network->lease;

	if (index != network->index)
		missing(cellnet, log, "is not the link's interface, and has no egress_address", 0);
	else if (link->address && (link->address != cellnet->lease.address ||
				   link->bits != cellnet->lease.bits ||
				   link->router != cellnet->lease.router))
		apply(cellnet, log, index, link);
}

void cellnet_tick(struct cellnet *cellnet, struct log *log, const struct network *network,
		  uint64_t now_ms)
{
	char name[IFNAMSIZ];
	unsigned index;

	if (!cellnet->conf || now_ms < cellnet->next_ms)
		return;
	cellnet->next_ms = now_ms + LOOK_MS;
	index = network_find(cellnet->conf->egress_interface, name);
	if (index == 0)
		missing(cellnet, log, "no such interface", 0);
	else if (cellnet->conf->egress_address.address)
		own(cellnet, log, index);
	else
		shared(cellnet, log, network, index);
}
