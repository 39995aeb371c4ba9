/* SPDX-License-Identifier: Apache-2.0 */
/* A policy as rules of the cell's own chains; egress_rules.c says where they stand. */
#include "hostd/cell/egress.h"

#include <netinet/in.h>

#include "netlink/nft.h"

#define T EGRESS_TABLE
#define NAME_LEN EGRESS_NAME_MAX
#define BURST_MIN 65536u /* bytes; less would cut a large packet's fragments */
#define DNS 53u
#define CONNECTIONS_MAX 512u /* of a cell at once: they are memory of the node */

/* A rule as it is seen from the cell, and its mirror for the answers. */
static void allow(struct nl *nl, unsigned slot, const struct egress_rule *rule, bool out)
{
	const enum nft_address far = out ? NFT_DESTINATION : NFT_SOURCE;
	char chain[NAME_LEN], target[NAME_LEN];

	egress_name(chain, out ? "from" : "to", slot);
	egress_name(target, out ? "out" : "in", slot);
	nft_rule(nl, T, chain);
	nft_match_ipv4(nl, far, rule->address, rule->bits);
	if (rule->protocol == IPPROTO_ICMP)
		nft_match_icmp(nl, out ? 8 : 0); /* echo, echo reply */
	else if (rule->protocol)
		nft_match_protocol(nl, rule->protocol);
	if (rule->port_first != 0 && rule->port_first == rule->port_last)
		nft_match_port(nl, far, rule->port_first);
	else if (rule->port_first != 0)
		nft_match_ports(nl, far, rule->port_first, rule->port_last);
	nft_rule_goto(nl, target);
}

static void allow_resolver(struct nl *nl, unsigned slot, uint32_t address, bool out)
{
	const uint8_t protocols[] = {IPPROTO_UDP, IPPROTO_TCP};

	for (size_t i = 0; i < sizeof(protocols); i++) {
		const struct egress_rule rule = {address, 32, protocols[i], DNS, DNS};

		allow(nl, slot, &rule, out);
	}
}

static void list(struct nl *nl, unsigned slot, const struct egress_policy *policy, bool out)
{
	for (size_t i = 0; i < policy->rules_count; i++)
		allow(nl, slot, &policy->rules[i], out);
	for (size_t i = 0; i < policy->resolvers_count; i++)
		allow_resolver(nl, slot, policy->resolvers[i], out);
}

/* Only answers; and the errors that routers send for a connection of the cell's. */
static void answers(struct nl *nl, unsigned slot)
{
	char chain[NAME_LEN], target[NAME_LEN];

	egress_name(chain, "to", slot);
	egress_name(target, "in", slot);
	nft_rule(nl, T, chain);
	nft_match_state(nl, NFT_STATE_NEW);
	nft_rule_goto(nl, "ignore");
	nft_rule(nl, T, chain);
	nft_match_reply(nl, false);
	nft_rule_goto(nl, "ignore");
	nft_rule(nl, T, chain);
	nft_match_state(nl, NFT_STATE_RELATED);
	nft_match_protocol(nl, IPPROTO_ICMP);
	nft_limit(nl, 50, 50);
	nft_rule_goto(nl, target);
}

/* What is on the list still has the rate and the quota to pass. */
static void pass(struct nl *nl, unsigned slot, uint64_t rate, bool out)
{
	char chain[NAME_LEN], counter[NAME_LEN];

	egress_name(chain, out ? "out" : "in", slot);
	if (out) {
		nft_rule(nl, T, chain);
		nft_match_state(nl, NFT_STATE_NEW);
		nft_connections_over(nl, CONNECTIONS_MAX);
		egress_name(counter, "limited", slot);
		nft_counter_use(nl, counter);
		nft_rule_end(nl, NFT_VERDICT_DROP);
	}
	nft_rule(nl, T, chain);
	nft_limit_over_bytes(nl, rate, (uint32_t)(rate / 4 > BURST_MIN ? rate / 4 : BURST_MIN));
	egress_name(counter, "limited", slot);
	nft_counter_use(nl, counter);
	nft_rule_end(nl, NFT_VERDICT_DROP);
	nft_rule(nl, T, chain);
	egress_name(counter, "quota", slot);
	nft_quota_over(nl, counter);
	egress_name(counter, "spent", slot);
	nft_counter_use(nl, counter);
	nft_rule_end(nl, NFT_VERDICT_DROP);
	nft_rule(nl, T, chain);
	egress_name(counter, out ? "sent" : "received", slot);
	nft_counter_use(nl, counter);
	nft_mark(nl, EGRESS_MARK);
	nft_rule_end(nl, NFT_VERDICT_ACCEPT);
}

static void last_rule(struct nl *nl, const char *what, unsigned slot, const char *target)
{
	char chain[NAME_LEN];

	egress_name(chain, what, slot);
	nft_rule(nl, T, chain);
	nft_rule_goto(nl, target);
}

/* policy NULL: the chains end at once, in refusal. The counters stay what they are. */
int egress_rules_set(struct egress *egress, unsigned slot, const struct egress_policy *policy)
{
	char text[NAME_LEN];
	struct nl nl;

	nft_begin_add(&nl, T);
	for (size_t i = 0; i < EGRESS_CHAINS; i++) {
		egress_name(text, egress_chains[i], slot);
		nft_rules_delete(&nl, T, text);
	}
	if (policy) {
		uint32_t kibps = policy->rate_kibps ? policy->rate_kibps : egress->node.rate_kibps;

		egress_name(text, "quota", slot);
		nft_quota_add(&nl, T, text, policy->bytes_max ? policy->bytes_max : UINT64_MAX);
		list(&nl, slot, policy, true);
		answers(&nl, slot);
		list(&nl, slot, policy, false);
		pass(&nl, slot, (uint64_t)kibps * 1024, true);
		pass(&nl, slot, (uint64_t)kibps * 1024, false);
	}
	last_rule(&nl, "from", slot, "refuse");
	last_rule(&nl, "to", slot, "ignore");
	return nft_commit(&nl, egress->nft);
}
