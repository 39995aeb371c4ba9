/* SPDX-License-Identifier: Apache-2.0 */
/* What rules do besides their verdict. */
#include <linux/netfilter/nf_tables.h>

#include "netlink/nft.h"
#include "netlink/nft_expression.h"

static void limit(struct nl *nl, uint64_t per_second, uint32_t burst, enum nft_limit_type type,
		  uint32_t flags)
{
	nft_expression(nl, "limit");
	nl_put_be64(nl, NFTA_LIMIT_RATE, per_second);
	nl_put_be64(nl, NFTA_LIMIT_UNIT, 1);
	nl_put_be32(nl, NFTA_LIMIT_BURST, burst);
	nl_put_be32(nl, NFTA_LIMIT_TYPE, type);
	nl_put_be32(nl, NFTA_LIMIT_FLAGS, flags);
	nft_expression_end(nl);
}

void nft_limit(struct nl *nl, uint64_t per_second, uint32_t burst)
{
	limit(nl, per_second, burst, NFT_LIMIT_PKTS, 0);
}

void nft_limit_over_bytes(struct nl *nl, uint64_t per_second, uint32_t burst)
{
	limit(nl, per_second, burst, NFT_LIMIT_PKT_BYTES, NFT_LIMIT_F_INV);
}

void nft_connections_over(struct nl *nl, uint32_t count)
{
	nft_expression(nl, "connlimit");
	nl_put_be32(nl, NFTA_CONNLIMIT_COUNT, count);
	nl_put_be32(nl, NFTA_CONNLIMIT_FLAGS, NFT_CONNLIMIT_F_INV);
	nft_expression_end(nl);
}

void nft_counter(struct nl *nl)
{
	nft_expression(nl, "counter");
	nft_expression_end(nl);
}

void nft_mark(struct nl *nl, uint32_t mark)
{
	nft_expression(nl, "immediate");
	nl_put_be32(nl, NFTA_IMMEDIATE_DREG, NFT_REG_1);
	nft_data(nl, NFTA_IMMEDIATE_DATA, &mark, sizeof(mark));
	nft_expression_end(nl);
	nft_expression(nl, "meta");
	nl_put_be32(nl, NFTA_META_KEY, NFT_META_MARK);
	nl_put_be32(nl, NFTA_META_SREG, NFT_REG_1);
	nft_expression_end(nl);
}

void nft_masquerade(struct nl *nl)
{
	nft_expression(nl, "masq");
	nft_expression_end(nl);
}

void nft_reset(struct nl *nl)
{
	nft_expression(nl, "reject");
	nl_put_be32(nl, NFTA_REJECT_TYPE, NFT_REJECT_TCP_RST);
	nft_expression_end(nl);
}

void nft_reject(struct nl *nl)
{
	const uint8_t code = NFT_REJECT_ICMPX_ADMIN_PROHIBITED;

	nft_expression(nl, "reject");
	nl_put_be32(nl, NFTA_REJECT_TYPE, NFT_REJECT_ICMPX_UNREACH);
	nl_put(nl, NFTA_REJECT_ICMP_CODE, &code, sizeof(code));
	nft_expression_end(nl);
}
