/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting and joining. The random test keeps many streams under way at once and compares every
 * message joined with the one that was cut, and the budget with what the joins hold.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "link/check.h"
#include "link/chunk.h"

#define STREAMS 8u
#define ROUNDS 20000
#define CEILING (300u * 1024u)
#define BUDGET (1024u * 1024u)

static uint8_t source[LINK_MESSAGE_MAX];

static struct link_chunk head_of(uint8_t kernel, uint64_t seq)
{
	return (struct link_chunk){.kernel_id = {kernel}, .incarnation = 1, .session = 2,
				   .epoch = 3, .seq = seq, .channel = LINK_SHELL};
}

static void test_cut(struct check *check)
{
	const struct link_chunk head = head_of(1, 1);
	struct link_chunk chunk;
	struct link_cut cut;

	CHECK_EQ(check, link_cut_start(&cut, &head, source, 0), -EMSGSIZE);
	CHECK_EQ(check, link_cut_start(&cut, &head, source, (size_t)LINK_MESSAGE_MAX + 1),
		 -EMSGSIZE);
	CHECK_EQ(check, link_cut_start(&cut, &head, source, LINK_CHUNK_MAX + 10), 0);
	CHECK_EQ(check, link_cut_next(&cut, 0, &chunk), -EAGAIN);
	CHECK_EQ(check, link_cut_next(&cut, 4, &chunk), 0);
	CHECK(check, chunk.offset == 0 && chunk.data_len == 4 && chunk.data == source);
	CHECK_EQ(check, link_cut_next(&cut, SIZE_MAX, &chunk), 0);
	CHECK(check, chunk.offset == 4 && chunk.data_len == LINK_CHUNK_MAX);
	CHECK(check, !link_cut_done(&cut));
	CHECK_EQ(check, link_cut_next(&cut, SIZE_MAX, &chunk), 0);
	CHECK(check, chunk.data_len == 6 && chunk.total == LINK_CHUNK_MAX + 10);
	CHECK(check, link_cut_done(&cut));
	CHECK_EQ(check, link_cut_next(&cut, SIZE_MAX, &chunk), -ENODATA);
}

/* ---- one stream, step by step ---- */

static struct link_chunk piece(uint64_t seq, uint32_t total, uint32_t offset, uint32_t len)
{
	struct link_chunk chunk = head_of(1, seq);

	chunk.total = total;
	chunk.offset = offset;
	chunk.data_len = len;
	chunk.data = source + offset;
	return chunk;
}

struct step {
	uint64_t seq;
	uint32_t total, offset, len;
	int want;
	uint32_t complete; /* length of the message it completes, 0: none */
};

struct story {
	const char *name;
	struct step steps[6];
};

static const struct story stories[] = {
	{"whole", {{1, 10, 0, 10, 0, 10}, {2, 5, 0, 5, 0, 5}}},
	{"three pieces", {{1, 10, 0, 4, 0, 0}, {1, 10, 4, 4, 0, 0}, {1, 10, 8, 2, 0, 10}}},
	{"over the ceiling",
	 {{1, CEILING + 1, 0, 4, -EMSGSIZE, 0},
	  {1, CEILING + 1, 4, 4, -ECANCELED, 0},
	  {2, 4, 0, 4, 0, 4}}},
	{"begins in the middle",
	 {{1, 10, 4, 4, -EBADMSG, 0}, {1, 10, 8, 2, -ECANCELED, 0}, {1, 10, 0, 10, 0, 10}}},
	{"a gap", {{1, 10, 0, 4, 0, 0}, {1, 10, 6, 4, -EBADMSG, 0}, {2, 3, 0, 3, 0, 3}}},
	{"an overlap",
	 {{1, 10, 0, 4, 0, 0}, {1, 10, 3, 4, -EBADMSG, 0}, {1, 10, 7, 3, -ECANCELED, 0}}},
	{"another total", {{1, 10, 0, 4, 0, 0}, {1, 11, 4, 4, -EBADMSG, 0}}},
	{"another sequence", {{1, 10, 0, 4, 0, 0}, {2, 10, 4, 6, -EBADMSG, 0}}},
	{"a second begins",
	 {{1, 10, 0, 4, 0, 0},
	  {2, 10, 0, 4, -EBADMSG, 0},
	  {2, 10, 4, 6, -ECANCELED, 0},
	  {3, 2, 0, 2, 0, 2}}},
	{"beyond its end", {{1, 10, 0, 4, 0, 0}, {1, 10, 4, 7, -EBADMSG, 0}}},
	{"more than it is", {{1, 10, 0, 11, -EBADMSG, 0}}},
};

static void take(struct check *check, struct link_join *join, const struct step *step)
{
	struct link_chunk chunk = piece(step->seq, step->total, step->offset, step->len);
	struct link_slice message;

	CHECK_EQ(check, link_join_add(join, &chunk, &message), step->want);
	CHECK_EQ(check, message.len, step->complete);
	CHECK(check, message.len == 0 || memcmp(message.data, source, message.len) == 0);
}

static void test_stories(struct check *check)
{
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		struct link_budget budget = {0, BUDGET};
		struct link_join *join;

		check_row(check, stories[i].name);
		CHECK_EQ(check, link_join_new(CEILING, &budget, &join), 0);
		for (const struct step *step = stories[i].steps; step->total > 0; step++)
			take(check, join, step);
		link_join_free(join);
		CHECK_EQ(check, budget.used, 0);
	}
	check_row(check, NULL);
}

static void test_budget(struct check *check)
{
	struct link_budget budget = {0, LINK_CHUNK_MAX + 100};
	struct link_chunk chunk = piece(1, LINK_MESSAGE_MAX, 0, 10);
	struct link_slice message;
	struct link_join *join, *second;

	CHECK_EQ(check, link_budget_take(&budget, SIZE_MAX), -ENOBUFS);
	CHECK_EQ(check, link_join_new(SIZE_MAX, &budget, &join), 0);
	CHECK_EQ(check, link_join_new(SIZE_MAX, &budget, &second), 0);
	/* a claim of 16 MiB takes one chunk's room */
	CHECK_EQ(check, link_join_add(join, &chunk, &message), 0);
	CHECK_EQ(check, link_join_held(join), LINK_CHUNK_MAX);
	CHECK_EQ(check, link_join_add(second, &chunk, &message), -ENOBUFS);
	chunk = piece(1, LINK_MESSAGE_MAX, 10, LINK_CHUNK_MAX);
	CHECK_EQ(check, link_join_add(join, &chunk, &message), -ENOBUFS);
	CHECK_EQ(check, budget.used, 0);
	chunk = piece(2, 300, 0, 100);
	CHECK_EQ(check, link_join_add(second, &chunk, &message), 0);
	CHECK_EQ(check, link_join_held(second), 300);
	link_join_reset(second);
	CHECK_EQ(check, budget.used, 0);
	link_join_free(join);
	link_join_free(second);
	link_join_free(NULL);
}

static void test_credit(struct check *check)
{
	struct link_credit credit = {0};

	CHECK_EQ(check, link_credit_take(&credit, 1), -EAGAIN);
	link_credit_grant(&credit, 10);
	CHECK_EQ(check, link_credit_take(&credit, 11), -EAGAIN);
	CHECK_EQ(check, link_credit_take(&credit, 10), 0);
	link_credit_grant(&credit, UINT64_MAX);
	CHECK_EQ(check, credit.left, LINK_WINDOW_MAX);
	link_credit_grant(&credit, UINT64_MAX);
	CHECK_EQ(check, credit.left, LINK_WINDOW_MAX);
}

/* ---- random ---- */

struct stream {
	struct link_join *join;
	struct link_cut cut;
	size_t from; /* where in source its message is */
	bool active;
	uint64_t seq;
};

static void begin(struct check *check, struct stream *stream, uint8_t number, uint64_t *random)
{
	size_t len = 1 + check_random(random) % (CEILING - 1);
	struct link_chunk head = head_of(number, ++stream->seq);

	stream->from = check_random(random) % (sizeof(source) - len);
	stream->active = true;
	CHECK_EQ(check, link_cut_start(&stream->cut, &head, source + stream->from, len), 0);
}

static void advance(struct check *check, struct stream *stream, uint64_t *random)
{
	struct link_chunk chunk;
	struct link_slice message;
	int error;

	CHECK_EQ(check, link_cut_next(&stream->cut, 1 + check_random(random) % 100000, &chunk), 0);
	if (check_random(random) % 50 == 0)
		chunk.offset ^= 1; /* a hostile or broken peer */
	error = link_join_add(stream->join, &chunk, &message);
	if (error != 0) {
		stream->active = false; /* refused: nothing of it may come out */
		CHECK(check, message.data == NULL);
		return;
	}
	CHECK_EQ(check, message.data != NULL, link_cut_done(&stream->cut));
	if (message.data == NULL)
		return;
	stream->active = false;
	CHECK_EQ(check, message.len, stream->cut.next.total);
	CHECK(check, memcmp(message.data, source + stream->from, message.len) == 0);
}

static void test_random(struct check *check)
{
	struct link_budget budget = {0, BUDGET};
	struct stream streams[STREAMS] = {0};
	uint64_t random = 20111123;

	for (size_t i = 0; i < STREAMS; i++)
		CHECK_EQ(check, link_join_new(CEILING, &budget, &streams[i].join), 0);
	for (int round = 0; round < ROUNDS; round++) {
		uint8_t number = (uint8_t)(check_random(&random) % STREAMS);
		struct stream *stream = &streams[number];
		size_t held = 0;

		if (!stream->active)
			begin(check, stream, number, &random);
		else
			advance(check, stream, &random);
		for (size_t i = 0; i < STREAMS; i++)
			held += link_join_held(streams[i].join);
		CHECK(check, held == budget.used && budget.used <= budget.max);
	}
	for (size_t i = 0; i < STREAMS; i++)
		link_join_free(streams[i].join);
	CHECK_EQ(check, budget.used, 0);
}

int main(void)
{
	struct check check = {0};
	uint64_t random = 1;

	for (size_t i = 0; i < sizeof(source); i++)
		source[i] = (uint8_t)check_random(&random);
	test_cut(&check);
	test_stories(&check);
	test_budget(&check);
	test_credit(&check);
	test_random(&check);
	return CHECK_DONE(&check);
}
