/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of the cells:
 *
 *	prerouting  what comes from a cell has that cell's address, or is dropped
 *	input       a cell has no business with the node itself
 *	forward     cut, never, then by the cell's link its chain from-N; answers by to-N
 *	from-N to-N the cell's list, each rule leading to
 *	out-N in-N  rate, quota, counter, the mark, accept
 *
 * The chains of init's table come after these and pass on nothing without the mark; so either
 * table missing means that nothing is forwarded.
 */
#include "hostd/cell/egress.h"

#include <netinet/in.h>
#include <stdio.h>

#include "netlink/nft.h"

#define T EGRESS_TABLE
#define BEFORE_INIT (-10)
#define NAME_LEN EGRESS_NAME_MAX

void egress_name(char ret[EGRESS_NAME_MAX], const char *what, unsigned slot)
{
	snprintf(ret, EGRESS_NAME_MAX, "%s-%u", what, slot);
}

/* ---- what all cells share ---- */

/* Nobody's whatever a list says: this network, the node, its neighbours, metadata services,
 * groups, everybody. */
static const struct {
	uint32_t address;
	uint8_t bits;
} never[] = {
	{0x00000000, 8}, {0x7f000000, 8}, {0xa9fe0000, 16}, {0xe0000000, 4}, {0xf0000000, 4},
};

static void to_never(struct nl *nl, uint32_t address, uint8_t bits)
{
	nft_rule(nl, T, "never");
	nft_match_ipv4(nl, NFT_DESTINATION, address, bits);
	nft_rule_goto(nl, "refuse");
}

static void chain_never(struct nl *nl, const struct egress_node *node)
{
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		to_never(nl, never[i].address, never[i].bits);
	to_never(nl, node->address, node->bits); /* other cells, and the node's ends */
	for (size_t i = 0; i < node->never_count; i++)
		to_never(nl, node->never[i], 32);
}

/* What a cell sent in vain is counted as its own, and its program learns of it at once: by a reset,
 * since a connection that is being opened does not hear of an error before it has tried again. */
static void chains_of_refusal(struct nl *nl)
{
	nft_rule(nl, T, "refuse");
	nft_count_by_iifname(nl, "refused");
	nft_rule_none(nl);
	nft_rule(nl, T, "refuse");
	nft_match_protocol(nl, IPPROTO_TCP);
	nft_reset(nl);
	nft_rule_none(nl);
	nft_rule(nl, T, "refuse");
	nft_reject(nl);
	nft_rule_none(nl);
	/* Whoever sends to a cell learns nothing. */
	nft_rule(nl, T, "ignore");
	nft_count_by_oifname(nl, "refused");
	nft_rule_none(nl);
	nft_rule(nl, T, "ignore");
	nft_rule_end(nl, NFT_VERDICT_DROP);
}

static void chain_prerouting(struct nl *nl)
{
	nft_rule(nl, T, "prerouting");
	nft_match_iifname_begins(nl, EGRESS_INTERFACES, false);
	nft_rule_end(nl, NFT_VERDICT_ACCEPT);
	nft_rule(nl, T, "prerouting");
	nft_lookup_iifname_source(nl, "sources");
	nft_rule_end(nl, NFT_VERDICT_ACCEPT);
	nft_rule(nl, T, "prerouting");
	nft_count_by_iifname(nl, "refused");
	nft_rule_none(nl);
	nft_rule(nl, T, "prerouting");
	nft_rule_end(nl, NFT_VERDICT_DROP);
}

static void chain_input(struct nl *nl)
{
	nft_rule(nl, T, "input");
	nft_match_iifname_begins(nl, EGRESS_INTERFACES, true);
	nft_rule_goto(nl, "refuse");
}

static void chain_forward(struct nl *nl)
{
	nft_rule(nl, T, "forward");
	nft_rule_jump(nl, "cut");
	/* What belongs to no connection is not rewritten either: it would leave with the cell's
	 * own address. */
	nft_rule(nl, T, "forward");
	nft_match_state(nl, NFT_STATE_INVALID | NFT_STATE_UNTRACKED);
	nft_rule_end(nl, NFT_VERDICT_DROP);
	nft_rule(nl, T, "forward");
	nft_match_iifname_begins(nl, EGRESS_INTERFACES, false);
	nft_rule_goto(nl, "answers");
	/* The cell's kernel saying that a port of it is closed: nobody tried anything. */
	nft_rule(nl, T, "forward");
	nft_match_state(nl, NFT_STATE_RELATED);
	nft_rule_end(nl, NFT_VERDICT_DROP);
	nft_rule(nl, T, "forward");
	nft_rule_jump(nl, "never");
	nft_rule(nl, T, "forward");
	nft_verdict_by_iifname(nl, "from");
	nft_rule_none(nl);
	nft_rule(nl, T, "forward");
	nft_rule_goto(nl, "refuse");
	nft_rule(nl, T, "answers");
	nft_verdict_by_oifname(nl, "to");
	nft_rule_none(nl);
	nft_rule(nl, T, "answers");
	nft_rule_end(nl, NFT_VERDICT_DROP);
}

static void chain_cut(struct nl *nl, bool all)
{
	nft_rule(nl, T, "cut");
	if (all)
		nft_match_iifname_begins(nl, EGRESS_INTERFACES, true);
	else
		nft_lookup_iifname(nl, "cut_off");
	nft_rule_goto(nl, "refuse");
	nft_rule(nl, T, "cut");
	if (!all)
		nft_lookup_oifname(nl, "cut_off");
	nft_rule_goto(nl, "ignore");
}

int egress_rules_open(struct egress *egress)
{
	static const char *const chains[] = {"refuse", "ignore", "never", "cut", "answers"};
	struct nl nl;

	nft_begin(&nl, T);
	nft_set(&nl, T, "sources", NFT_SET_NAMES_ADDRESSES, 1);
	nft_set(&nl, T, "cut_off", NFT_SET_NAMES, 2);
	nft_set(&nl, T, "from", NFT_SET_VERDICTS, 3);
	nft_set(&nl, T, "to", NFT_SET_VERDICTS, 4);
	nft_set(&nl, T, "refused", NFT_SET_COUNTERS, 5);
	nft_chain_at(&nl, T, "prerouting", NFT_HOOK_PREROUTING, NFT_PRIORITY_RAW,
		     NFT_VERDICT_ACCEPT);
	nft_chain_at(&nl, T, "input", NFT_HOOK_INPUT, BEFORE_INIT, NFT_VERDICT_ACCEPT);
	nft_chain_at(&nl, T, "forward", NFT_HOOK_FORWARD, BEFORE_INIT, NFT_VERDICT_DROP);
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++)
		nft_chain_plain(&nl, T, chains[i]);
	chains_of_refusal(&nl);
	chain_never(&nl, &egress->node);
	chain_cut(&nl, egress->cut);
	chain_prerouting(&nl);
	chain_input(&nl);
	chain_forward(&nl);
	return nft_commit(&nl, egress->nft);
}

/* What holds for all cells is as node.conf has it now; theirs stays. */
int egress_rules_resume(struct egress *egress)
{
	struct nl nl;

	nft_begin_add(&nl, T);
	nft_rules_delete(&nl, T, "never");
	chain_never(&nl, &egress->node);
	nft_rules_delete(&nl, T, "cut");
	chain_cut(&nl, egress->cut);
	return nft_commit(&nl, egress->nft);
}

int egress_rules_cut_all(struct egress *egress, bool cut)
{
	struct nl nl;

	nft_begin_add(&nl, T);
	nft_rules_delete(&nl, T, "cut");
	chain_cut(&nl, cut);
	return nft_commit(&nl, egress->nft);
}

/* ---- one cell ---- */

static const char *const counters[] = {"sent", "received", "refused", "limited", "spent"};
const char *const egress_chains[EGRESS_CHAINS] = {"from", "to", "out", "in"};

/* Every element that leads to a cell, so that adding and deleting name the same ones. */
static void elements(struct nl *nl, const struct egress *egress, unsigned slot, bool add)
{
	char interface[16], from[NAME_LEN], to[NAME_LEN], refused[NAME_LEN];
	const struct {
		const char *set;
		struct nft_element element;
	} rows[] = {
		{"sources",
		 {NFT_SET_NAMES_ADDRESSES, interface, egress_address(egress, slot), NULL}},
		{"from", {NFT_SET_VERDICTS, interface, 0, from}},
		{"to", {NFT_SET_VERDICTS, interface, 0, to}},
		{"refused", {NFT_SET_COUNTERS, interface, 0, refused}},
	};

	egress_interface(slot, interface);
	egress_name(from, "from", slot);
	egress_name(to, "to", slot);
	egress_name(refused, "refused", slot);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		(add ? nft_element_add : nft_element_delete)(nl, T, rows[i].set, &rows[i].element);
}

int egress_rules_add(struct egress *egress, unsigned slot)
{
	char text[NAME_LEN];
	struct nl nl;

	nft_begin_add(&nl, T);
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		egress_name(text, counters[i], slot);
		nft_counter_add(&nl, T, text);
	}
	egress_name(text, "quota", slot);
	nft_quota_add(&nl, T, text, UINT64_MAX);
	for (size_t i = 0; i < EGRESS_CHAINS; i++) {
		egress_name(text, egress_chains[i], slot);
		nft_chain_plain(&nl, T, text);
	}
	elements(&nl, egress, slot, true);
	return nft_commit(&nl, egress->nft);
}

static void cut_element(struct nl *nl, unsigned slot, bool cut)
{
	char interface[16];
	const struct nft_element element = {.kind = NFT_SET_NAMES, .interface = interface};

	egress_interface(slot, interface);
	(cut ? nft_element_add : nft_element_delete)(nl, T, "cut_off", &element);
}

int egress_rules_cut(struct egress *egress, unsigned slot, bool cut)
{
	struct nl nl;

	nft_begin_add(&nl, T);
	cut_element(&nl, slot, cut);
	return nft_commit(&nl, egress->nft);
}

/* Elements, then what they lead to; chains by their rules first, since those lead to others. */
int egress_rules_delete(struct egress *egress, unsigned slot, bool cut)
{
	const size_t chains = EGRESS_CHAINS;
	char text[NAME_LEN];
	struct nl nl;

	nft_begin_add(&nl, T);
	elements(&nl, egress, slot, false);
	if (cut)
		cut_element(&nl, slot, false);
	for (size_t i = 0; i < chains; i++) {
		egress_name(text, egress_chains[i], slot);
		nft_rules_delete(&nl, T, text);
	}
	for (size_t i = 0; i < chains; i++) {
		egress_name(text, egress_chains[i], slot);
		nft_chain_delete(&nl, T, text);
	}
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		egress_name(text, counters[i], slot);
		nft_counter_delete(&nl, T, text);
	}
	egress_name(text, "quota", slot);
	nft_quota_delete(&nl, T, text);
	return nft_commit(&nl, egress->nft);
}
