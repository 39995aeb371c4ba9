/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interleaving queue: order, fairness, ceilings; then random pushes, pops and drops against
 * joins, which find any chunk out of its place.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "link/check.h"
#include "link/chunk.h"
#include "link/queue.h"

#define KERNELS 4u
#define CHANNELS 3u
#define ROUNDS 20000

static uint8_t source[512 * 1024];

static const struct link_queue_limits limits = {
	.bytes = 1024 * 1024, .kernel_bytes = 512 * 1024, .kernel_messages = 8};

static struct link_chunk head_of(unsigned int kernel, enum link_channel channel, uint64_t seq)
{
	return (struct link_chunk){.kernel_id = {(uint8_t)kernel}, .incarnation = 1, .session = 1,
				   .epoch = 1, .seq = seq, .channel = (uint8_t)channel};
}

static int push(struct link_queue *queue, unsigned int kernel, enum link_channel channel,
		size_t len)
{
	const struct link_chunk head = head_of(kernel, channel, len);

	return link_queue_push(queue, &head, source, len);
}

/* Pops the next chunk and says of which kernel, channel and message length it is. */
static void expect(struct check *check, struct link_queue *queue, unsigned int kernel,
		   enum link_channel channel, size_t len)
{
	struct link_chunk chunk, again;

	CHECK_EQ(check, link_queue_peek(queue, &chunk), 0);
	CHECK_EQ(check, chunk.kernel_id[0], kernel);
	CHECK_EQ(check, chunk.channel, channel);
	CHECK_EQ(check, chunk.total, len);
	CHECK_EQ(check, link_queue_peek(queue, &again), 0);
	CHECK(check, again.offset == chunk.offset && again.data == chunk.data);
	link_queue_pop(queue);
}

static void test_order(struct check *check)
{
	struct link_queue *queue;
	struct link_chunk chunk;

	CHECK_EQ(check, link_queue_new(&limits, &queue), 0);
	CHECK_EQ(check, link_queue_peek(queue, &chunk), -ENODATA);
	link_queue_pop(queue); /* harmless without a peek */
	CHECK_EQ(check, push(queue, 1, LINK_IOPUB, 10), 0);
	CHECK_EQ(check, push(queue, 1, LINK_SHELL, 11), 0);
	CHECK_EQ(check, push(queue, 1, LINK_SHELL, 12), 0);
	CHECK_EQ(check, push(queue, 1, LINK_STDIN, 13), 0);
	CHECK_EQ(check, push(queue, 1, LINK_CONTROL, 14), 0);
	CHECK_EQ(check, push(queue, 2, LINK_SHELL, LINK_CHUNK_MAX + 1), 0);
	expect(check, queue, 1, LINK_CONTROL, 14);
	expect(check, queue, 2, LINK_SHELL, LINK_CHUNK_MAX + 1);
	expect(check, queue, 1, LINK_STDIN, 13);
	CHECK_EQ(check, push(queue, 2, LINK_CONTROL, 15), 0);
	expect(check, queue, 2, LINK_CONTROL, 15); /* before the rest of the large one */
	expect(check, queue, 1, LINK_SHELL, 11);
	expect(check, queue, 2, LINK_SHELL, LINK_CHUNK_MAX + 1);
	expect(check, queue, 1, LINK_SHELL, 12);
	expect(check, queue, 1, LINK_IOPUB, 10);
	CHECK_EQ(check, link_queue_peek(queue, &chunk), -ENODATA);
	CHECK_EQ(check, link_queue_bytes(queue), 0);
	link_queue_free(queue);
	link_queue_free(NULL);
}

/* A chunk that could not be sent stays the next one, whatever is pushed meanwhile. */
static void test_peek_stays(struct check *check)
{
	struct link_queue *queue;
	struct link_chunk chunk;

	CHECK_EQ(check, link_queue_new(&limits, &queue), 0);
	CHECK_EQ(check, push(queue, 1, LINK_SHELL, 10), 0);
	CHECK_EQ(check, link_queue_peek(queue, &chunk), 0);
	CHECK_EQ(check, push(queue, 1, LINK_CONTROL, 11), 0);
	expect(check, queue, 1, LINK_SHELL, 10);
	CHECK_EQ(check, link_queue_peek(queue, &chunk), 0);
	link_queue_drop(queue, (const uint8_t[LINK_ID_LEN]){1});
	CHECK_EQ(check, link_queue_peek(queue, &chunk), -ENODATA);
	link_queue_pop(queue);
	link_queue_free(queue);
}

static void test_limits(struct check *check)
{
	struct link_queue *queue;

	CHECK_EQ(check, link_queue_new(&limits, &queue), 0);
	CHECK_EQ(check, push(queue, 1, LINK_SHELL, 0), -EMSGSIZE);
	CHECK_EQ(check, push(queue, 1, LINK_CHANNELS, 1), -EINVAL);
	CHECK_EQ(check, push(queue, 1, LINK_SHELL, 400 * 1024), 0);
	CHECK_EQ(check, push(queue, 1, LINK_SHELL, 200 * 1024), -ENOBUFS);
	CHECK_EQ(check, push(queue, 2, LINK_SHELL, 400 * 1024), 0);
	CHECK_EQ(check, push(queue, 3, LINK_SHELL, 400 * 1024), -ENOBUFS);
	for (int i = 0; i < 8; i++)
		CHECK_EQ(check, push(queue, 4, LINK_SHELL, 1), 0);
	CHECK_EQ(check, push(queue, 4, LINK_CONTROL, 1), -ENOBUFS);
	link_queue_drop(queue, (const uint8_t[LINK_ID_LEN]){9}); /* unknown: nothing */
	link_queue_drop(queue, (const uint8_t[LINK_ID_LEN]){1});
	CHECK_EQ(check, push(queue, 3, LINK_SHELL, 400 * 1024), 0);
	link_queue_drop(queue, NULL);
	CHECK_EQ(check, link_queue_bytes(queue), 0);
	link_queue_free(queue);
}

/* ---- random ---- */

struct model {
	struct link_join *join[KERNELS][CHANNELS];
	uint64_t pushed[KERNELS][CHANNELS]; /* the sequence last pushed */
	uint64_t popped[KERNELS][CHANNELS]; /* the sequence last completed */
	size_t bytes;			    /* of the messages that are queued */
	size_t lengths[KERNELS];
};

static void random_push(struct link_queue *queue, struct model *model, uint64_t *random)
{
	unsigned int kernel = (unsigned int)(check_random(random) % KERNELS);
	unsigned int channel = (unsigned int)(check_random(random) % CHANNELS);
	size_t len = 1 + check_random(random) % (200 * 1024);
	struct link_chunk head =
		head_of(kernel, (enum link_channel)channel, model->pushed[kernel][channel] + 1);

	if (link_queue_push(queue, &head, source + head.seq % 1000, len) != 0)
		return;
	model->pushed[kernel][channel]++;
	model->bytes += len;
	model->lengths[kernel] += len;
}

static void random_pop(struct check *check, struct link_queue *queue, struct model *model)
{
	struct link_slice message;
	struct link_chunk chunk;
	unsigned int kernel, channel;

	if (link_queue_peek(queue, &chunk) != 0) {
		CHECK_EQ(check, model->bytes, 0);
		return;
	}
	kernel = chunk.kernel_id[0];
	channel = chunk.channel;
	CHECK_EQ(check, link_join_add(model->join[kernel][channel], &chunk, &message), 0);
	if (message.data != NULL) {
		CHECK_EQ(check, chunk.seq, ++model->popped[kernel][channel]);
		CHECK(check, memcmp(message.data, source + chunk.seq % 1000, message.len) == 0);
		model->bytes -= message.len;
		model->lengths[kernel] -= message.len;
	}
	link_queue_pop(queue);
}

static void random_drop(struct link_queue *queue, struct model *model, uint64_t *random)
{
	uint8_t id[LINK_ID_LEN] = {(uint8_t)(check_random(random) % KERNELS)};

	link_queue_drop(queue, id);
	for (unsigned int channel = 0; channel < CHANNELS; channel++) {
		model->popped[id[0]][channel] = model->pushed[id[0]][channel];
		link_join_reset(model->join[id[0]][channel]);
	}
	model->bytes -= model->lengths[id[0]];
	model->lengths[id[0]] = 0;
}

static void test_random(struct check *check)
{
	struct link_budget budget = {0, SIZE_MAX};
	struct model model = {0};
	struct link_queue *queue;
	uint64_t random = 42;

	CHECK_EQ(check, link_queue_new(&limits, &queue), 0);
	for (unsigned int i = 0; i < KERNELS * CHANNELS; i++) {
		struct link_join **join = &model.join[i / CHANNELS][i % CHANNELS];

		CHECK_EQ(check, link_join_new(SIZE_MAX, &budget, join), 0);
	}
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t dice = check_random(&random) % 100;

		if (dice < 35)
			random_push(queue, &model, &random);
		else if (dice < 99)
			random_pop(check, queue, &model);
		else
			random_drop(queue, &model, &random);
		CHECK_EQ(check, link_queue_bytes(queue), model.bytes);
		CHECK(check, model.bytes <= limits.bytes);
	}
	for (unsigned int i = 0; i < KERNELS * CHANNELS; i++)
		link_join_free(model.join[i / CHANNELS][i % CHANNELS]);
	link_queue_free(queue);
}

int main(void)
{
	struct check check = {0};
	uint64_t random = 1;

	for (size_t i = 0; i < sizeof(source); i++)
		source[i] = (uint8_t)check_random(&random);
	test_order(&check);
	test_peek_stays(&check);
	test_limits(&check);
	test_random(&check);
	return CHECK_DONE(&check);
}
