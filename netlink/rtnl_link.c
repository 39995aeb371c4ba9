/* SPDX-License-Identifier: Apache-2.0 */
/* Links that are made and taken away: the pair of a cell, a VLAN. */
#include "netlink/rtnl.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include "netlink/socket.h"

static int finish(int fd, struct nl *nl)
{
	nl_end(nl);
	return nl_send(fd, nl, nl->seq);
}

int rtnl_veth_add(int fd, const struct rtnl_veth *veth)
{
	const struct ifinfomsg head = {.ifi_family = AF_UNSPEC, .ifi_index = (int)veth->index};
	const struct ifinfomsg peer = {.ifi_family = AF_UNSPEC};
	struct nl nl;

	nl_init(&nl);
	nl_begin(&nl, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	nl_put_string(&nl, IFLA_IFNAME, veth->name);
	nl_put_u32(&nl, IFLA_MTU, veth->mtu);
	nl_nest(&nl, IFLA_LINKINFO);
	nl_put_string(&nl, IFLA_INFO_KIND, "veth");
	nl_nest(&nl, IFLA_INFO_DATA);
	nl_nest(&nl, VETH_INFO_PEER);
	nl_put_head(&nl, &peer, sizeof(peer));
	nl_put_string(&nl, IFLA_IFNAME, veth->peer_name);
	nl_put_u32(&nl, IFLA_MTU, veth->mtu);
	nl_put_u32(&nl, IFLA_NET_NS_FD, (uint32_t)veth->peer_ns);
	nl_unnest(&nl);
	nl_unnest(&nl);
	nl_unnest(&nl);
	return finish(fd, &nl);
}

int rtnl_vlan_add(int fd, const char *name, unsigned parent, uint16_t id)
{
	const struct ifinfomsg head = {.ifi_family = AF_UNSPEC};
	struct nl nl;

	nl_init(&nl);
	nl_begin(&nl, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	nl_put_string(&nl, IFLA_IFNAME, name);
	nl_put_u32(&nl, IFLA_LINK, parent);
	nl_nest(&nl, IFLA_LINKINFO);
	nl_put_string(&nl, IFLA_INFO_KIND, "vlan");
	nl_nest(&nl, IFLA_INFO_DATA);
	nl_put(&nl, IFLA_VLAN_ID, &id, sizeof(id));
	nl_unnest(&nl);
	nl_unnest(&nl);
	return finish(fd, &nl);
}

int rtnl_link_delete(int fd, const char *name)
{
	const struct ifinfomsg head = {.ifi_family = AF_UNSPEC};
	struct nl nl;

	nl_init(&nl);
	nl_begin(&nl, RTM_DELLINK, NLM_F_ACK, &head, sizeof(head));
	nl_put_string(&nl, IFLA_IFNAME, name);
	return finish(fd, &nl);
}

static int set_family(int fd, unsigned index, uint16_t family, uint16_t type, const void *value,
		      size_t len)
{
	const struct ifinfomsg head = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index};
	struct nl nl;

	nl_init(&nl);
	nl_begin(&nl, RTM_NEWLINK, NLM_F_ACK, &head, sizeof(head));
	nl_nest(&nl, IFLA_AF_SPEC);
	nl_nest(&nl, family);
	if (family == AF_INET)
		nl_nest(&nl, IFLA_INET_CONF);
	nl_put(&nl, type, value, len);
	if (family == AF_INET)
		nl_unnest(&nl);
	nl_unnest(&nl);
	nl_unnest(&nl);
	return finish(fd, &nl);
}

int rtnl_link_no_ipv6(int fd, unsigned index)
{
	const uint8_t none = IN6_ADDR_GEN_MODE_NONE;
	int err = set_family(fd, index, AF_INET6, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof(none));

	return err == -EAFNOSUPPORT ? 0 : err; /* a kernel without it gives no address either */
}

int rtnl_link_forwards(int fd, unsigned index, bool on)
{
	const uint32_t value = on;

	return set_family(fd, index, AF_INET, IPV4_DEVCONF_FORWARDING, &value, sizeof(value));
}
