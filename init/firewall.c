/* SPDX-License-Identifier: Apache-2.0 */
#include "init/firewall.h"

#include <linux/netlink.h>
#include <netinet/in.h>
#include <unistd.h>

#include "netlink/nft.h"
#include "netlink/socket.h"

#define T FIREWALL_TABLE

static void accept_interface(struct nl *nl, const char *chain)
{
	nft_rule(nl, T, chain);
	if (*chain == 'i')
		nft_match_iifname(nl, "lo");
	else
		nft_match_oifname(nl, "lo");
	nft_rule_end(nl, NFT_VERDICT_ACCEPT);
}

/* What a gateway answers on a connection that the node has opened. */
static void accept_from(struct nl *nl, const struct ipv4_endpoint *gateway)
{
	nft_rule(nl, T, "input");
	nft_match_ipv4(nl, NFT_SOURCE, gateway->address, 32);
	nft_match_protocol(nl, IPPROTO_TCP);
	nft_match_port(nl, NFT_SOURCE, gateway->port);
	nft_match_state(nl, NFT_STATE_ESTABLISHED);
	nft_rule_end(nl, NFT_VERDICT_ACCEPT);
}

static void accept_to(struct nl *nl, const struct ipv4_endpoint *gateway, int established)
{
	nft_rule(nl, T, "output");
	nft_match_ipv4(nl, NFT_DESTINATION, gateway->address, 32);
	nft_match_protocol(nl, IPPROTO_TCP);
	nft_match_port(nl, NFT_DESTINATION, gateway->port);
	/*
	 * Only the link's uid opens a connection. On one that is open, what the kernel sends for
	 * a closed socket has no uid any more, and is let out so that the gateway sees the end.
	 */
	if (established)
		nft_match_state(nl, NFT_STATE_ESTABLISHED);
	else
		nft_match_uid(nl, FIREWALL_LINK_UID);
	nft_rule_end(nl, NFT_VERDICT_ACCEPT);
}

/* 'Too big' and 'unreachable' for our own connections, or they would hang instead of fail. */
static void accept_icmp_errors(struct nl *nl)
{
	nft_rule(nl, T, "input");
	nft_match_state(nl, NFT_STATE_RELATED);
	nft_match_protocol(nl, IPPROTO_ICMP);
	nft_limit(nl, 50, 50);
	nft_rule_end(nl, NFT_VERDICT_ACCEPT);
}

static void accept_neighbours(struct nl *nl, const char *chain, uint8_t router_message)
{
	const uint8_t types[] = {router_message, 135, 136}; /* and neighbour solicit, advert */

	for (size_t i = 0; i < sizeof(types); i++) {
		nft_rule(nl, T, chain);
		nft_match_icmpv6(nl, types[i]);
		nft_rule_end(nl, NFT_VERDICT_ACCEPT);
	}
}

/*
 * What the monitor's table has let through (it comes first, and marks it) between a cell's link
 * and the one interface that the operator named: two hands on the door. The node itself only says
 * to a cell that something cannot be reached, or resets what it tried.
 */
static void forward_cells(struct nl *nl, const struct node_conf *conf)
{
	const char *out = node_conf_egress(conf);

	nft_rule(nl, T, "forward");
	nft_match_iifname_begins(nl, FIREWALL_CELLS, true);
	nft_match_oifname(nl, out);
	nft_match_mark(nl, FIREWALL_MARK);
	nft_rule_end(nl, NFT_VERDICT_ACCEPT);
	nft_rule(nl, T, "forward");
	nft_match_iifname(nl, out);
	nft_match_oifname_begins(nl, FIREWALL_CELLS, true);
	nft_match_mark(nl, FIREWALL_MARK);
	nft_match_state(nl, NFT_STATE_ESTABLISHED | NFT_STATE_RELATED);
	nft_rule_end(nl, NFT_VERDICT_ACCEPT);
	nft_rule(nl, T, "output");
	nft_match_oifname_begins(nl, FIREWALL_CELLS, true);
	nft_match_icmp(nl, 3); /* destination unreachable */
	nft_rule_end(nl, NFT_VERDICT_ACCEPT);
	nft_rule(nl, T, "output");
	nft_match_oifname_begins(nl, FIREWALL_CELLS, true);
	nft_match_protocol(nl, IPPROTO_TCP);
	nft_match_reset(nl);
	nft_rule_end(nl, NFT_VERDICT_ACCEPT);
	nft_chain_source_nat(nl, T, "postrouting");
	nft_rule(nl, T, "postrouting");
	nft_match_ipv4(nl, NFT_SOURCE, conf->cells.address, conf->cells.bits);
	nft_match_oifname(nl, out);
	nft_masquerade(nl);
	nft_rule_none(nl);
}

/* The chain's policy drops as well; this rule counts. */
static void drop_rest(struct nl *nl, const char *chain)
{
	nft_rule(nl, T, chain);
	nft_counter(nl);
	nft_rule_end(nl, NFT_VERDICT_DROP);
}

static void rules(struct nl *nl, const struct node_conf *conf)
{
	nft_begin(nl, T);
	nft_chain(nl, T, "input", NFT_HOOK_INPUT, NFT_VERDICT_DROP);
	nft_chain(nl, T, "forward", NFT_HOOK_FORWARD, NFT_VERDICT_DROP);
	nft_chain(nl, T, "output", NFT_HOOK_OUTPUT, NFT_VERDICT_DROP);
	accept_interface(nl, "input");
	accept_interface(nl, "output");
	for (size_t i = 0; conf && i < conf->gateways_count; i++) {
		accept_from(nl, &conf->gateways[i]);
		accept_to(nl, &conf->gateways[i], 0);
		accept_to(nl, &conf->gateways[i], 1);
	}
	if (conf)
		accept_icmp_errors(nl);
	if (conf && conf->ipv6) {
		accept_neighbours(nl, "input", 134);  /* router advertisement */
		accept_neighbours(nl, "output", 133); /* router solicitation */
	}
	if (conf && *conf->egress_interface)
		forward_cells(nl, conf);
	drop_rest(nl, "input");
	drop_rest(nl, "forward");
	drop_rest(nl, "output");
}

int firewall_set(const struct node_conf *conf)
{
	struct nl nl;
	int err, fd = nl_open(NETLINK_NETFILTER);

	if (fd < 0)
		return fd;
	rules(&nl, conf);
	err = nft_commit(&nl, fd);
	close(fd);
	return err;
}
