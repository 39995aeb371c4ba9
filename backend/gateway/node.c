/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/gateway/kernel.h"

struct node *node_new(const char *name)
{
	struct node *node = calloc(1, sizeof(*node));

	if (node != NULL) {
		snprintf(node->name, sizeof(node->name), "%s", name);
		node->mark.fd = -1;
	}
	return node;
}

void node_free(struct node *node)
{
	if (node == NULL)
		return;
	link_outbox_free(node->outbox);
	link_queue_free(node->queue);
	free(node->environments);
	free(node->missing);
	free(node);
}

static int queues_make(struct node *node)
{
	static const struct link_queue_limits LIMITS = {
		.bytes = NODE_QUEUE_MAX,
		.kernel_bytes = NODE_KERNEL_QUEUE_MAX,
		.kernel_messages = NODE_KERNEL_MESSAGES_MAX,
	};
	int r = 0;

	if (node->outbox == NULL)
		r = link_outbox_new(NODE_OUTBOX_MAX, &node->outbox);
	if (r == 0 && node->queue == NULL)
		r = link_queue_new(&LIMITS, &node->queue);
	return r;
}

int node_hello(struct node *node, const struct link_hello *hello)
{
	struct link_environment *environments;
	char(*missing)[LINK_NAME_MAX];
	int r = queues_make(node);

	if (r < 0)
		return r;
	environments = calloc(hello->environments_count + 1u, sizeof(*environments));
	missing = calloc(hello->missing_count + 1u, sizeof(*missing));
	if (environments == NULL || missing == NULL) {
		free(environments);
		free(missing);
		return -ENOMEM;
	}
	memcpy(environments, hello->environments,
	       hello->environments_count * sizeof(*environments));
	memcpy(missing, hello->missing, hello->missing_count * sizeof(*missing));
	free(node->environments);
	free(node->missing);
	node->environments = environments;
	node->environments_count = hello->environments_count;
	node->missing = missing;
	node->missing_count = hello->missing_count;
	memcpy(node->boot_id, hello->boot_id, sizeof(node->boot_id));
	memcpy(node->version, hello->version, sizeof(node->version));
	memcpy(node->build_id, hello->build_id, sizeof(node->build_id));
	node->entry_to_link_ms = hello->entry_to_link_ms;
	node->cpus = hello->cpus;
	node->memory_mib = hello->memory_mib;
	node->kernels_max = hello->kernels_max;
	node->promises = hello->promises;
	node->timeline_count = hello->timeline_count;
	memcpy(node->timeline, hello->timeline, sizeof(node->timeline));
	memset(&node->status, 0, sizeof(node->status));
	return 0;
}

bool node_has_environment(const struct node *node, const char *name)
{
	for (uint32_t i = 0; i < node->environments_count; i++)
		if (strcmp(node->environments[i].name, name) == 0)
			return true;
	return false;
}

void node_link_kernel(struct node *node, struct kernel *kernel)
{
	kernel->node = node;
	kernel->node_prev = NULL;
	kernel->node_next = node->kernels;
	if (node->kernels != NULL)
		node->kernels->node_prev = kernel;
	node->kernels = kernel;
	if (kernel->state != LINK_KERNEL_DEAD)
		node->kernels_count++;
}

void node_unlink_kernel(struct kernel *kernel)
{
	struct node *node = kernel->node;

	if (kernel->node_prev != NULL)
		kernel->node_prev->node_next = kernel->node_next;
	else
		node->kernels = kernel->node_next;
	if (kernel->node_next != NULL)
		kernel->node_next->node_prev = kernel->node_prev;
	if (kernel->state != LINK_KERNEL_DEAD)
		node->kernels_count--;
	kernel->node_next = kernel->node_prev = NULL;
	kernel->node = NULL;
}

void node_clear(struct node *node)
{
	if (node->outbox != NULL)
		link_outbox_clear(node->outbox);
	if (node->queue != NULL)
		link_queue_drop(node->queue, NULL);
}

int node_flush(struct node *node, void *socket)
{
	struct link_frame frame;
	int r = link_outbox_flush(node->outbox, socket, &node->route);

	/* Small frames first: credit and cursors keep output flowing while a large IN crosses. */
	while (r == 0) {
		r = link_queue_peek(node->queue, &frame.u.chunk);
		if (r < 0)
			return r == -ENODATA ? 0 : r;
		frame.type = LINK_IN;
		r = link_send(socket, &node->route, &frame);
		if (r == 0)
			link_queue_pop(node->queue);
	}
	return r;
}
