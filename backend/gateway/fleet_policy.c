/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network policies of running kernels and the kill switch. What was changed is told anew on every
 * connection of the node: a change is never lost because a link was, and to hear it twice does no
 * harm. The switch is stored first, so that it outlives this process, and the node.
 */
#include <errno.h>
#include <string.h>

#include "backend/gateway/fleet_private.h"
#include "backend/gateway/log.h"

#define POLICY_TIMEOUT_MS 10000u

/* ---- network ---- */

static int network_tell(struct fleet *fleet, struct kernel *kernel, pending_done done, void *ctx,
			uint64_t *ret_id)
{
	struct link_request body = {.verb = LINK_NETWORK,
				    .start = {.network = kernel->start.network,
					      .egress = kernel->start.egress}};

	return fleet_ask(fleet, kernel->node, kernel, &body, POLICY_TIMEOUT_MS, done, ctx, ret_id);
}

int fleet_kernel_network(struct fleet *fleet, struct kernel *kernel,
			 const struct link_start *policy, pending_done done, void *ctx,
			 uint64_t *ret_id)
{
	kernel->start.network = policy->network;
	kernel->start.egress = policy->egress;
	kernel->network_changed = true;
	/* Logged where it fails. The node hears it all the same: that is what protects. */
	fleet_kernel_store(fleet, kernel);
	return network_tell(fleet, kernel, done, ctx, ret_id);
}

/* ---- the kill switch ---- */

static int cut_tell(struct fleet *fleet, struct node *node, struct kernel *kernel, bool on,
		    pending_done done, void *ctx, uint64_t *ret_id)
{
	struct link_request body = {.verb = LINK_CUT, .on = on};

	return fleet_ask(fleet, node, kernel, &body, POLICY_TIMEOUT_MS, done, ctx, ret_id);
}

static bool cut_stored(struct fleet *fleet, enum store_cut what, const char *name, bool on)
{
	int r = store_cut_set(fleet->store, what, name, on);

	if (r < 0)
		log_line("store: cut: %s", store_error(fleet->store));
	return r == 0;
}

int fleet_cut_kernel(struct fleet *fleet, struct kernel *kernel, bool on, pending_done done,
		     void *ctx, uint64_t *ret_id)
{
	bool stored = cut_stored(fleet, STORE_CUT_KERNEL, kernel->text, on);
	int r;

	kernel->cut = on;
	kernel->cut_changed = true;
	r = cut_tell(fleet, kernel->node, kernel, on, stored ? done : NULL, ctx, ret_id);
	return stored ? r : -EIO;
}

int fleet_cut_tell(struct fleet *fleet, struct node *node, pending_done done, void *ctx,
		   uint64_t *ret_id)
{
	return cut_tell(fleet, node, NULL, fleet->cut_all || node->cut, done, ctx, ret_id);
}

int fleet_cut_node(struct fleet *fleet, struct node *node, bool on, pending_done done, void *ctx,
		   uint64_t *ret_id)
{
	bool stored = cut_stored(fleet, STORE_CUT_NODE, node->name, on);
	int r;

	node->cut = on;
	node->cut_changed = true;
	r = fleet_cut_tell(fleet, node, stored ? done : NULL, ctx, ret_id);
	return stored ? r : -EIO;
}

int fleet_cut_all(struct fleet *fleet, bool on)
{
	bool stored = cut_stored(fleet, STORE_CUT_ALL, "", on);
	struct node *node;
	size_t cursor = 0;

	fleet->cut_all = on;
	while ((node = table_next(fleet->nodes, &cursor)) != NULL)
		node->cut_changed = true;
	return stored ? 0 : -EIO;
}

bool fleet_cut_is_all(const struct fleet *fleet)
{
	return fleet->cut_all;
}

bool fleet_is_cut(const struct fleet *fleet, const struct kernel *kernel)
{
	return fleet->cut_all || kernel->node->cut || kernel->cut;
}

/* ---- a node that comes (back) ---- */

static void unheard(void *ctx, const struct pending_outcome *outcome)
{
	const struct node *node = ctx;

	/* A lost node hears it again when it is back. */
	if (outcome->code != LINK_OK && !outcome->lost)
		log_line("node %s: did not take over a policy: %s", node->name,
			 link_code_name(outcome->code));
}

void fleet_policy_hello(struct fleet *fleet, struct node *node)
{
	uint64_t ignored;

	/* First of all, and so before any kernel is started on this connection. */
	if (fleet->cut_all || node->cut || node->cut_changed)
		fleet_cut_tell(fleet, node, unheard, node, &ignored);
	for (struct kernel *kernel = node->kernels; kernel != NULL; kernel = kernel->node_next) {
		if (kernel->state == LINK_KERNEL_DEAD)
			continue;
		if (kernel->cut_changed)
			cut_tell(fleet, node, kernel, kernel->cut, unheard, node, &ignored);
		if (kernel->network_changed)
			network_tell(fleet, kernel, unheard, node, &ignored);
	}
}

void fleet_policy_start(struct fleet *fleet, struct kernel *kernel)
{
	uint64_t ignored;

	if (kernel->cut)
		cut_tell(fleet, kernel->node, kernel, true, unheard, kernel->node, &ignored);
}

static bool load_cut(void *ctx, enum store_cut what, const char *name)
{
	struct fleet *fleet = ctx;
	uint8_t id[LINK_ID_LEN];
	struct kernel *kernel;
	struct node *node;

	if (what == STORE_CUT_ALL)
		fleet->cut_all = true;
	if (what == STORE_CUT_NODE && (node = fleet_node(fleet, name)) != NULL)
		node->cut = true;
	if (what == STORE_CUT_KERNEL && ids_uuid_parse(name, id) == 0 &&
	    (kernel = fleet_kernel(fleet, id)) != NULL)
		kernel->cut = kernel->cut_changed = true;
	return true;
}

int fleet_policy_load(struct fleet *fleet)
{
	return store_cut_walk(fleet->store, load_cut, fleet);
}
