/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/conntrack.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "netlink/socket.h"

#define SOURCE_ADDRESS 1u /* of a filter's flags: only this part of the tuple counts */

/* Without the filter the same message would forget, or list, everything. */
static void request(struct nl *nl, uint16_t type, uint16_t flags, uint32_t address)
{
	const struct nfgenmsg head = {.nfgen_family = AF_INET, .version = NFNETLINK_V0};

	nl_init(nl);
	nl_begin(nl, (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type), flags, &head, sizeof(head));
	nl_nest(nl, CTA_TUPLE_ORIG);
	nl_nest(nl, CTA_TUPLE_IP);
	nl_put_be32(nl, CTA_IP_V4_SRC, address);
	nl_unnest(nl);
	nl_unnest(nl);
	nl_nest(nl, CTA_FILTER);
	nl_put_u32(nl, CTA_FILTER_ORIG_FLAGS, SOURCE_ADDRESS);
	nl_unnest(nl);
	nl_end(nl);
}

int conntrack_forget(int fd, uint32_t address)
{
	struct nl nl;

	request(&nl, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, address);
	return nl_send(fd, &nl, nl.seq);
}

static void count(void *ctx, uint16_t type, const uint8_t *body, size_t len)
{
	unsigned *counted = ctx;

	(void)body;
	(void)len;
	if (type == (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW))
		(*counted)++;
}

int conntrack_count(int fd, uint32_t address, unsigned *ret)
{
	struct nl nl;

	*ret = 0;
	request(&nl, IPCTNL_MSG_CT_GET, NLM_F_DUMP, address);
	return nl_dump(fd, &nl, count, ret);
}
