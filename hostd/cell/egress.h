/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cell's way out of the node: a pair of links, and rules in a table of nf_tables that no process
 * of the cell can see. The peer in the cell is its eth0; the end on the node is cellN, N being the
 * slot; each slot has two addresses of the node's range for cells. IPv4 alone.
 *
 *	egress.c	the pair, and what all cells share
 *	egress_adopt.c	what an earlier monitor left
 *	egress_rules.c	the rules' table, and a cell's place in it
 *	egress_list.c	a cell's policy as rules
 *	egress_policy.c	whether a policy is in range, and its resolv.conf
 *
 * What is sent passes, in this order: the kill switch, what is never allowed, the cell's own list,
 * its rate, its quota. Nothing is let through because it was let through before: each packet of a
 * connection is held against the list of now, in both directions. What comes in belongs to a
 * connection that the cell has opened, or is dropped.
 */
#ifndef ANCHORHOLD_CELL_EGRESS_H
#define ANCHORHOLD_CELL_EGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EGRESS_RULES_MAX 32u
#define EGRESS_RESOLVERS_MAX 3u
#define EGRESS_NEVER_MAX 16u
#define EGRESS_TABLE "anchorhold_cells"
#define EGRESS_INTERFACES "cell" /* what the node's ends are called, followed by the slot */
#define EGRESS_MARK 0x63656c6cu	 /* on each packet that the table lets through */

/* Addresses are in host order. */
struct egress_rule {
	uint32_t address;
	uint8_t bits;			/* 0..32; host bits zero */
	uint8_t protocol;		/* 0 any, 1 ICMP echo, 6 TCP, 17 UDP */
	uint16_t port_first, port_last; /* of TCP and UDP; 0, 0: any */
};

struct egress_policy {
	size_t rules_count;
	struct egress_rule rules[EGRESS_RULES_MAX];
	size_t resolvers_count; /* by UDP and TCP port 53, without a rule */
	uint32_t resolvers[EGRESS_RESOLVERS_MAX];
	uint32_t rate_kibps; /* each way; 0: the node's */
	uint64_t bytes_max;  /* both ways together; 0: none */
};

/* Since the cell was made. */
struct egress_traffic {
	uint64_t sent_bytes, received_bytes;
	uint64_t refused_packets; /* by the list, by what is never allowed, by the kill switch */
	uint64_t limited_packets; /* by the rate */
	uint64_t spent_packets;	  /* by the quota */
};

/* What holds for every cell of the node. */
struct egress_node {
	char interface[16]; /* through which it leaves; its MTU is the cells' */
	uint32_t address;   /* the range of the cells' addresses, two a slot */
	uint8_t bits;
	uint32_t rate_kibps;
	size_t never_count; /* addresses beside those that are never allowed anywhere */
	uint32_t never[EGRESS_NEVER_MAX];
};

struct egress {
	bool on; /* there is a way out at all */
	bool cut;
	struct egress_node node;
	int home;	/* the node's network namespace */
	int route, nft; /* netlink, in there */
};

/* A cell's part; zeros: none. */
struct egress_cell {
	unsigned slot;
	bool rules; /* its objects, chains and elements are in the table */
	bool link;  /* the pair is there */
	bool open;  /* its policy is egress now */
	bool cut;
	struct egress_policy policy;
};

/* ---- egress_policy.c ---- */

/* NULL, or what is wrong with it. */
const char *egress_problem(const struct egress_policy *policy);

/* The file that names its resolvers; empty where it has none. */
#define EGRESS_RESOLV_MAX 128u
void egress_resolv_conf(const struct egress_policy *policy, char ret_text[EGRESS_RESOLV_MAX]);

/* ---- egress.c; all return 0 or -errno, and a failure leaves what was before ---- */

/* No way out. */
void egress_init(struct egress *egress);

/* proc: a procfs. Puts the table into force, in place of an earlier monitor's. */
int egress_open(struct egress *egress, int proc, const struct egress_node *node, bool cut);
void egress_close(struct egress *egress);

/* As egress_open; but an earlier monitor's table stays, with the cells' rules and counters. */
int egress_resume(struct egress *egress, int proc, const struct egress_node *node, bool cut);

/* A cell of the earlier monitor's, with the slot, rules and cut that it had: its rules are made
 * those of the policy (NULL: nothing leaves). */
int egress_adopt(struct egress *egress, struct egress_cell *cell,
		 const struct egress_policy *policy);

/* Removes what is in the table of slots that are not known. */
int egress_settle(struct egress *egress, bool (*known)(void *ctx, unsigned slot), void *ctx);

/* The kill switch of the node and of one cell. */
int egress_cut_all(struct egress *egress, bool cut);
int egress_cut(struct egress *egress, struct egress_cell *cell, bool cut);

/*
 * policy NULL: from now on nothing leaves and the pair is gone; what was counted and consumed
 * stays. Else the rules are these from now on; the pair is egress_attach's business.
 */
int egress_set(struct egress *egress, struct egress_cell *cell, const struct egress_policy *policy);

/* Gives the network namespace of a process its end of a new pair. */
int egress_attach(struct egress *egress, struct egress_cell *cell, int pidfd);
int egress_detach(struct egress *egress, struct egress_cell *cell);

/* Removes all of it, tracked connections too. */
int egress_free(struct egress *egress, struct egress_cell *cell);

/*
 * Reads what is counted of many cells at once: by_slot has one for each slot from 0 to slots - 1,
 * and those that have none in the table are left as they are.
 */
int egress_read(struct egress *egress, struct egress_traffic *by_slot, size_t slots);

uint32_t egress_address(const struct egress *egress, unsigned slot); /* the cell's own */
uint32_t egress_router(const struct egress *egress, unsigned slot);  /* the node's end */
void egress_interface(unsigned slot, char ret_name[16]);

/* ---- egress_rules.c ---- */

int egress_rules_open(struct egress *egress);
int egress_rules_resume(struct egress *egress); /* -errno where the table is not there */
int egress_rules_cut_all(struct egress *egress, bool cut);
int egress_rules_cut(struct egress *egress, unsigned slot, bool cut);
int egress_rules_add(struct egress *egress, unsigned slot);
int egress_rules_delete(struct egress *egress, unsigned slot, bool cut);

/* What is a cell's in the table is called by the slot: from-7, sent-7. */
#define EGRESS_NAME_MAX 24u
#define EGRESS_CHAINS 4u
extern const char *const egress_chains[EGRESS_CHAINS];
void egress_name(char ret[EGRESS_NAME_MAX], const char *what, unsigned slot);

/* ---- egress_list.c ---- */

int egress_rules_set(struct egress *egress, unsigned slot, const struct egress_policy *policy);

#endif
