/* SPDX-License-Identifier: Apache-2.0 */
/* The fleet itself: its tables, leases, and frames on their way out. */
#include "backend/gateway/fleet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/gateway/clock.h"
#include "backend/gateway/fleet_private.h"
#include "backend/gateway/ids.h"
#include "backend/gateway/log.h"
#include "backend/gateway/settings.h"
#include "link/secret.h"

#define LOGS_TIMEOUT_MS 10000u
#define DEAD_SWEEP_MS 10000u

/*
 * What it was started with; without it, as in rows of older versions, its project's settings are
 * what a restart gives it. The node may have missed a change that this gateway's last life made.
 */
static void settings_load(struct kernel *kernel, const struct store_kernel *row)
{
	json_t *settings = json_loads(row->settings, JSON_REJECT_DUPLICATES, NULL);
	char error[SETTINGS_ERROR_MAX];
	uint64_t given;

	settings_default(&kernel->start);
	kernel->network_max = row->network_max < 0 || row->network_max > LINK_NET_EGRESS
				      ? LINK_NET_EGRESS
				      : (uint8_t)row->network_max;
	kernel->network_changed =
		settings != NULL && settings_read(settings, &kernel->start, &given, error) == 0;
	if (!kernel->network_changed)
		settings_default(&kernel->start);
	json_decref(settings);
}

static bool load_kernel(void *ctx, const struct store_kernel *row)
{
	struct fleet *fleet = ctx;
	struct node *node = fleet_node(fleet, row->node);
	struct kernel *kernel = calloc(1, sizeof(*kernel));

	if (kernel == NULL)
		return false;
	if (node == NULL || ids_uuid_parse(row->id, kernel->id) < 0) {
		free(kernel);
		return true;
	}
	ids_uuid_format(kernel->id, kernel->text);
	snprintf(kernel->environment, sizeof(kernel->environment), "%s", row->environment);
	snprintf(kernel->owner, sizeof(kernel->owner), "%s", row->owner);
	snprintf(kernel->project, sizeof(kernel->project), "%s", row->project);
	kernel->created = row->created;
	settings_load(kernel, row);
	kernel->activity.last_us = clock_unix_us();
	if (table_put(fleet->kernels, kernel->id, LINK_ID_LEN, kernel) < 0) {
		free(kernel);
		return false;
	}
	node_link_kernel(node, kernel);
	return true;
}

int fleet_new(struct store *store, struct refusals *refusals, void *socket,
	      const struct fleet_hooks *hooks, struct fleet **ret_fleet)
{
	struct fleet *fleet = calloc(1, sizeof(*fleet));
	int r;

	if (fleet == NULL)
		return -ENOMEM;
	fleet->store = store;
	fleet->refusals = refusals;
	fleet->socket = socket;
	fleet->hooks = *hooks;
	fleet->epoch = ids_random64();
	fleet->nodes = table_new();
	fleet->kernels = table_new();
	fleet->pendings = pendings_new();
	if (fleet->nodes == NULL || fleet->kernels == NULL || fleet->pendings == NULL) {
		fleet_free(fleet);
		return -ENOMEM;
	}
	r = store_ticket_key(store, fleet->ticket_key);
	if (r == 0)
		r = fleet_nodes_load(fleet);
	if (r == 0)
		r = store_kernel_walk(store, load_kernel, fleet);
	if (r == 0)
		r = fleet_policy_load(fleet);
	if (r < 0) {
		fleet_free(fleet);
		return r;
	}
	*ret_fleet = fleet;
	return 0;
}

void fleet_free(struct fleet *fleet)
{
	struct kernel *kernel;
	struct node *node;
	size_t cursor = 0;

	if (fleet == NULL)
		return;
	pendings_free(fleet->pendings);
	while (fleet->kernels != NULL && (kernel = table_next(fleet->kernels, &cursor)) != NULL)
		free(kernel);
	table_free(fleet->kernels);
	cursor = 0;
	while (fleet->nodes != NULL && (node = table_next(fleet->nodes, &cursor)) != NULL)
		node_free(node);
	table_free(fleet->nodes);
	secret_wipe(fleet->ticket_key, sizeof(fleet->ticket_key));
	free(fleet);
}

struct node *fleet_node(const struct fleet *fleet, const char *name)
{
	return table_get(fleet->nodes, name, strlen(name));
}

struct node *fleet_node_next(const struct fleet *fleet, size_t *cursor)
{
	return table_next(fleet->nodes, cursor);
}

size_t fleet_nodes_count(const struct fleet *fleet)
{
	return table_count(fleet->nodes);
}

/* ---- out ---- */

void fleet_wake(struct fleet *fleet, struct node *node)
{
	if (node->waiting)
		return;
	node->waiting = true;
	node->waiting_next = fleet->waiting;
	fleet->waiting = node;
}

int fleet_push(struct fleet *fleet, struct node *node, const struct link_frame *frame)
{
	int r;

	if (!node->up)
		return -EHOSTDOWN;
	r = link_outbox_push(node->outbox, frame);
	if (r == 0)
		fleet_wake(fleet, node);
	return r;
}

bool fleet_flush(struct fleet *fleet)
{
	struct node *node = fleet->waiting, *next;

	fleet->waiting = NULL;
	for (; node != NULL; node = next) {
		int r = node->up ? node_flush(node, fleet->socket) : 0;

		next = node->waiting_next;
		node->waiting = false;
		if (r == -EAGAIN)
			fleet_wake(fleet, node);
		else if (r < 0)
			fleet_node_down(fleet, node);
	}
	return fleet->waiting != NULL;
}

int fleet_ask(struct fleet *fleet, struct node *node, struct kernel *kernel,
	      struct link_request *body, uint32_t timeout_ms, pending_done done, void *ctx,
	      uint64_t *ret_id)
{
	struct link_frame frame;
	struct pending *pending;
	int r;

	if (!node->up)
		return -EHOSTDOWN;
	pending = pending_add(fleet->pendings, body->verb, node, kernel, clock_ms() + timeout_ms,
			      done, ctx);
	if (pending == NULL)
		return -ENOBUFS;
	body->id = pending->id;
	if (kernel != NULL)
		memcpy(body->kernel_id, kernel->id, LINK_ID_LEN);
	frame.type = LINK_REQUEST;
	frame.u.request = *body;
	r = fleet_push(fleet, node, &frame);
	if (r < 0) {
		/* Nobody may be called from here; the deadline takes it away. */
		pending_forget(fleet->pendings, pending->id);
		return r;
	}
	*ret_id = pending->id;
	return 0;
}

int fleet_request(struct fleet *fleet, struct kernel *kernel, enum link_verb verb,
		  uint32_t timeout_ms, pending_done done, void *ctx, uint64_t *ret_id)
{
	struct link_request body = {.verb = (uint8_t)verb, .start = kernel->start};
	int r = fleet_ask(fleet, kernel->node, kernel, &body, timeout_ms, done, ctx, ret_id);

	if (r == 0 && verb == LINK_STOP)
		kernel->stop_sent = true;
	if (r == 0 && verb == LINK_START)
		fleet_policy_start(fleet, kernel);
	return r;
}

int fleet_logs(struct fleet *fleet, struct node *node, uint32_t lines, pending_done done, void *ctx,
	       uint64_t *ret_id)
{
	struct link_request body = {.verb = LINK_LOGS, .lines = lines};

	return fleet_ask(fleet, node, NULL, &body, LOGS_TIMEOUT_MS, done, ctx, ret_id);
}

void fleet_forget(struct fleet *fleet, uint64_t id)
{
	pending_forget(fleet->pendings, id);
}

/* ---- time ---- */

void fleet_node_down(struct fleet *fleet, struct node *node)
{
	if (!node->up)
		return;
	node->up = false;
	node_clear(node);
	pending_node_lost(fleet->pendings, node);
}

void fleet_node_lost(struct fleet *fleet, struct node *node, const char *why)
{
	struct kernel *kernel, *next;

	fleet_node_down(fleet, node);
	node->told_lost = true;
	log_line("node %s: lost: %s", node->name, why);
	for (kernel = node->kernels; kernel != NULL; kernel = next) {
		next = kernel->node_next;
		fleet->hooks.kernel_lost(fleet->hooks.ctx, kernel);
	}
}

void fleet_sweep(struct fleet *fleet)
{
	uint64_t now = clock_ms();
	struct kernel *kernel;
	struct node *node;
	size_t cursor = 0;

	while ((node = table_next(fleet->nodes, &cursor)) != NULL)
		if (node->epoch != 0 && !node->told_lost && now - node->seen_ms > LINK_LEASE_MS)
			fleet_node_lost(fleet, node, "nothing was heard for its whole lease");
	pending_sweep(fleet->pendings, now);
	fleet_closing_sweep(fleet, now);
	fleet_nodes_sweep(fleet, now);
	/* There may be 100,000: not ten times a second. */
	if (now - fleet->swept_ms < DEAD_SWEEP_MS)
		return;
	fleet->swept_ms = now;
	cursor = 0;
	while ((kernel = table_next(fleet->kernels, &cursor)) != NULL)
		if (kernel->state == LINK_KERNEL_DEAD &&
		    now - kernel->dead_ms > FLEET_DEAD_KEPT_MS)
			fleet_kernel_remove(fleet, kernel);
}
