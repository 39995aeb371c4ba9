/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few nf_tables messages that a node needs: tables of the inet family, chains, rules put
 * together from small matches and statements, sets, counters and quotas. All goes into one
 * batch, which the kernel takes whole or not at all. Nothing is sent before nft_commit; what
 * does not fit is found there.
 *
 *	nft_begin(&nl, "anchorhold");
 *	nft_chain(&nl, "anchorhold", "input", NFT_HOOK_INPUT, NFT_VERDICT_DROP);
 *	nft_rule(&nl, "anchorhold", "input");
 *	nft_match_iifname(&nl, "lo");
 *	nft_rule_end(&nl, NFT_VERDICT_ACCEPT);
 *	err = nft_commit(&nl, fd);
 *
 * nft.c batches, tables, chains, rules; nft_match.c what a rule asks of a packet; nft_statement.c
 * what it does besides its verdict; nft_set.c sets, maps and named objects.
 */
#ifndef ANCHORHOLD_NETLINK_NFT_H
#define ANCHORHOLD_NETLINK_NFT_H

#include "netlink/message.h"

enum nft_hook {
	NFT_HOOK_PREROUTING = 0,
	NFT_HOOK_INPUT = 1,
	NFT_HOOK_FORWARD = 2,
	NFT_HOOK_OUTPUT = 3,
	NFT_HOOK_POSTROUTING = 4
};
enum nft_verdict { NFT_VERDICT_DROP = 0, NFT_VERDICT_ACCEPT = 1 };

/* Connection tracking states, to be joined by |. */
enum {
	NFT_STATE_INVALID = 1,
	NFT_STATE_ESTABLISHED = 2,
	NFT_STATE_RELATED = 4,
	NFT_STATE_NEW = 8,
	NFT_STATE_UNTRACKED = 64
};

enum nft_address { NFT_SOURCE, NFT_DESTINATION };

/* Where a chain stands among those of its hook: the smaller the earlier; others' filters: 0. */
enum { NFT_PRIORITY_RAW = -300, NFT_PRIORITY_FILTER = 0, NFT_PRIORITY_SOURCE_NAT = 100 };

/* ---- batches, tables, chains, rules ---- */

/* Opens a batch that replaces the table: what it held before is gone when the batch is in. */
void nft_begin(struct nl *nl, const char *table);

/* Opens a batch that adds to the table, made if missing. */
void nft_begin_add(struct nl *nl, const char *table);

/* A base chain of the table with its policy, at the filter priority. */
void nft_chain(struct nl *nl, const char *table, const char *chain, enum nft_hook hook,
	       enum nft_verdict policy);

/* The same at a priority of its own. */
void nft_chain_at(struct nl *nl, const char *table, const char *chain, enum nft_hook hook,
		  int priority, enum nft_verdict policy);

/* One that may rewrite sources: hook postrouting, accepting what no rule names. */
void nft_chain_source_nat(struct nl *nl, const char *table, const char *chain);

/* One that rules of others jump to. */
void nft_chain_plain(struct nl *nl, const char *table, const char *chain);
void nft_chain_delete(struct nl *nl, const char *table, const char *chain);

/* A rule at the end of chain: matches in order, then its verdict. */
void nft_rule(struct nl *nl, const char *table, const char *chain);
void nft_rule_end(struct nl *nl, enum nft_verdict verdict);
void nft_rule_jump(struct nl *nl, const char *chain); /* returns behind the rule */
void nft_rule_goto(struct nl *nl, const char *chain); /* does not */
void nft_rule_none(struct nl *nl);		      /* no verdict, or one by map */

/* Takes all rules of the chain away. */
void nft_rules_delete(struct nl *nl, const char *table, const char *chain);

/* Closes the batch and has fd (nl_open(NETLINK_NETFILTER)) carry it out. 0 or -errno. */
int nft_commit(struct nl *nl, int fd);

/* ---- matches ---- */

void nft_match_iifname(struct nl *nl, const char *name);
void nft_match_oifname(struct nl *nl, const char *name);
void nft_match_iifname_begins(struct nl *nl, const char *begin, bool so); /* or does not */
void nft_match_oifname_begins(struct nl *nl, const char *begin, bool so);
void nft_match_uid(struct nl *nl, uint32_t uid);     /* of the socket that sends */
void nft_match_mark(struct nl *nl, uint32_t mark);
void nft_match_protocol(struct nl *nl, uint8_t protocol); /* IPPROTO_TCP, .. */
void nft_match_state(struct nl *nl, uint32_t states);	  /* any of them */
void nft_match_reply(struct nl *nl, bool so); /* a packet against its connection's direction */

/* Implies IPv4. Host order; bits of the prefix, 0..32. */
void nft_match_ipv4(struct nl *nl, enum nft_address which, uint32_t address, uint8_t bits);

/* After nft_match_protocol TCP or UDP. */
void nft_match_port(struct nl *nl, enum nft_address which, uint16_t port);
void nft_match_ports(struct nl *nl, enum nft_address which, uint16_t first, uint16_t last);

/* After nft_match_protocol TCP: a reset. */
void nft_match_reset(struct nl *nl);

/* Implies ICMP. */
void nft_match_icmp(struct nl *nl, uint8_t type);

/* Implies ICMPv6, from a hop limit of 255: sent on this link. */
void nft_match_icmpv6(struct nl *nl, uint8_t type);

/* ---- statements ---- */

/* What comes faster does not match. */
void nft_limit(struct nl *nl, uint64_t per_second, uint32_t burst);

/* Only what comes faster matches. */
void nft_limit_over_bytes(struct nl *nl, uint64_t per_second, uint32_t burst);

/* Only what would make it more than this many tracked connections matches; counts them. */
void nft_connections_over(struct nl *nl, uint32_t count);

void nft_counter(struct nl *nl);
void nft_mark(struct nl *nl, uint32_t mark);
void nft_masquerade(struct nl *nl);

/* Both end the packet, so the rule has no verdict: an ICMP error 'administratively prohibited';
 * after nft_match_protocol TCP, a reset. */
void nft_reject(struct nl *nl);
void nft_reset(struct nl *nl);

/* ---- sets and objects ---- */

/* Sets and maps by an interface's name, or by that and an IPv4 address. */
enum nft_set_kind {
	NFT_SET_NAMES,		 /* of interfaces */
	NFT_SET_NAMES_ADDRESSES, /* an interface and an IPv4 address */
	NFT_SET_VERDICTS,	 /* an interface to a jump */
	NFT_SET_COUNTERS	 /* an interface to a named counter */
};

/* id: any number not used twice in a batch. */
void nft_set(struct nl *nl, const char *table, const char *set, enum nft_set_kind kind,
	     uint32_t id);

/* target: the chain or counter it leads to, NULL in sets; address: of NAMES_ADDRESSES alone. */
struct nft_element {
	enum nft_set_kind kind;
	const char *interface;
	uint32_t address;
	const char *target;
};

void nft_element_add(struct nl *nl, const char *table, const char *set,
		     const struct nft_element *element);
void nft_element_delete(struct nl *nl, const char *table, const char *set,
			const struct nft_element *element);

/* In rules: match if the packet's interface is in the set; in a map, act as it says. */
void nft_lookup_iifname(struct nl *nl, const char *set);
void nft_lookup_oifname(struct nl *nl, const char *set);
void nft_lookup_iifname_source(struct nl *nl, const char *set); /* NAMES_ADDRESSES; implies IPv4 */
void nft_verdict_by_iifname(struct nl *nl, const char *map);
void nft_verdict_by_oifname(struct nl *nl, const char *map);
void nft_count_by_iifname(struct nl *nl, const char *map);
void nft_count_by_oifname(struct nl *nl, const char *map);

/* Named objects keep their numbers whatever becomes of the rules that use them. */
void nft_counter_add(struct nl *nl, const char *table, const char *name);
void nft_counter_delete(struct nl *nl, const char *table, const char *name);
void nft_counter_use(struct nl *nl, const char *name);

/* Adding one that exists changes its ceiling and keeps what was consumed. */
void nft_quota_add(struct nl *nl, const char *table, const char *name, uint64_t bytes);
void nft_quota_delete(struct nl *nl, const char *table, const char *name);
void nft_quota_over(struct nl *nl, const char *name); /* counts; matches once it is spent */

/* One named counter of a table. */
struct nft_count {
	const char *name; /* borrowed for the call */
	uint64_t packets, bytes;
};

/* Calls found for every named counter of the table. 0 or -errno. */
int nft_counters_read(int fd, const char *table,
		      void (*found)(void *ctx, const struct nft_count *count), void *ctx);

#endif
