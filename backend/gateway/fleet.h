/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nodes and their kernels: what arrives on the link changes it, requests go out through it.
 *
 * Every frame is authorised by its key and the name ZAP gave that, never by its routing id: a node
 * can only speak of kernels placed on it, and only on the connection it last said HELLO on. A key
 * that is not its node's any more, or whose node is out, is discarded frame by frame.
 */
#ifndef ANCHORHOLD_GATEWAY_FLEET_H
#define ANCHORHOLD_GATEWAY_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/gateway/kernel.h"
#include "backend/gateway/node.h"
#include "backend/gateway/pending.h"
#include "backend/gateway/store.h"

struct refusals;

#define FLEET_KERNELS_MAX 200000u
#define FLEET_DEAD_KEPT_MS (60u * 60u * 1000u) /* a dead kernel is shown for so long */

struct fleet;

/* Who must know what changes; all are called with the hooks' ctx. */
struct fleet_hooks {
	void *ctx;
	/* state, incarnation or reason changed. */
	void (*kernel_changed)(void *ctx, struct kernel *kernel, bool new_incarnation);
	/* The kernel leaves the fleet; nothing may point at it afterwards. */
	void (*kernel_gone)(void *ctx, struct kernel *kernel);
	/* Dead, it is about to be started anew: another log, another life. */
	void (*kernel_revived)(void *ctx, struct kernel *kernel);
	/* Its node is back on a new connection: sessions must attach again. */
	void (*kernel_reattach)(void *ctx, struct kernel *kernel);
	/* Its node was lost: the lease ran out. */
	void (*kernel_lost)(void *ctx, struct kernel *kernel);
	void (*output)(void *ctx, struct kernel *kernel, const struct link_chunk *chunk);
	void (*refused)(void *ctx, struct kernel *kernel, const struct link_refused *refused);
};

/* Loads nodes and kernels of the store. store, refusals and socket (the ROUTER) are borrowed. */
int fleet_new(struct store *store, struct refusals *refusals, void *socket,
	      const struct fleet_hooks *hooks, struct fleet **ret_fleet);
void fleet_free(struct fleet *fleet);

/* ---- from the link ---- */

/* The frame that inbox received last, whose sender ZAP has authenticated. */
void fleet_frame(struct fleet *fleet, const struct link_inbox *inbox,
		 const struct link_frame *frame);

/* Ends the connection of the frame's sender. */
void fleet_shut(const struct link_inbox *inbox);

/* Leases, deadlines, old dead kernels. */
void fleet_sweep(struct fleet *fleet);

/* Sends what waits; true: something still waits and time must pass. */
bool fleet_flush(struct fleet *fleet);

/* ---- nodes ---- */

struct node *fleet_node(const struct fleet *fleet, const char *name);
struct node *fleet_node_next(const struct fleet *fleet, size_t *cursor);
size_t fleet_nodes_count(const struct fleet *fleet);

/* ---- who may come (fleet_nodes.c) ---- */

#define FLEET_STRANGER "_stranger" /* ZAP's name for a key that may enrol and do nothing else */

/*
 * The store has changed what it says of the node, which may be new: it holds from now on. A node
 * that is revoked or locked is out at once, its connection with it. 0, -ENOENT, -ENOMEM, -EIO.
 */
int fleet_node_refresh(struct fleet *fleet, const char *name);

/* Asks the node for its next key: done as of fleet_request(); the RESULT's text is that key. */
int fleet_rotate(struct fleet *fleet, struct node *node, pending_done done, void *ctx,
		 uint64_t *ret_id);
/* The store knows the next key: the node may use it. */
void fleet_rotate_use(struct fleet *fleet, struct node *node);

/* The key the gateways change to is told to nodes; NULL: none. Borrowed. */
void fleet_next_key(struct fleet *fleet, const struct curve_key *key);

/* ---- kernels ---- */

struct kernel *fleet_kernel(const struct fleet *fleet, const uint8_t id[LINK_ID_LEN]);
struct kernel *fleet_kernel_next(const struct fleet *fleet, size_t *cursor);
size_t fleet_kernels_count(const struct fleet *fleet);

/*
 * A new kernel on node, as kernel's id, environment, owner, project and start say. The fleet
 * takes a copy. -EEXIST, -ENOSPC, -ENOMEM, -EIO (the store).
 */
int fleet_kernel_add(struct fleet *fleet, struct node *node, const struct kernel *kernel,
		     struct kernel **ret_kernel);

/*
 * It is gone for good: told to the hooks, taken from the store, freed. A node keeps a dead
 * kernel for its output's sake until it is told to stop it, which this does.
 */
void fleet_kernel_remove(struct fleet *fleet, struct kernel *kernel);

/* A dead kernel is about to be started anew, perhaps elsewhere. */
void fleet_kernel_revive(struct fleet *fleet, struct kernel *kernel, struct node *node);

/*
 * Asks the kernel's node; done is called once, never from within this call. Returns 0 and the
 * request's id, or -EHOSTDOWN (the node is not there), -ENOBUFS.
 */
int fleet_request(struct fleet *fleet, struct kernel *kernel, enum link_verb verb,
		  uint32_t timeout_ms, pending_done done, void *ctx, uint64_t *ret_id);
int fleet_logs(struct fleet *fleet, struct node *node, uint32_t lines, pending_done done, void *ctx,
	       uint64_t *ret_id);
void fleet_forget(struct fleet *fleet, uint64_t id);

/* ---- policies of what runs (fleet_policy.c) ---- */

/*
 * The kernel's network policy from now on: kept, told to its node, and told again on each new
 * connection of it. As fleet_request(); where the node is not there it is kept all the same.
 */
int fleet_kernel_network(struct fleet *fleet, struct kernel *kernel,
			 const struct link_start *policy, pending_done done, void *ctx,
			 uint64_t *ret_id);

/*
 * The kill switch of one kernel or one node: stored, told, and told again on each new connection.
 * As fleet_request(); -EIO: it was told but could not be stored, so that it does not outlive this
 * process, and done is not called.
 */
int fleet_cut_kernel(struct fleet *fleet, struct kernel *kernel, bool on, pending_done done,
		     void *ctx, uint64_t *ret_id);
int fleet_cut_node(struct fleet *fleet, struct node *node, bool on, pending_done done, void *ctx,
		   uint64_t *ret_id);

/* The switch of all nodes is only kept by this (-EIO as above); fleet_cut_tell() tells a node. */
int fleet_cut_all(struct fleet *fleet, bool on);
int fleet_cut_tell(struct fleet *fleet, struct node *node, pending_done done, void *ctx,
		   uint64_t *ret_id);
bool fleet_cut_is_all(const struct fleet *fleet);

/* Is all traffic of the kernel cut off, by whichever switch? */
bool fleet_is_cut(const struct fleet *fleet, const struct kernel *kernel);

/* ---- sessions of a kernel ---- */

int fleet_attach(struct fleet *fleet, struct kernel *kernel, const struct link_attach *attach);
/* DETACH, CREDIT, CURSOR. */
int fleet_session(struct fleet *fleet, struct kernel *kernel, enum link_type type,
		  uint64_t session, uint64_t value);
/* Queues a whole message for the kernel. -ENOBUFS, -EHOSTDOWN. *ret_seq is the IN's. */
int fleet_in(struct fleet *fleet, struct kernel *kernel, uint64_t session,
	     enum link_channel channel, const uint8_t *blob, size_t len, uint64_t *ret_seq);

#endif
