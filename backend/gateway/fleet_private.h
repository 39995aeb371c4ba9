/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the fleet share. */
#ifndef ANCHORHOLD_GATEWAY_FLEET_PRIVATE_H
#define ANCHORHOLD_GATEWAY_FLEET_PRIVATE_H

#include "backend/gateway/fleet.h"
#include "backend/gateway/table.h"

#define FLEET_CLOSING_MAX 64u

/* A connection that is ended once its last frame had time to be read. */
struct fleet_closing {
	struct link_mark mark;
	uint64_t at_ms; /* 0: free */
};

struct fleet {
	struct store *store;
	struct refusals *refusals;
	void *socket;
	struct fleet_hooks hooks;
	struct table *nodes;   /* by name */
	struct table *kernels; /* by id */
	struct pendings *pendings;
	struct node *waiting;
	bool cut_all;	   /* the kill switch of every node */
	uint64_t swept_ms; /* when old dead kernels were last looked for */
	uint8_t ticket_key[32];
	const struct curve_key *next_key; /* of the gateways; NULL: none */
	int64_t store_seen;		  /* of store_changed() */
	uint64_t store_seen_ms;
	struct fleet_closing closing[FLEET_CLOSING_MAX];
	uint64_t enrol_second;
	unsigned enrol_count; /* tries in that second */
	uint64_t epoch; /* of this process: WELCOME tells nodes whether it is still the same */
};

/* Puts the node on the list of those with something to send. */
void fleet_wake(struct fleet *fleet, struct node *node);
/* Queues a small frame. -EHOSTDOWN, -ENOBUFS. */
int fleet_push(struct fleet *fleet, struct node *node, const struct link_frame *frame);
/* It is gone for its users: nobody waits any longer. */
void fleet_node_lost(struct fleet *fleet, struct node *node, const char *why);
/* Its connection is gone: what waits for it is dropped; its sessions wait for the lease's end. */
void fleet_node_down(struct fleet *fleet, struct node *node);

/*
 * Sends a request to the node; body's kernel_id and id are filled in. done may be NULL. 0 and the
 * request's id, or -EHOSTDOWN, -ENOBUFS.
 */
int fleet_ask(struct fleet *fleet, struct node *node, struct kernel *kernel,
	      struct link_request *body, uint32_t timeout_ms, pending_done done, void *ctx,
	      uint64_t *ret_id);

/* ---- fleet_nodes.c ---- */

/* All of the store's nodes, when the fleet is made and when another process changed the store. */
int fleet_nodes_load(struct fleet *fleet);
void fleet_nodes_sweep(struct fleet *fleet, uint64_t now_ms);
/* May this key speak for the node? */
bool fleet_key_ok(const struct node *node, const char *key);

/* ---- fleet_join.c ---- */

/* Ends the sender's connection when what was sent to it had time to arrive. */
void fleet_shut_soon(struct fleet *fleet, const struct link_inbox *inbox);
void fleet_closing_sweep(struct fleet *fleet, uint64_t now_ms);

/* A HELLO's ticket. True: it may come, and *ret_ticket is for its next join; else it was told. */
bool fleet_join(struct fleet *fleet, struct node *node, const struct link_inbox *inbox,
		const struct link_ticket *shown, struct link_ticket *ret_ticket);
void fleet_join_ack(struct fleet *fleet, struct node *node, const struct link_frame *frame);
/* A frame of a stranger, or ENROL of anybody. */
void fleet_enrol(struct fleet *fleet, const struct link_inbox *inbox,
		 const struct link_frame *frame);

/* The node said HELLO: what was changed while it may not have listened is told again. */
void fleet_policy_hello(struct fleet *fleet, struct node *node);
/* It is being started anew: the switch that was on for it still is. */
void fleet_policy_start(struct fleet *fleet, struct kernel *kernel);
/* The store's cuts, once nodes and kernels are loaded. */
int fleet_policy_load(struct fleet *fleet);

/* Writes the kernel's row. */
int fleet_kernel_store(struct fleet *fleet, const struct kernel *kernel);

/* What the node says of a kernel. The kernel may be gone afterwards. */
void fleet_kernel_told(struct fleet *fleet, struct kernel *kernel, const struct link_kernel *told);
/* The node is back and does not know it. The kernel may be gone afterwards. */
void fleet_kernel_missing(struct fleet *fleet, struct kernel *kernel);

#endif
