/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/nft.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "netlink/nft_expression.h"
#include "netlink/socket.h"

_Static_assert(NFT_STATE_ESTABLISHED == NF_CT_STATE_BIT(IP_CT_ESTABLISHED), "ct state");
_Static_assert(NFT_STATE_RELATED == NF_CT_STATE_BIT(IP_CT_RELATED), "ct state");
_Static_assert(NFT_STATE_NEW == NF_CT_STATE_BIT(IP_CT_NEW), "ct state");
_Static_assert(NFT_STATE_INVALID == NF_CT_STATE_INVALID_BIT, "ct state");
_Static_assert(NFT_STATE_UNTRACKED == NF_CT_STATE_UNTRACKED_BIT, "ct state");
_Static_assert((int)NFT_HOOK_PREROUTING == NF_INET_PRE_ROUTING, "hook");
_Static_assert((int)NFT_HOOK_POSTROUTING == NF_INET_POST_ROUTING, "hook");
_Static_assert((int)NFT_HOOK_INPUT == NF_INET_LOCAL_IN, "hook");
_Static_assert((int)NFT_HOOK_FORWARD == NF_INET_FORWARD, "hook");
_Static_assert((int)NFT_HOOK_OUTPUT == NF_INET_LOCAL_OUT, "hook");
_Static_assert(NFT_VERDICT_DROP == NF_DROP && NFT_VERDICT_ACCEPT == NF_ACCEPT, "verdict");

void nft_message(struct nl *nl, uint16_t type, uint16_t flags)
{
	struct nfgenmsg head = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};

	nl_begin(nl, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &head, sizeof(head));
}

static void batch(struct nl *nl, uint16_t type)
{
	struct nfgenmsg head = {
		.nfgen_family = AF_UNSPEC,
		.version = NFNETLINK_V0,
		.res_id = htons(NFNL_SUBSYS_NFTABLES),
	};

	nl_begin(nl, type, 0, &head, sizeof(head));
	nl_end(nl);
}

static void table(struct nl *nl, uint16_t type, uint16_t flags, const char *name)
{
	nft_message(nl, type, flags);
	nl_put_string(nl, NFTA_TABLE_NAME, name);
	nl_end(nl);
}

void nft_begin_add(struct nl *nl, const char *name)
{
	nl_init(nl);
	batch(nl, NFNL_MSG_BATCH_BEGIN);
	table(nl, NFT_MSG_NEWTABLE, NLM_F_CREATE, name);
}

/* Deleting needs a table that is there, so it is made first: one batch, never a gap. */
void nft_begin(struct nl *nl, const char *name)
{
	nft_begin_add(nl, name);
	table(nl, NFT_MSG_DELTABLE, 0, name);
	table(nl, NFT_MSG_NEWTABLE, NLM_F_CREATE, name);
}

static void base_chain(struct nl *nl, const char *table_name, const char *chain, const char *type,
		       enum nft_hook hook, int priority, enum nft_verdict policy)
{
	nft_message(nl, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	nl_put_string(nl, NFTA_CHAIN_TABLE, table_name);
	nl_put_string(nl, NFTA_CHAIN_NAME, chain);
	nl_nest(nl, NFTA_CHAIN_HOOK);
	nl_put_be32(nl, NFTA_HOOK_HOOKNUM, hook);
	nl_put_be32(nl, NFTA_HOOK_PRIORITY, (uint32_t)priority);
	nl_unnest(nl);
	nl_put_be32(nl, NFTA_CHAIN_POLICY, policy);
	nl_put_string(nl, NFTA_CHAIN_TYPE, type);
	nl_end(nl);
}

void nft_chain(struct nl *nl, const char *table_name, const char *chain, enum nft_hook hook,
	       enum nft_verdict policy)
{
	base_chain(nl, table_name, chain, "filter", hook, NFT_PRIORITY_FILTER, policy);
}

void nft_chain_at(struct nl *nl, const char *table_name, const char *chain, enum nft_hook hook,
		  int priority, enum nft_verdict policy)
{
	base_chain(nl, table_name, chain, "filter", hook, priority, policy);
}

void nft_chain_source_nat(struct nl *nl, const char *table_name, const char *chain)
{
	base_chain(nl, table_name, chain, "nat", NFT_HOOK_POSTROUTING, NFT_PRIORITY_SOURCE_NAT,
		   NFT_VERDICT_ACCEPT);
}

static void plain_chain(struct nl *nl, uint16_t type, uint16_t flags, const char *table_name,
			const char *chain)
{
	nft_message(nl, type, flags);
	nl_put_string(nl, NFTA_CHAIN_TABLE, table_name);
	nl_put_string(nl, NFTA_CHAIN_NAME, chain);
	nl_end(nl);
}

void nft_chain_plain(struct nl *nl, const char *table_name, const char *chain)
{
	plain_chain(nl, NFT_MSG_NEWCHAIN, NLM_F_CREATE, table_name, chain);
}

void nft_chain_delete(struct nl *nl, const char *table_name, const char *chain)
{
	plain_chain(nl, NFT_MSG_DELCHAIN, 0, table_name, chain);
}

void nft_rule(struct nl *nl, const char *table_name, const char *chain)
{
	nft_message(nl, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	nl_put_string(nl, NFTA_RULE_TABLE, table_name);
	nl_put_string(nl, NFTA_RULE_CHAIN, chain);
	nl_nest(nl, NFTA_RULE_EXPRESSIONS);
}

void nft_rules_delete(struct nl *nl, const char *table_name, const char *chain)
{
	nft_message(nl, NFT_MSG_DELRULE, 0);
	nl_put_string(nl, NFTA_RULE_TABLE, table_name);
	nl_put_string(nl, NFTA_RULE_CHAIN, chain);
	nl_end(nl);
}

void nft_expression(struct nl *nl, const char *name)
{
	nl_nest(nl, NFTA_LIST_ELEM);
	nl_put_string(nl, NFTA_EXPR_NAME, name);
	nl_nest(nl, NFTA_EXPR_DATA);
}

void nft_expression_end(struct nl *nl)
{
	nl_unnest(nl);
	nl_unnest(nl);
}

void nft_data(struct nl *nl, uint16_t type, const void *bytes, size_t len)
{
	nl_nest(nl, type);
	nl_put(nl, NFTA_DATA_VALUE, bytes, len);
	nl_unnest(nl);
}

void nft_verdict_data(struct nl *nl, uint16_t type, int code, const char *chain)
{
	nl_nest(nl, type);
	nl_nest(nl, NFTA_DATA_VERDICT);
	nl_put_be32(nl, NFTA_VERDICT_CODE, (uint32_t)code);
	if (chain)
		nl_put_string(nl, NFTA_VERDICT_CHAIN, chain);
	nl_unnest(nl);
	nl_unnest(nl);
}

void nft_rule_none(struct nl *nl)
{
	nl_unnest(nl); /* the list that nft_rule opened */
	nl_end(nl);
}

static void end(struct nl *nl, int code, const char *chain)
{
	nft_expression(nl, "immediate");
	nl_put_be32(nl, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	nft_verdict_data(nl, NFTA_IMMEDIATE_DATA, code, chain);
	nft_expression_end(nl);
	nft_rule_none(nl);
}

void nft_rule_end(struct nl *nl, enum nft_verdict verdict)
{
	end(nl, (int)verdict, NULL);
}

void nft_rule_jump(struct nl *nl, const char *chain)
{
	end(nl, NFT_JUMP, chain);
}

void nft_rule_goto(struct nl *nl, const char *chain)
{
	end(nl, NFT_GOTO, chain);
}

/*
 * The kernel reports every message that fails, in order, and acknowledges where asked: asking
 * for the last alone, its answer ends the answers.
 */
int nft_commit(struct nl *nl, int fd)
{
	uint32_t last = nl->seq;

	nl_ask(nl);
	batch(nl, NFNL_MSG_BATCH_END);
	return nl_send(fd, nl, last);
}
