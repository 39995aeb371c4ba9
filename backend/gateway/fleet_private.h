/* SPDX-License-Identifier: Apache-2.0 */
/* What fleet.c, fleet_frames.c and fleet_kernels.c share. */
#ifndef ANCHORHOLD_GATEWAY_FLEET_PRIVATE_H
#define ANCHORHOLD_GATEWAY_FLEET_PRIVATE_H

#include "backend/gateway/fleet.h"
#include "backend/gateway/table.h"

struct fleet {
	struct store *store;
	void *socket;
	struct fleet_hooks hooks;
	struct table *nodes;   /* by name */
	struct table *kernels; /* by id */
	struct pendings *pendings;
	struct node *waiting;
	bool cut_all;	   /* the kill switch of every node */
	uint64_t swept_ms; /* when old dead kernels were last looked for */
	uint64_t epoch; /* of this process: WELCOME tells nodes whether it is still the same */
};

/* Puts the node on the list of those with something to send. */
void fleet_wake(struct fleet *fleet, struct node *node);
/* Queues a small frame. -EHOSTDOWN, -ENOBUFS. */
int fleet_push(struct fleet *fleet, struct node *node, const struct link_frame *frame);
/* Its connection is gone: what waits for it is dropped; its sessions wait for the lease's end. */
void fleet_node_down(struct fleet *fleet, struct node *node);

/*
 * Sends a request to the node; body's kernel_id and id are filled in. done may be NULL. 0 and the
 * request's id, or -EHOSTDOWN, -ENOBUFS.
 */
int fleet_ask(struct fleet *fleet, struct node *node, struct kernel *kernel,
	      struct link_request *body, uint32_t timeout_ms, pending_done done, void *ctx,
	      uint64_t *ret_id);

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
