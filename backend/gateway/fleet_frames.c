/* SPDX-License-Identifier: Apache-2.0 */
/* Frames from nodes: one small handler a type. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/gateway/clock.h"
#include "backend/gateway/fleet_private.h"
#include "backend/gateway/log.h"
#include "backend/gateway/refusals.h"

static int send_now(struct fleet *fleet, struct node *node, const struct link_frame *frame)
{
	return link_send(fleet->socket, &node->route, frame);
}

/* The kernel, if it is this node's; another node's kernels are none of its business. */
static struct kernel *own_kernel(struct fleet *fleet, const struct node *node,
				 const uint8_t id[LINK_ID_LEN])
{
	struct kernel *kernel = fleet_kernel(fleet, id);

	return kernel != NULL && kernel->node == node ? kernel : NULL;
}

/* What only who runs it has to say. A KERNEL is not: one that died may be another's by now. */
static struct kernel *run_kernel(struct fleet *fleet, const struct node *node, enum link_type type,
				 const uint8_t id[LINK_ID_LEN])
{
	struct kernel *kernel = fleet_kernel(fleet, id);

	if (kernel == NULL || kernel->node == node)
		return kernel;
	refusals_tell(fleet->refusals, clock_ms(), REFUSAL_KERNEL, node->name,
		      "%s for kernel %s, which is node %s's", link_type_name(type), kernel->text,
		      kernel->node->name);
	return NULL;
}

/* Kernels the gateway places on this node against those the node says it has. */
static void reconcile(struct fleet *fleet, struct node *node, const struct link_hello *hello)
{
	struct kernel *kernel, *next;

	for (kernel = node->kernels; kernel != NULL; kernel = next) {
		const struct link_kernel_info *info = NULL;
		struct link_kernel told = {.reason = LINK_WHY_NONE};

		next = kernel->node_next;
		for (uint32_t i = 0; i < hello->kernels_count; i++)
			if (memcmp(hello->kernels[i].id, kernel->id, LINK_ID_LEN) == 0)
				info = &hello->kernels[i];
		if (info == NULL) {
			if (kernel->state != LINK_KERNEL_DEAD)
				fleet_kernel_missing(fleet, kernel);
			continue;
		}
		memset(kernel->in_seq, 0, sizeof(kernel->in_seq));
		memcpy(told.kernel_id, info->id, LINK_ID_LEN);
		told.incarnation = info->incarnation;
		told.state = info->state;
		/* Attached first: what is then told may let sessions send at once. */
		if (kernel->state != 0)
			fleet->hooks.kernel_reattach(fleet->hooks.ctx, kernel);
		/* How it died the node says next; that it is dead alone would be a death without a reason. */
		if (info->state != LINK_KERNEL_DEAD)
			fleet_kernel_told(fleet, kernel, &told);
	}
}

static void environments_keep(struct fleet *fleet, const struct node *node)
{
	for (uint32_t i = 0; i < node->environments_count; i++) {
		const struct link_environment *from = &node->environments[i];
		struct store_environment row = {.interrupt_message = from->interrupt_message != 0};

		memcpy(row.name, from->name, sizeof(row.name));
		memcpy(row.display_name, from->display_name, sizeof(row.display_name));
		memcpy(row.language, from->language, sizeof(row.language));
		memcpy(row.version, from->version, sizeof(row.version));
		if (store_environment_put(fleet->store, &row) < 0)
			log_line("store: %s", store_error(fleet->store));
	}
}

static void hello_log(const struct node *node)
{
	log_line("node %s: up, version %s, %u CPUs, %u MiB, %u environments, %llu ms from entry "
		 "to link",
		 node->name, node->version, (unsigned)node->cpus, (unsigned)node->memory_mib,
		 (unsigned)node->environments_count, (unsigned long long)node->entry_to_link_ms);
	for (uint32_t i = 0; i < node->missing_count; i++)
		log_line("node %s: refuses kernels: it lacks '%s'", node->name, node->missing[i]);
}

/* Another connection with its key takes its place: the one before is ended, whoever has it. */
static void connection_take(struct fleet *fleet, struct node *node, const struct link_inbox *inbox)
{
	const struct link_sender *sender = link_inbox_sender(inbox);

	fleet_node_down(fleet, node);
	if (node->epoch != 0 && !link_route_equal(&node->route, &sender->route))
		(void)link_mark_shut(&node->mark);
	link_inbox_mark(inbox, &node->mark);
	node->route = sender->route;
	node->by_next = strcmp(sender->key, node->next_key) == 0;
	node_clear(node);
}

static void on_hello(struct fleet *fleet, struct node *node, const struct link_inbox *inbox,
		     const struct link_frame *frame)
{
	struct link_frame welcome = {.type = LINK_WELCOME};

	if (!fleet_join(fleet, node, inbox, &frame->u.hello.ticket, &welcome.u.welcome.ticket))
		return;
	connection_take(fleet, node, inbox);
	if (strcmp(frame->u.hello.name, node->name) != 0)
		refusals_tell(fleet->refusals, clock_ms(), REFUSAL_NAME, node->name,
			      "at %s, key %s: it calls itself '%s'; its key decides",
			      link_inbox_address(inbox), link_inbox_sender(inbox)->key,
			      frame->u.hello.name);
	if (node_hello(node, &frame->u.hello) < 0) {
		log_line("node %s: no memory for its HELLO", node->name);
		return;
	}
	/*
	 * A fresh epoch a connection: what was under way on the old one may be lost, so sequences
	 * begin anew instead of leaving a gap, and nothing sent before is ever sent again.
	 */
	node->epoch = ids_random64();
	/* Of the process: with another one the node would take our sessions for lost. */
	welcome.u.welcome.gateway_epoch = fleet->epoch;
	welcome.u.welcome.time_ms = clock_unix_us() / 1000u;
	if (fleet->next_key != NULL)
		memcpy(welcome.u.welcome.next_key, fleet->next_key->bytes, LINK_KEY_LEN);
	if (send_now(fleet, node, &welcome) < 0)
		return;
	node->up = true;
	node->told_lost = false;
	node->event_held = 0;
	node->seen_ms = clock_ms();
	node->seen_unix_ms = node->hello_unix_ms = clock_unix_us() / 1000u;
	hello_log(node);
	environments_keep(fleet, node);
	fleet_policy_hello(fleet, node);
	reconcile(fleet, node, &frame->u.hello);
	/* A change of its key that was cut short goes on. */
	if (node->next_key[0] != '\0' && !node->by_next)
		fleet_rotate_use(fleet, node);
}

static void on_status(struct fleet *fleet, struct node *node, const struct link_frame *frame)
{
	node->status = frame->u.status;
}

static void on_result(struct fleet *fleet, struct node *node, const struct link_frame *frame)
{
	pending_result(fleet->pendings, node, &frame->u.result);
}

static void on_kernel(struct fleet *fleet, struct node *node, const struct link_frame *frame)
{
	struct kernel *kernel = own_kernel(fleet, node, frame->u.kernel.kernel_id);

	if (kernel != NULL)
		fleet_kernel_told(fleet, kernel, &frame->u.kernel);
}

static void on_out(struct fleet *fleet, struct node *node, const struct link_frame *frame)
{
	struct kernel *kernel = run_kernel(fleet, node, frame->type, frame->u.chunk.kernel_id);

	if (kernel != NULL)
		fleet->hooks.output(fleet->hooks.ctx, kernel, &frame->u.chunk);
}

static void on_refused(struct fleet *fleet, struct node *node, const struct link_frame *frame)
{
	const struct link_refused *refused = &frame->u.refused;
	struct kernel *kernel = run_kernel(fleet, node, frame->type, refused->kernel_id);

	if (kernel == NULL)
		return;
	/* An IN, by who said it and when; any other reason is how the node is. Seq 0 is an ATTACH. */
	if (refused->seq != 0 &&
	    (refused->code == LINK_E_STALE || refused->code == LINK_E_UNKNOWN))
		refusals_tell(fleet->refusals, clock_ms(), REFUSAL_MESSAGE, node->name,
			      "it refused a message for kernel %s: %s", kernel->text,
			      refused->code == LINK_E_STALE
				      ? "said before, or to what was there before"
				      : "of a session that it does not have");
	fleet->hooks.refused(fleet->hooks.ctx, kernel, refused);
}

static void on_event(struct fleet *fleet, struct node *node, const struct link_frame *frame)
{
	const struct link_event *from = &frame->u.event;
	char kernel[IDS_TEXT_LEN + 1] = "";
	struct link_frame ack;
	struct store_event row = {
		.node = node->name,
		.boot_id = from->boot_id,
		.seq = from->seq,
		.time_ms = from->time_ms,
		.kernel = kernel,
		.kind = from->kind,
		.project = from->project,
		.text = from->text,
	};

	if (!link_id_is_none(from->kernel_id))
		ids_uuid_format(from->kernel_id, kernel);
	/*
	 * Not acknowledged where it is not stored: the node keeps it and says it again. None behind
	 * it is, for that would cover it.
	 */
	if (node->event_held != 0 && from->seq > node->event_held)
		return;
	if (store_event_add(fleet->store, &row) < 0) {
		log_line("store: event of node %s: %s", node->name, store_error(fleet->store));
		node->event_held = from->seq;
		return;
	}
	node->event_held = 0;
	ack.type = LINK_EVENT_ACK;
	ack.u.event_ack = from->seq;
	fleet_push(fleet, node, &ack);
}

static void (*const HANDLER[])(struct fleet *, struct node *, const struct link_frame *) = {
	[LINK_STATUS] = on_status, [LINK_RESULT] = on_result,	[LINK_KERNEL] = on_kernel,
	[LINK_OUT] = on_out,	   [LINK_REFUSED] = on_refused, [LINK_EVENT] = on_event,
	[LINK_JOIN_ACK] = fleet_join_ack,
};

/* A node whose lease had run out speaks again on the connection it had: nothing was lost. */
static void back(struct fleet *fleet, struct node *node)
{
	log_line("node %s: speaks again", node->name);
	node->up = true;
	node->told_lost = false;
	for (struct kernel *kernel = node->kernels; kernel != NULL; kernel = kernel->node_next)
		fleet->hooks.kernel_reattach(fleet->hooks.ctx, kernel);
}

/* Who it is from; NULL: nobody who may say this, and the connection is ended. */
static struct node *speaker(struct fleet *fleet, const struct link_inbox *inbox,
			    const struct link_frame *frame)
{
	const struct link_sender *sender = link_inbox_sender(inbox);
	struct node *node = fleet_node(fleet, sender->user);

	/* Another gateway may have added it to the store, or the next key that it comes by. */
	if (frame->type == LINK_HELLO && (node == NULL || !fleet_key_ok(node, sender->key)) &&
	    fleet_node_refresh(fleet, sender->user) == 0)
		node = fleet_node(fleet, sender->user);
	if (node != NULL && fleet_key_ok(node, sender->key))
		return node;
	fleet_shut(inbox);
	return NULL;
}

void fleet_frame(struct fleet *fleet, const struct link_inbox *inbox,
		 const struct link_frame *frame)
{
	const struct link_sender *sender = link_inbox_sender(inbox);
	struct node *node;

	if (strcmp(sender->user, FLEET_STRANGER) == 0 || frame->type == LINK_ENROL) {
		fleet_enrol(fleet, inbox, frame);
		return;
	}
	node = speaker(fleet, inbox, frame);
	if (node == NULL)
		return;
	if (frame->type == LINK_HELLO) {
		on_hello(fleet, node, inbox, frame);
		return;
	}
	/* Only the connection of the last HELLO speaks for the node. */
	if (node->epoch == 0 || !link_route_equal(&sender->route, &node->route))
		return;
	if ((size_t)frame->type >= sizeof(HANDLER) / sizeof(HANDLER[0]) ||
	    HANDLER[frame->type] == NULL) {
		refusals_tell(fleet->refusals, clock_ms(), REFUSAL_FRAME, node->name,
			      "%s is not a node's to send", link_type_name(frame->type));
		return;
	}
	node->seen_ms = clock_ms();
	node->seen_unix_ms = clock_unix_us() / 1000u;
	if (!node->up)
		back(fleet, node);
	HANDLER[frame->type](fleet, node, frame);
}
