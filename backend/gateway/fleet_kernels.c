/* SPDX-License-Identifier: Apache-2.0 */
/* The fleet's kernels: their life, and the frames of their sessions. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/gateway/clock.h"
#include "backend/gateway/fleet_private.h"
#include "backend/gateway/log.h"
#include "backend/gateway/settings.h"

#define STOP_TIMEOUT_MS 15000u

struct kernel *fleet_kernel(const struct fleet *fleet, const uint8_t id[LINK_ID_LEN])
{
	return table_get(fleet->kernels, id, LINK_ID_LEN);
}

struct kernel *fleet_kernel_next(const struct fleet *fleet, size_t *cursor)
{
	return table_next(fleet->kernels, cursor);
}

size_t fleet_kernels_count(const struct fleet *fleet)
{
	return table_count(fleet->kernels);
}

int fleet_kernel_store(struct fleet *fleet, const struct kernel *kernel)
{
	struct store_kernel row = {.created = kernel->created, .network_max = kernel->network_max};
	json_t *settings = settings_json(&kernel->start);
	char *text = json_dumps(settings, JSON_COMPACT);
	int r;

	memcpy(row.id, kernel->text, sizeof(row.id));
	memcpy(row.environment, kernel->environment, sizeof(row.environment));
	memcpy(row.node, kernel->node->name, sizeof(row.node));
	memcpy(row.owner, kernel->owner, sizeof(row.owner));
	memcpy(row.project, kernel->project, sizeof(row.project));
	row.settings = text == NULL ? "" : text;
	r = store_kernel_put(fleet->store, &row);
	free(text);
	json_decref(settings);
	if (r < 0)
		log_line("store: kernel %s: %s", kernel->text, store_error(fleet->store));
	return r;
}

int fleet_kernel_add(struct fleet *fleet, struct node *node, const struct kernel *kernel,
		     struct kernel **ret_kernel)
{
	struct kernel *copy;
	int r;

	if (table_count(fleet->kernels) >= FLEET_KERNELS_MAX)
		return -ENOSPC;
	copy = malloc(sizeof(*copy));
	if (copy == NULL)
		return -ENOMEM;
	*copy = *kernel;
	ids_uuid_format(copy->id, copy->text);
	copy->created = (int64_t)time(NULL);
	copy->activity.last_us = clock_unix_us();
	r = table_put(fleet->kernels, copy->id, LINK_ID_LEN, copy);
	if (r < 0) {
		free(copy);
		return r;
	}
	node_link_kernel(node, copy);
	r = fleet_kernel_store(fleet, copy);
	if (r < 0) {
		fleet_kernel_remove(fleet, copy);
		return r;
	}
	*ret_kernel = copy;
	return 0;
}

void fleet_kernel_remove(struct fleet *fleet, struct kernel *kernel)
{
	uint64_t ignored;

	if (kernel->state == LINK_KERNEL_DEAD && !kernel->stop_sent)
		fleet_request(fleet, kernel, LINK_STOP, STOP_TIMEOUT_MS, NULL, NULL, &ignored);
	/* Out of the table first: whoever is now told that it is gone must not find it. */
	table_remove(fleet->kernels, kernel->id, LINK_ID_LEN);
	if (kernel->cut)
		store_cut_set(fleet->store, STORE_CUT_KERNEL, kernel->text, false);
	pending_kernel_gone(fleet->pendings, kernel);
	fleet->hooks.kernel_gone(fleet->hooks.ctx, kernel);
	if (kernel->node->up && kernel->node->queue != NULL)
		link_queue_drop(kernel->node->queue, kernel->id);
	node_unlink_kernel(kernel);
	if (store_kernel_remove(fleet->store, kernel->text) < 0)
		log_line("store: kernel %s: %s", kernel->text, store_error(fleet->store));
	free(kernel);
}

void fleet_kernel_revive(struct fleet *fleet, struct kernel *kernel, struct node *node)
{
	node_unlink_kernel(kernel);
	fleet->hooks.kernel_revived(fleet->hooks.ctx, kernel);
	kernel->state = 0;
	kernel->stop_sent = false;
	kernel->network_changed = false;
	kernel->reason = LINK_WHY_NONE;
	kernel->why[0] = '\0';
	kernel->incarnation = 0;
	kernel->life++;
	kernel->activity = (struct activity){.last_us = clock_unix_us()};
	memset(kernel->in_seq, 0, sizeof(kernel->in_seq));
	node_link_kernel(node, kernel);
	fleet_kernel_store(fleet, kernel);
}

static void state_set(struct kernel *kernel, const struct link_kernel *told)
{
	if (kernel->state != LINK_KERNEL_DEAD && told->state == LINK_KERNEL_DEAD) {
		kernel->node->kernels_count--;
		kernel->dead_ms = clock_ms();
	} else if (kernel->state == LINK_KERNEL_DEAD && told->state != LINK_KERNEL_DEAD) {
		kernel->node->kernels_count++;
	}
	kernel->state = told->state;
	kernel->reason = told->reason;
	kernel->status = told->status;
	memcpy(kernel->why, told->text, sizeof(kernel->why));
	activity_kernel(&kernel->activity, told->state, clock_unix_us());
}

void fleet_kernel_told(struct fleet *fleet, struct kernel *kernel, const struct link_kernel *told)
{
	bool fresh = told->incarnation != kernel->incarnation;
	bool another = fresh && kernel->incarnation != 0;
	char why[LINK_TEXT_MAX + 128];
	uint8_t id[LINK_ID_LEN];
	uint64_t ignored;

	if (told->incarnation < kernel->incarnation || told->state < LINK_KERNEL_STARTING ||
	    told->state > LINK_KERNEL_DEAD)
		return;
	memcpy(id, kernel->id, LINK_ID_LEN);
	if (fresh) {
		kernel->incarnation = told->incarnation;
		memset(kernel->in_seq, 0, sizeof(kernel->in_seq));
	}
	/* A HELLO repeats what was known: a busy kernel does not become idle by it. */
	if (fresh || told->state != kernel->state)
		state_set(kernel, told);
	if (kernel->state == LINK_KERNEL_READY)
		kernel->restart_asked = false;
	if (kernel->state == LINK_KERNEL_DEAD && kernel->reason != LINK_WHY_STOPPED) {
		kernel_reason(kernel, why, sizeof(why));
		log_line("kernel %s on %s: dead: %s", kernel->text, kernel->node->name, why);
	}
	fleet->hooks.kernel_changed(fleet->hooks.ctx, kernel, another);
	while (kernel != NULL && pending_kernel(fleet->pendings, kernel))
		kernel = fleet_kernel(fleet, id);
	if (kernel == NULL || !kernel->deleting)
		return;
	if (kernel->state == LINK_KERNEL_DEAD)
		fleet_kernel_remove(fleet, kernel);
	else if (kernel->pendings == NULL)
		/* Deleted while its node was away. */
		fleet_request(fleet, kernel, LINK_STOP, STOP_TIMEOUT_MS, NULL, NULL, &ignored);
}

void fleet_kernel_missing(struct fleet *fleet, struct kernel *kernel)
{
	struct link_kernel told = {.incarnation = kernel->incarnation,
				   .state = LINK_KERNEL_DEAD,
				   .reason = LINK_WHY_NONE,
				   .text = "its node no longer knows it"};

	fleet_kernel_told(fleet, kernel, &told);
}

/* ---- sessions ---- */

int fleet_attach(struct fleet *fleet, struct kernel *kernel, const struct link_attach *attach)
{
	struct link_frame frame;

	frame.type = LINK_ATTACH;
	frame.u.attach = *attach;
	memcpy(frame.u.attach.kernel_id, kernel->id, LINK_ID_LEN);
	return fleet_push(fleet, kernel->node, &frame);
}

int fleet_session(struct fleet *fleet, struct kernel *kernel, enum link_type type,
		  uint64_t session, uint64_t value)
{
	struct link_frame frame;

	frame.type = type;
	frame.u.session.session = session;
	frame.u.session.value = value;
	memcpy(frame.u.session.kernel_id, kernel->id, LINK_ID_LEN);
	return fleet_push(fleet, kernel->node, &frame);
}

int fleet_in(struct fleet *fleet, struct kernel *kernel, uint64_t session,
	     enum link_channel channel, const uint8_t *blob, size_t len, uint64_t *ret_seq)
{
	struct link_chunk head = {
		.incarnation = kernel->incarnation,
		.session = session,
		.epoch = kernel->node->epoch,
		.seq = kernel->in_seq[channel] + 1,
		.channel = (uint8_t)channel,
	};
	int r;

	if (!kernel->node->up)
		return -EHOSTDOWN;
	memcpy(head.kernel_id, kernel->id, LINK_ID_LEN);
	r = link_queue_push(kernel->node->queue, &head, blob, len);
	if (r < 0)
		return r;
	/* Only a message that is queued uses its sequence up: a gap would close the channel. */
	kernel->in_seq[channel]++;
	fleet_wake(fleet, kernel->node);
	*ret_seq = head.seq;
	return 0;
}
