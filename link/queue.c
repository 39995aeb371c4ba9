/* SPDX-License-Identifier: Apache-2.0 */
#include "link/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "link/chunk.h"

struct message {
	struct message *next;
	struct link_cut cut;
	size_t len;
	uint8_t data[];
};

struct fifo {
	struct message *head;
	struct message *tail;
};

/* One kernel that has messages waiting: a link of the ring. Never empty. */
struct kernel {
	struct kernel *prev;
	struct kernel *next;
	uint8_t id[LINK_ID_LEN];
	size_t bytes;
	size_t messages;
	struct fifo fifo[LINK_CHANNELS];
};

struct link_queue {
	struct link_queue_limits limits;
	struct kernel *turn; /* whose turn it is; NULL: the queue is empty */
	size_t bytes;
	bool peeked; /* chunk is what link_queue_peek() gave, of turn and fifo */
	struct fifo *fifo;
	struct link_chunk chunk;
};

/* The order within a kernel: what unblocks it first. */
static const enum link_channel order[LINK_CHANNELS] = {LINK_CONTROL, LINK_STDIN, LINK_SHELL,
						       LINK_IOPUB};

int link_queue_new(const struct link_queue_limits *limits, struct link_queue **ret_queue)
{
	struct link_queue *queue = calloc(1, sizeof(*queue));

	if (queue == NULL)
		return -ENOMEM;
	queue->limits = *limits;
	*ret_queue = queue;
	return 0;
}

void link_queue_free(struct link_queue *queue)
{
	if (queue == NULL)
		return;
	link_queue_drop(queue, NULL);
	free(queue);
}

size_t link_queue_bytes(const struct link_queue *queue)
{
	return queue->bytes;
}

/* ---- the ring of kernels ---- */

static struct kernel *ring_find(const struct link_queue *queue, const uint8_t id[LINK_ID_LEN])
{
	struct kernel *kernel = queue->turn;

	if (kernel == NULL)
		return NULL;
	do {
		if (memcmp(kernel->id, id, LINK_ID_LEN) == 0)
			return kernel;
		kernel = kernel->next;
	} while (kernel != queue->turn);
	return NULL;
}

/* A new kernel has its turn last. */
static struct kernel *ring_add(struct link_queue *queue, const uint8_t id[LINK_ID_LEN])
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));

	if (kernel == NULL)
		return NULL;
	memcpy(kernel->id, id, LINK_ID_LEN);
	if (queue->turn == NULL) {
		kernel->prev = kernel->next = kernel;
		queue->turn = kernel;
		return kernel;
	}
	kernel->next = queue->turn;
	kernel->prev = queue->turn->prev;
	kernel->prev->next = kernel;
	kernel->next->prev = kernel;
	return kernel;
}

static void ring_remove(struct link_queue *queue, struct kernel *kernel)
{
	if (kernel == queue->turn) {
		queue->turn = kernel->next == kernel ? NULL : kernel->next;
		queue->peeked = false;
	}
	kernel->prev->next = kernel->next;
	kernel->next->prev = kernel->prev;
	free(kernel);
}

/* ---- messages ---- */

static struct message *message_new(const struct link_chunk *head, const uint8_t *data, size_t len)
{
	struct message *message = malloc(sizeof(*message) + len);

	if (message == NULL)
		return NULL;
	message->next = NULL;
	message->len = len;
	memcpy(message->data, data, len);
	if (link_cut_start(&message->cut, head, message->data, len) != 0) {
		free(message);
		return NULL;
	}
	return message;
}

static void fifo_push(struct fifo *fifo, struct message *message)
{
	if (fifo->tail == NULL)
		fifo->head = message;
	else
		fifo->tail->next = message;
	fifo->tail = message;
}

static void fifo_shift(struct link_queue *queue, struct kernel *kernel, struct fifo *fifo)
{
	struct message *message = fifo->head;

	fifo->head = message->next;
	if (fifo->head == NULL)
		fifo->tail = NULL;
	kernel->bytes -= message->len;
	kernel->messages--;
	queue->bytes -= message->len;
	free(message);
}

static bool over_limits(const struct link_queue *queue, const struct kernel *kernel, size_t len)
{
	size_t bytes = kernel == NULL ? 0 : kernel->bytes;
	size_t messages = kernel == NULL ? 0 : kernel->messages;

	return len > queue->limits.bytes || queue->bytes > queue->limits.bytes - len ||
	       len > queue->limits.kernel_bytes || bytes > queue->limits.kernel_bytes - len ||
	       messages >= queue->limits.kernel_messages;
}

int link_queue_push(struct link_queue *queue, const struct link_chunk *head, const uint8_t *data,
		    size_t len)
{
	struct kernel *kernel = ring_find(queue, head->kernel_id);
	struct message *message;

	if (head->channel >= LINK_CHANNELS)
		return -EINVAL;
	if (len == 0 || len > LINK_MESSAGE_MAX)
		return -EMSGSIZE;
	if (over_limits(queue, kernel, len))
		return -ENOBUFS;
	message = message_new(head, data, len);
	if (message == NULL)
		return -ENOMEM;
	if (kernel == NULL)
		kernel = ring_add(queue, head->kernel_id);
	if (kernel == NULL) {
		free(message);
		return -ENOMEM;
	}
	fifo_push(&kernel->fifo[head->channel], message);
	kernel->bytes += len;
	kernel->messages++;
	queue->bytes += len;
	return 0;
}

int link_queue_peek(struct link_queue *queue, struct link_chunk *ret_chunk)
{
	if (queue->turn == NULL)
		return -ENODATA;
	for (size_t i = 0; i < LINK_CHANNELS && !queue->peeked; i++) {
		queue->fifo = &queue->turn->fifo[order[i]];
		if (queue->fifo->head == NULL)
			continue;
		link_cut_next(&queue->fifo->head->cut, LINK_CHUNK_MAX, &queue->chunk);
		queue->peeked = true;
	}
	*ret_chunk = queue->chunk;
	return 0;
}

void link_queue_pop(struct link_queue *queue)
{
	struct kernel *kernel = queue->turn;

	if (!queue->peeked)
		return;
	queue->peeked = false;
	queue->turn = kernel->next;
	if (link_cut_done(&queue->fifo->head->cut))
		fifo_shift(queue, kernel, queue->fifo);
	if (kernel->messages == 0)
		ring_remove(queue, kernel);
}

static void kernel_drop(struct link_queue *queue, struct kernel *kernel)
{
	for (size_t i = 0; i < LINK_CHANNELS; i++)
		while (kernel->fifo[i].head != NULL)
			fifo_shift(queue, kernel, &kernel->fifo[i]);
	ring_remove(queue, kernel);
}

void link_queue_drop(struct link_queue *queue, const uint8_t kernel_id[LINK_ID_LEN])
{
	struct kernel *kernel;

	if (kernel_id == NULL) {
		while (queue->turn != NULL)
			kernel_drop(queue, queue->turn);
		return;
	}
	kernel = ring_find(queue, kernel_id);
	if (kernel != NULL)
		kernel_drop(queue, kernel);
}
