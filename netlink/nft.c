/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/nft.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "netlink/socket.h"

_Static_assert(NFT_STATE_ESTABLISHED == NF_CT_STATE_BIT(IP_CT_ESTABLISHED), "ct state");
_Static_assert(NFT_STATE_RELATED == NF_CT_STATE_BIT(IP_CT_RELATED), "ct state");
_Static_assert(NFT_STATE_NEW == NF_CT_STATE_BIT(IP_CT_NEW), "ct state");
_Static_assert((int)NFT_HOOK_INPUT == NF_INET_LOCAL_IN, "hook");
_Static_assert((int)NFT_HOOK_FORWARD == NF_INET_FORWARD, "hook");
_Static_assert((int)NFT_HOOK_OUTPUT == NF_INET_LOCAL_OUT, "hook");
_Static_assert(NFT_VERDICT_DROP == NF_DROP && NFT_VERDICT_ACCEPT == NF_ACCEPT, "verdict");

static void begin(struct nl *nl, uint16_t type, uint16_t flags)
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
	begin(nl, type, flags);
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

void nft_chain(struct nl *nl, const char *table_name, const char *chain, enum nft_hook hook,
	       enum nft_verdict policy)
{
	begin(nl, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	nl_put_string(nl, NFTA_CHAIN_TABLE, table_name);
	nl_put_string(nl, NFTA_CHAIN_NAME, chain);
	nl_nest(nl, NFTA_CHAIN_HOOK);
	nl_put_be32(nl, NFTA_HOOK_HOOKNUM, hook);
	nl_put_be32(nl, NFTA_HOOK_PRIORITY, 0);
	nl_unnest(nl);
	nl_put_be32(nl, NFTA_CHAIN_POLICY, policy);
	nl_put_string(nl, NFTA_CHAIN_TYPE, "filter");
	nl_end(nl);
}

void nft_rule(struct nl *nl, const char *table_name, const char *chain)
{
	begin(nl, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	nl_put_string(nl, NFTA_RULE_TABLE, table_name);
	nl_put_string(nl, NFTA_RULE_CHAIN, chain);
	nl_nest(nl, NFTA_RULE_EXPRESSIONS);
}

/* Each expression is an element of the rule's list: a name, and attributes of its own. */
static void expression(struct nl *nl, const char *name)
{
	nl_nest(nl, NFTA_LIST_ELEM);
	nl_put_string(nl, NFTA_EXPR_NAME, name);
	nl_nest(nl, NFTA_EXPR_DATA);
}

static void expression_end(struct nl *nl)
{
	nl_unnest(nl);
	nl_unnest(nl);
}

static void data(struct nl *nl, uint16_t type, const void *bytes, size_t len)
{
	nl_nest(nl, type);
	nl_put(nl, NFTA_DATA_VALUE, bytes, len);
	nl_unnest(nl);
}

void nft_rule_end(struct nl *nl, enum nft_verdict verdict)
{
	expression(nl, "immediate");
	nl_put_be32(nl, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	nl_nest(nl, NFTA_IMMEDIATE_DATA);
	nl_nest(nl, NFTA_DATA_VERDICT);
	nl_put_be32(nl, NFTA_VERDICT_CODE, verdict);
	nl_unnest(nl);
	nl_unnest(nl);
	expression_end(nl);
	nl_unnest(nl); /* the list that nft_rule opened */
	nl_end(nl);
}

/* All matches load into the same register and compare it. */
static void compare(struct nl *nl, enum nft_cmp_ops op, const void *bytes, size_t len)
{
	expression(nl, "cmp");
	nl_put_be32(nl, NFTA_CMP_SREG, NFT_REG_1);
	nl_put_be32(nl, NFTA_CMP_OP, op);
	data(nl, NFTA_CMP_DATA, bytes, len);
	expression_end(nl);
}

static void mask(struct nl *nl, const void *bytes, size_t len)
{
	static const uint8_t zeros[16];

	expression(nl, "bitwise");
	nl_put_be32(nl, NFTA_BITWISE_SREG, NFT_REG_1);
	nl_put_be32(nl, NFTA_BITWISE_DREG, NFT_REG_1);
	nl_put_be32(nl, NFTA_BITWISE_LEN, (uint32_t)len);
	data(nl, NFTA_BITWISE_MASK, bytes, len);
	data(nl, NFTA_BITWISE_XOR, zeros, len);
	expression_end(nl);
}

static void meta(struct nl *nl, enum nft_meta_keys key, const void *bytes, size_t len)
{
	expression(nl, "meta");
	nl_put_be32(nl, NFTA_META_DREG, NFT_REG_1);
	nl_put_be32(nl, NFTA_META_KEY, key);
	expression_end(nl);
	compare(nl, NFT_CMP_EQ, bytes, len);
}

static void payload(struct nl *nl, enum nft_payload_bases base, uint32_t offset, uint32_t len)
{
	expression(nl, "payload");
	nl_put_be32(nl, NFTA_PAYLOAD_DREG, NFT_REG_1);
	nl_put_be32(nl, NFTA_PAYLOAD_BASE, base);
	nl_put_be32(nl, NFTA_PAYLOAD_OFFSET, offset);
	nl_put_be32(nl, NFTA_PAYLOAD_LEN, len);
	expression_end(nl);
}

static void name(struct nl *nl, enum nft_meta_keys key, const char *text)
{
	char padded[IFNAMSIZ] = {0};

	if (strlen(text) >= sizeof(padded)) {
		nl->full = true; /* a shortened name would match another interface */
		return;
	}
	memcpy(padded, text, strlen(text));
	meta(nl, key, padded, sizeof(padded));
}

void nft_match_iifname(struct nl *nl, const char *text)
{
	name(nl, NFT_META_IIFNAME, text);
}

void nft_match_oifname(struct nl *nl, const char *text)
{
	name(nl, NFT_META_OIFNAME, text);
}

void nft_match_uid(struct nl *nl, uint32_t uid)
{
	meta(nl, NFT_META_SKUID, &uid, sizeof(uid));
}

void nft_match_protocol(struct nl *nl, uint8_t protocol)
{
	meta(nl, NFT_META_L4PROTO, &protocol, sizeof(protocol));
}

void nft_match_state(struct nl *nl, uint32_t states)
{
	uint32_t none = 0;

	expression(nl, "ct");
	nl_put_be32(nl, NFTA_CT_DREG, NFT_REG_1);
	nl_put_be32(nl, NFTA_CT_KEY, NFT_CT_STATE);
	expression_end(nl);
	mask(nl, &states, sizeof(states));
	compare(nl, NFT_CMP_NEQ, &none, sizeof(none));
}

void nft_match_ipv4(struct nl *nl, enum nft_address which, uint32_t address, uint8_t bits)
{
	const uint8_t ipv4 = NFPROTO_IPV4;
	uint32_t wanted = htonl(bits == 0 ? 0 : UINT32_MAX << (32 - bits));

	meta(nl, NFT_META_NFPROTO, &ipv4, sizeof(ipv4));
	payload(nl, NFT_PAYLOAD_NETWORK_HEADER, which == NFT_SOURCE ? 12 : 16, 4);
	if (bits < 32)
		mask(nl, &wanted, sizeof(wanted));
	address = htonl(address) & wanted;
	compare(nl, NFT_CMP_EQ, &address, sizeof(address));
}

void nft_match_port(struct nl *nl, enum nft_address which, uint16_t port)
{
	port = htons(port);
	payload(nl, NFT_PAYLOAD_TRANSPORT_HEADER, which == NFT_SOURCE ? 0 : 2, 2);
	compare(nl, NFT_CMP_EQ, &port, sizeof(port));
}

void nft_match_icmpv6(struct nl *nl, uint8_t type)
{
	const uint8_t ipv6 = NFPROTO_IPV6, hops = 255;

	meta(nl, NFT_META_NFPROTO, &ipv6, sizeof(ipv6));
	payload(nl, NFT_PAYLOAD_NETWORK_HEADER, 7, 1);
	compare(nl, NFT_CMP_EQ, &hops, sizeof(hops));
	nft_match_protocol(nl, IPPROTO_ICMPV6);
	payload(nl, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
	compare(nl, NFT_CMP_EQ, &type, sizeof(type));
}

void nft_limit(struct nl *nl, uint64_t per_second, uint32_t burst)
{
	expression(nl, "limit");
	nl_put_be64(nl, NFTA_LIMIT_RATE, per_second);
	nl_put_be64(nl, NFTA_LIMIT_UNIT, 1);
	nl_put_be32(nl, NFTA_LIMIT_BURST, burst);
	nl_put_be32(nl, NFTA_LIMIT_TYPE, NFT_LIMIT_PKTS);
	expression_end(nl);
}

void nft_counter(struct nl *nl)
{
	expression(nl, "counter");
	expression_end(nl);
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
