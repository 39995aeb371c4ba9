/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few nf_tables messages that a node needs: one table of the inet family, base chains,
 * rules put together from small matches. All goes into one batch, which the kernel takes whole
 * or not at all. Nothing is sent before nft_commit; what does not fit is found there.
 *
 *	nft_begin(&nl, "anchorhold");
 *	nft_chain(&nl, "anchorhold", "input", NFT_HOOK_INPUT, NFT_VERDICT_DROP);
 *	nft_rule(&nl, "anchorhold", "input");
 *	nft_match_iifname(&nl, "lo");
 *	nft_rule_end(&nl, NFT_VERDICT_ACCEPT);
 *	err = nft_commit(&nl, fd);
 */
#ifndef ANCHORHOLD_NETLINK_NFT_H
#define ANCHORHOLD_NETLINK_NFT_H

#include "netlink/message.h"

enum nft_hook { NFT_HOOK_INPUT = 1, NFT_HOOK_FORWARD = 2, NFT_HOOK_OUTPUT = 3 };
enum nft_verdict { NFT_VERDICT_DROP = 0, NFT_VERDICT_ACCEPT = 1 };

/* Connection tracking states, to be joined by |. */
enum { NFT_STATE_ESTABLISHED = 2, NFT_STATE_RELATED = 4, NFT_STATE_NEW = 8 };

enum nft_address { NFT_SOURCE, NFT_DESTINATION };

/* Opens a batch that replaces the table: what it held before is gone when the batch is in. */
void nft_begin(struct nl *nl, const char *table);

/* Opens a batch that adds to the table, made if missing. */
void nft_begin_add(struct nl *nl, const char *table);

/* A base chain of the table with its policy, at the filter priority. */
void nft_chain(struct nl *nl, const char *table, const char *chain, enum nft_hook hook,
	       enum nft_verdict policy);

/* A rule at the end of chain: matches in order, then its verdict. */
void nft_rule(struct nl *nl, const char *table, const char *chain);
void nft_rule_end(struct nl *nl, enum nft_verdict verdict);

void nft_match_iifname(struct nl *nl, const char *name);
void nft_match_oifname(struct nl *nl, const char *name);
void nft_match_uid(struct nl *nl, uint32_t uid);     /* of the socket that sends */
void nft_match_protocol(struct nl *nl, uint8_t protocol); /* IPPROTO_TCP, .. */
void nft_match_state(struct nl *nl, uint32_t states);	  /* any of them */

/* Implies IPv4. Host order; bits of the prefix, 1..32. */
void nft_match_ipv4(struct nl *nl, enum nft_address which, uint32_t address, uint8_t bits);

/* After nft_match_protocol TCP or UDP. */
void nft_match_port(struct nl *nl, enum nft_address which, uint16_t port);

/* Implies ICMPv6, from a hop limit of 255: sent on this link. */
void nft_match_icmpv6(struct nl *nl, uint8_t type);

/* What comes faster does not match. */
void nft_limit(struct nl *nl, uint64_t per_second, uint32_t burst);

void nft_counter(struct nl *nl);

/* Closes the batch and has fd (nl_open(NETLINK_NETFILTER)) carry it out. 0 or -errno. */
int nft_commit(struct nl *nl, int fd);

#endif
