/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink/socket.h"

_Static_assert(RTNL_TABLE_MAIN == RT_TABLE_MAIN, "table");

#define LOOPBACK_INDEX 1u /* the kernel makes it first in every namespace */

static int finish(int fd, struct nl *nl)
{
	nl_end(nl);
	return nl_send(fd, nl, nl->seq);
}

int rtnl_link_up(int fd, unsigned index)
{
	struct ifinfomsg head = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = (int)index,
		.ifi_flags = IFF_UP,
		.ifi_change = IFF_UP,
	};
	struct nl nl;

	nl_init(&nl);
	nl_begin(&nl, RTM_NEWLINK, NLM_F_ACK, &head, sizeof(head));
	return finish(fd, &nl);
}

static int address(int fd, uint16_t type, uint16_t flags, unsigned index, uint32_t address,
		   uint8_t bits)
{
	struct ifaddrmsg head = {
		.ifa_family = AF_INET,
		.ifa_prefixlen = bits,
		.ifa_scope = RT_SCOPE_UNIVERSE,
		.ifa_index = index,
	};
	struct nl nl;

	nl_init(&nl);
	nl_begin(&nl, type, NLM_F_ACK | flags, &head, sizeof(head));
	nl_put_be32(&nl, IFA_LOCAL, address);
	nl_put_be32(&nl, IFA_ADDRESS, address);
	return finish(fd, &nl);
}

int rtnl_address_add(int fd, unsigned index, uint32_t local, uint8_t bits)
{
	return address(fd, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, index, local, bits);
}

int rtnl_address_delete(int fd, unsigned index, uint32_t local, uint8_t bits)
{
	return address(fd, RTM_DELADDR, 0, index, local, bits);
}

int rtnl_route_default(int fd, unsigned index, uint32_t router)
{
	struct rtmsg head = {
		.rtm_family = AF_INET,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_BOOT,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
		.rtm_flags = RTNH_F_ONLINK,
	};
	struct nl nl;

	nl_init(&nl);
	nl_begin(&nl, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));
	nl_put_be32(&nl, RTA_GATEWAY, router);
	nl_put_u32(&nl, RTA_OIF, index);
	return finish(fd, &nl);
}

int rtnl_route_default_delete(int fd, unsigned index)
{
	struct rtmsg head = {
		.rtm_family = AF_INET,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_scope = RT_SCOPE_NOWHERE, /* any */
	};
	struct nl nl;

	nl_init(&nl);
	nl_begin(&nl, RTM_DELROUTE, NLM_F_ACK, &head, sizeof(head));
	nl_put_u32(&nl, RTA_OIF, index);
	return finish(fd, &nl);
}

int rtnl_route_set(int fd, const struct rtnl_route *route)
{
	struct rtmsg head = {
		.rtm_family = AF_INET,
		.rtm_dst_len = route->bits,
		.rtm_table = RT_TABLE_UNSPEC,
		.rtm_protocol = RTPROT_BOOT,
		.rtm_scope = route->router || !route->index ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
		.rtm_type = route->index ? RTN_UNICAST : RTN_UNREACHABLE,
		.rtm_flags = route->router ? RTNH_F_ONLINK : 0,
	};
	struct nl nl;

	nl_init(&nl);
	nl_begin(&nl, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));
	nl_put_u32(&nl, RTA_TABLE, route->table);
	if (route->bits > 0)
		nl_put_be32(&nl, RTA_DST, route->address);
	if (route->router)
		nl_put_be32(&nl, RTA_GATEWAY, route->router);
	if (route->index)
		nl_put_u32(&nl, RTA_OIF, route->index);
	else /* the last one asked, so that a better one may stand beside it */
		nl_put_u32(&nl, RTA_PRIORITY, UINT32_MAX);
	return finish(fd, &nl);
}

int rtnl_rule_add(int fd, const struct rtnl_rule *rule)
{
	struct fib_rule_hdr head = {
		.family = AF_INET,
		.src_len = rule->destination ? 0 : rule->bits,
		.dst_len = rule->destination ? rule->bits : 0,
		.table = RT_TABLE_UNSPEC,
		.action = FR_ACT_TO_TBL,
	};
	struct nl nl;
	int err;

	nl_init(&nl);
	nl_begin(&nl, RTM_NEWRULE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	nl_put_be32(&nl, rule->destination ? FRA_DST : FRA_SRC, rule->address);
	nl_put_u32(&nl, FRA_PRIORITY, rule->priority);
	nl_put_u32(&nl, FRA_TABLE, rule->table);
	err = finish(fd, &nl);
	return err == -EEXIST ? 0 : err;
}

int rtnl_loopback_up(void)
{
	int fd = nl_open(NETLINK_ROUTE);
	int err;

	if (fd < 0)
		return fd;
	err = rtnl_link_up(fd, LOOPBACK_INDEX);
	close(fd);
	return err;
}
