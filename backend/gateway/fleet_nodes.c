/* SPDX-License-Identifier: Apache-2.0 */
/* Who may come: what the store says of nodes, and what follows when it changes. */
#include <errno.h>
#include <string.h>

#include "backend/gateway/clock.h"
#include "backend/gateway/fleet_private.h"
#include "backend/gateway/log.h"

#define ROTATE_TIMEOUT_MS 10000u
#define STORE_LOOK_MS 500u /* what another gateway changed is known here by then */

bool fleet_key_ok(const struct node *node, const char *key)
{
	if (node->revoked || node->locked || key[0] == '\0')
		return false;
	return strcmp(key, node->key) == 0 || strcmp(key, node->next_key) == 0;
}

static void print_of(const char *key_text, char ret_print[CURVE_PRINT_LEN + 1])
{
	struct curve_key key;

	ret_print[0] = '\0';
	if (curve_key_parse(key_text, strlen(key_text), &key) == 0)
		curve_key_print(&key, ret_print);
}

/* Out at once: its connection is shut, and whatever it still says is discarded by its key. */
static void node_out(struct fleet *fleet, struct node *node, const char *why)
{
	(void)link_mark_shut(&node->mark);
	node->mark.fd = -1;
	node->epoch = 0;
	if (!node->told_lost)
		fleet_node_lost(fleet, node, why);
}

static struct node *node_of(struct fleet *fleet, const char *name)
{
	struct node *node = fleet_node(fleet, name);

	if (node != NULL)
		return node;
	node = node_new(name);
	if (node != NULL && table_put(fleet->nodes, node->name, strlen(node->name), node) < 0) {
		node_free(node);
		node = NULL;
	}
	return node;
}

static int apply(struct fleet *fleet, const struct store_node *row)
{
	struct node *node = node_of(fleet, row->name);
	char before[CURVE_PRINT_LEN + 1];

	if (node == NULL)
		return -ENOMEM;
	memcpy(before, node->by_next ? node->next_key : node->key, sizeof(before));
	print_of(row->public_key, node->key);
	print_of(row->next_key, node->next_key);
	node->revoked = row->revoked;
	node->locked = row->locked;
	/* Promoted: the connection's key is the same, and its only one now. */
	if (node->by_next && strcmp(before, node->key) == 0)
		node->by_next = false;
	if (node->epoch != 0 && !fleet_key_ok(node, before))
		node_out(fleet, node,
			 node->revoked	? "it is revoked"
			 : node->locked ? "it is locked: two nodes have its key"
					: "its key is not its own any more");
	return 0;
}

int fleet_node_refresh(struct fleet *fleet, const char *name)
{
	struct store_node row;
	int r = store_node_find(fleet->store, name, &row);

	if (r == -EIO)
		log_line("store: %s", store_error(fleet->store));
	return r < 0 ? r : apply(fleet, &row);
}

static bool each(void *ctx, const struct store_node *row)
{
	return apply(ctx, row) == 0;
}

int fleet_nodes_load(struct fleet *fleet)
{
	return store_node_walk(fleet->store, each, fleet);
}

void fleet_nodes_sweep(struct fleet *fleet, uint64_t now_ms)
{
	if (now_ms - fleet->store_seen_ms < STORE_LOOK_MS)
		return;
	fleet->store_seen_ms = now_ms;
	if (store_changed(fleet->store, &fleet->store_seen) && fleet_nodes_load(fleet) < 0)
		log_line("store: %s", store_error(fleet->store));
}

/* ---- a node's next key ---- */

static int rotate(struct fleet *fleet, struct node *node, enum link_rotate stage,
		  pending_done done, void *ctx, uint64_t *ret_id)
{
	struct link_request body = {.verb = LINK_ROTATE, .stage = (uint8_t)stage};

	return fleet_ask(fleet, node, NULL, &body, ROTATE_TIMEOUT_MS, done, ctx, ret_id);
}

int fleet_rotate(struct fleet *fleet, struct node *node, pending_done done, void *ctx,
		 uint64_t *ret_id)
{
	return rotate(fleet, node, LINK_ROTATE_MAKE, done, ctx, ret_id);
}

/* Nobody waits: the node answers by coming back with the next key, or is told again then. */
void fleet_rotate_use(struct fleet *fleet, struct node *node)
{
	uint64_t id;

	if (rotate(fleet, node, LINK_ROTATE_USE, NULL, NULL, &id) < 0)
		log_line("node %s: it could not be told to use its next key", node->name);
}

void fleet_next_key(struct fleet *fleet, const struct curve_key *key)
{
	fleet->next_key = key;
}
