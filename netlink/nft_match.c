/* SPDX-License-Identifier: Apache-2.0 */
/* What rules ask of a packet. */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "netlink/nft.h"
#include "netlink/nft_expression.h"

/* All matches load into the same register and compare it. */
static void compare(struct nl *nl, enum nft_cmp_ops op, const void *bytes, size_t len)
{
	nft_expression(nl, "cmp");
	nl_put_be32(nl, NFTA_CMP_SREG, NFT_REG_1);
	nl_put_be32(nl, NFTA_CMP_OP, op);
	nft_data(nl, NFTA_CMP_DATA, bytes, len);
	nft_expression_end(nl);
}

static void mask(struct nl *nl, const void *bytes, size_t len)
{
	static const uint8_t zeros[16];

	nft_expression(nl, "bitwise");
	nl_put_be32(nl, NFTA_BITWISE_SREG, NFT_REG_1);
	nl_put_be32(nl, NFTA_BITWISE_DREG, NFT_REG_1);
	nl_put_be32(nl, NFTA_BITWISE_LEN, (uint32_t)len);
	nft_data(nl, NFTA_BITWISE_MASK, bytes, len);
	nft_data(nl, NFTA_BITWISE_XOR, zeros, len);
	nft_expression_end(nl);
}

static void load_meta(struct nl *nl, enum nft_meta_keys key)
{
	nft_expression(nl, "meta");
	nl_put_be32(nl, NFTA_META_DREG, NFT_REG_1);
	nl_put_be32(nl, NFTA_META_KEY, key);
	nft_expression_end(nl);
}

static void meta(struct nl *nl, enum nft_meta_keys key, const void *bytes, size_t len)
{
	load_meta(nl, key);
	compare(nl, NFT_CMP_EQ, bytes, len);
}

static void payload(struct nl *nl, enum nft_payload_bases base, uint32_t offset, uint32_t len)
{
	nft_expression(nl, "payload");
	nl_put_be32(nl, NFTA_PAYLOAD_DREG, NFT_REG_1);
	nl_put_be32(nl, NFTA_PAYLOAD_BASE, base);
	nl_put_be32(nl, NFTA_PAYLOAD_OFFSET, offset);
	nl_put_be32(nl, NFTA_PAYLOAD_LEN, len);
	nft_expression_end(nl);
}

void nft_interface_name(struct nl *nl, const char *text, char ret_padded[16])
{
	_Static_assert(IFNAMSIZ == 16, "the length of a name");

	memset(ret_padded, 0, IFNAMSIZ);
	if (strlen(text) >= IFNAMSIZ)
		nl->full = true; /* a shortened name would match another interface */
	else
		memcpy(ret_padded, text, strlen(text));
}

static void name(struct nl *nl, enum nft_meta_keys key, const char *text)
{
	char padded[IFNAMSIZ];

	nft_interface_name(nl, text, padded);
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

/* The kernel compares as many bytes of the name as it is given. */
static void begins(struct nl *nl, enum nft_meta_keys key, const char *begin, bool so)
{
	char padded[IFNAMSIZ];

	nft_interface_name(nl, begin, padded);
	load_meta(nl, key);
	compare(nl, so ? NFT_CMP_EQ : NFT_CMP_NEQ, padded, strlen(begin) % IFNAMSIZ);
}

void nft_match_iifname_begins(struct nl *nl, const char *begin, bool so)
{
	begins(nl, NFT_META_IIFNAME, begin, so);
}

void nft_match_oifname_begins(struct nl *nl, const char *begin, bool so)
{
	begins(nl, NFT_META_OIFNAME, begin, so);
}

void nft_match_mark(struct nl *nl, uint32_t mark)
{
	meta(nl, NFT_META_MARK, &mark, sizeof(mark));
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

	nft_expression(nl, "ct");
	nl_put_be32(nl, NFTA_CT_DREG, NFT_REG_1);
	nl_put_be32(nl, NFTA_CT_KEY, NFT_CT_STATE);
	nft_expression_end(nl);
	mask(nl, &states, sizeof(states));
	compare(nl, NFT_CMP_NEQ, &none, sizeof(none));
}

void nft_match_reply(struct nl *nl, bool so)
{
	uint8_t direction = so ? IP_CT_DIR_REPLY : IP_CT_DIR_ORIGINAL;

	nft_expression(nl, "ct");
	nl_put_be32(nl, NFTA_CT_DREG, NFT_REG_1);
	nl_put_be32(nl, NFTA_CT_KEY, NFT_CT_DIRECTION);
	nft_expression_end(nl);
	compare(nl, NFT_CMP_EQ, &direction, sizeof(direction));
}

void nft_match_ipv4(struct nl *nl, enum nft_address which, uint32_t address, uint8_t bits)
{
	const uint8_t ipv4 = NFPROTO_IPV4;
	uint32_t wanted = htonl(bits == 0 || bits > 32 ? 0 : UINT32_MAX << (32 - bits));

	meta(nl, NFT_META_NFPROTO, &ipv4, sizeof(ipv4));
	if (bits == 0)
		return;
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

void nft_match_ports(struct nl *nl, enum nft_address which, uint16_t first, uint16_t last)
{
	first = htons(first);
	last = htons(last);
	payload(nl, NFT_PAYLOAD_TRANSPORT_HEADER, which == NFT_SOURCE ? 0 : 2, 2);
	compare(nl, NFT_CMP_GTE, &first, sizeof(first));
	compare(nl, NFT_CMP_LTE, &last, sizeof(last));
}

void nft_match_reset(struct nl *nl)
{
	const uint8_t reset = 0x04, none = 0;

	payload(nl, NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1);
	mask(nl, &reset, sizeof(reset));
	compare(nl, NFT_CMP_NEQ, &none, sizeof(none));
}

void nft_match_icmp(struct nl *nl, uint8_t type)
{
	const uint8_t ipv4 = NFPROTO_IPV4;

	meta(nl, NFT_META_NFPROTO, &ipv4, sizeof(ipv4));
	nft_match_protocol(nl, IPPROTO_ICMP);
	payload(nl, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
	compare(nl, NFT_CMP_EQ, &type, sizeof(type));
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
