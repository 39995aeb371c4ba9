/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/pending.h"

#include <stdlib.h>

struct pendings {
	struct table *table;
	uint64_t last_id;
};

struct pendings *pendings_new(void)
{
	struct pendings *pendings = calloc(1, sizeof(*pendings));

	if (pendings == NULL)
		return NULL;
	pendings->table = table_new();
	if (pendings->table == NULL) {
		free(pendings);
		return NULL;
	}
	return pendings;
}

void pendings_free(struct pendings *pendings)
{
	struct pending *pending;
	size_t cursor = 0;

	if (pendings == NULL)
		return;
	while ((pending = table_next(pendings->table, &cursor)) != NULL)
		free(pending);
	table_free(pendings->table);
	free(pendings);
}

struct pending *pending_add(struct pendings *pendings, uint8_t verb, struct node *node,
			    struct kernel *kernel, uint64_t deadline_ms, pending_done done,
			    void *ctx)
{
	struct pending *pending;

	if (table_count(pendings->table) >= PENDING_MAX)
		return NULL;
	pending = calloc(1, sizeof(*pending));
	if (pending == NULL)
		return NULL;
	pending->id = ++pendings->last_id;
	pending->verb = verb;
	pending->node = node;
	pending->kernel = kernel;
	pending->incarnation = kernel == NULL ? 0 : kernel->incarnation;
	pending->was_dead = kernel != NULL && kernel->state == LINK_KERNEL_DEAD;
	pending->ready = verb == LINK_RESTART || (kernel != NULL && kernel->restart_asked);
	pending->deadline_ms = deadline_ms;
	pending->done = done;
	pending->ctx = ctx;
	if (table_put(pendings->table, &pending->id, sizeof(pending->id), pending) < 0) {
		free(pending);
		return NULL;
	}
	if (kernel != NULL) {
		pending->next = kernel->pendings;
		kernel->pendings = pending;
	}
	return pending;
}

static struct pending *find(const struct pendings *pendings, uint64_t id)
{
	return table_get(pendings->table, &id, sizeof(id));
}

void pending_forget(struct pendings *pendings, uint64_t id)
{
	struct pending *pending = find(pendings, id);

	if (pending != NULL)
		pending->done = NULL;
}

/* Unlinked before the call: what is called may ask for new requests or remove the kernel. */
static void finish(struct pendings *pendings, struct pending *pending,
		   const struct pending_outcome *outcome)
{
	table_remove(pendings->table, &pending->id, sizeof(pending->id));
	if (pending->kernel != NULL) {
		struct pending **at = &pending->kernel->pendings;

		while (*at != pending)
			at = &(*at)->next;
		*at = pending->next;
	}
	if (pending->done != NULL)
		pending->done(pending->ctx, outcome);
	free(pending);
}

/* Has the kernel got where this request wanted it? */
static bool reached(const struct pending *pending)
{
	const struct kernel *kernel = pending->kernel;

	if (kernel == NULL)
		return false;
	if (pending->verb == LINK_STOP)
		return kernel->state == LINK_KERNEL_DEAD && !pending->was_dead;
	if (pending->verb != LINK_START && pending->verb != LINK_RESTART)
		return false;
	if (pending->ready)
		return kernel->state == LINK_KERNEL_READY &&
		       kernel->incarnation != pending->incarnation;
	return kernel->state == LINK_KERNEL_STARTING || kernel->state == LINK_KERNEL_READY;
}

void pending_result(struct pendings *pendings, const struct node *node,
		    const struct link_result *result)
{
	struct pending *pending = find(pendings, result->id);
	struct pending_outcome outcome = {.code = (enum link_code)result->code,
					  .error = result->error,
					  .text = result->text,
					  .text_len = result->text_len};

	/* An id is no secret: another node's answer to it is not one. */
	if (pending == NULL || pending->node != node)
		return;
	/* A restart is done when the kernel is ready again, whichever frame says so first. */
	if (result->code == LINK_OK && pending->ready && !reached(pending))
		return;
	finish(pendings, pending, &outcome);
}

bool pending_kernel(struct pendings *pendings, struct kernel *kernel)
{
	struct pending_outcome ok = {.code = LINK_OK}, dead = {.code = LINK_E_DEAD};

	for (struct pending *pending = kernel->pendings; pending != NULL; pending = pending->next) {
		if (reached(pending)) {
			finish(pendings, pending, &ok);
			return true;
		}
		/* A start that fails is told by its RESULT, which knows more. */
		if (kernel->state == LINK_KERNEL_DEAD && pending->verb != LINK_START &&
		    !pending->was_dead) {
			finish(pendings, pending, &dead);
			return true;
		}
	}
	return false;
}

void pending_kernel_gone(struct pendings *pendings, struct kernel *kernel)
{
	struct pending_outcome gone = {.code = LINK_E_UNKNOWN};

	while (kernel->pendings != NULL)
		finish(pendings, kernel->pendings, &gone);
}

void pending_node_lost(struct pendings *pendings, const struct node *node)
{
	struct pending_outcome lost = {.code = LINK_E_SYSTEM, .lost = true};
	struct pending *pending;
	size_t cursor;

	/* Begun anew after each: a callback may add to the table. */
	for (cursor = 0; (pending = table_next(pendings->table, &cursor)) != NULL;) {
		if (pending->node != node)
			continue;
		finish(pendings, pending, &lost);
		cursor = 0;
	}
}

void pending_sweep(struct pendings *pendings, uint64_t now_ms)
{
	struct pending_outcome late = {.code = LINK_E_TIMEOUT};
	struct pending *pending;
	size_t cursor;

	for (cursor = 0; (pending = table_next(pendings->table, &cursor)) != NULL;) {
		if (now_ms < pending->deadline_ms)
			continue;
		finish(pendings, pending, &late);
		cursor = 0;
	}
}
