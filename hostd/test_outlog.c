/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The output log against a model that is simple enough to be right: everything ever appended, and
 * for each session what it has received.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hostd/outlog.h"
#include "link/check.h"
#include "link/parts.h"

#define MIB (1024u * 1024u)
#define ENTRIES_MAX 20000u
#define SESSIONS 4u
#define NOTICE 0x04000000u /* how a parts blob of four begins */

static const uint8_t id[LINK_ID_LEN] = {1};

static int append(struct outlog *log, uint64_t to, uint32_t value, size_t len)
{
	struct message message = {.data = calloc(1, len), .len = len};
	int r;

	memcpy(message.data, &value, len < sizeof(value) ? len : sizeof(value));
	r = outlog_append(log, 1, LINK_IOPUB, to, &message);
	free(message.data);
	return r;
}

static int attach(struct outlog *log, uint64_t session, bool resume, uint64_t cursor,
		  uint32_t credit)
{
	const struct link_attach body = {
		.session = session,
		.resume = resume,
		.cursor = cursor,
		.credit = credit,
	};

	return outlog_attach(log, &body);
}

static void test_order(struct check *check)
{
	struct outlog *log;
	struct link_chunk chunk;

	CHECK_EQ(check, outlog_new(id, 64 * MIB, 100, &log), 0);
	CHECK_EQ(check, outlog_next(log, &chunk), -EAGAIN);
	CHECK_EQ(check, attach(log, 5, false, 0, 1000), 0);
	CHECK_EQ(check, append(log, 0, 1, 10), 0);
	CHECK_EQ(check, append(log, 5, 2, 10), 0);
	CHECK_EQ(check, outlog_next(log, &chunk), 0);
	CHECK(check, chunk.seq == 101 && chunk.session == 5 && chunk.total == 10);
	/* It stays the next one until it is sent. */
	CHECK_EQ(check, outlog_next(log, &chunk), 0);
	CHECK_EQ(check, chunk.seq, 101);
	outlog_sent(log);
	CHECK_EQ(check, outlog_next(log, &chunk), 0);
	CHECK_EQ(check, chunk.seq, 102);
	outlog_sent(log);
	CHECK_EQ(check, outlog_next(log, &chunk), -EAGAIN);
	CHECK(check, outlog_all_sent(log) && !outlog_all_acked(log));
	CHECK_EQ(check, outlog_ack(log, 5, 102), 0);
	CHECK(check, outlog_all_acked(log));
	CHECK_EQ(check, outlog_bytes(log), 0);
	outlog_free(log);
}

static void test_credit(struct check *check)
{
	struct outlog *log;
	struct link_chunk chunk;

	CHECK_EQ(check, outlog_new(id, 64 * MIB, 0, &log), 0);
	CHECK_EQ(check, attach(log, 5, false, 0, 100), 0);
	CHECK_EQ(check, append(log, 0, 1, LINK_CHUNK_MAX + 50), 0);
	CHECK_EQ(check, outlog_next(log, &chunk), 0);
	CHECK_EQ(check, chunk.data_len, 100);
	outlog_sent(log);
	CHECK_EQ(check, outlog_next(log, &chunk), -EAGAIN);
	CHECK_EQ(check, outlog_credit(log, 5, LINK_WINDOW_MAX), 0);
	CHECK_EQ(check, outlog_next(log, &chunk), 0);
	CHECK(check, chunk.offset == 100 && chunk.data_len == LINK_CHUNK_MAX - 50);
	/* Attached again in the middle of a message: it begins anew. */
	CHECK_EQ(check, attach(log, 5, true, 0, 1000), 0);
	CHECK_EQ(check, outlog_next(log, &chunk), 0);
	CHECK(check, chunk.offset == 0 && chunk.seq == 1);
	CHECK_EQ(check, outlog_credit(log, 6, 1), -ENOENT);
	outlog_free(log);
}

/* Attached: it waits. Nobody there: the oldest goes, and who comes back is told. */
static void test_full(struct check *check)
{
	struct outlog *log;
	struct link_chunk chunk;
	uint64_t dropped = 0;
	uint32_t count = 0;

	CHECK_EQ(check, outlog_new(id, LINK_MESSAGE_MAX + MIB, 0, &log), 0);
	CHECK_EQ(check, attach(log, 5, false, 0, 0), 0);
	while (append(log, 0, count, 100000) == 0)
		count++;
	CHECK(check, count >= 9 && count <= 11);
	CHECK(check, !outlog_room(log, true, &dropped) && dropped == 0);
	CHECK_EQ(check, outlog_detach(log, 5), 0);
	CHECK(check, !outlog_room(log, false, &dropped) && dropped == 0);
	CHECK(check, outlog_room(log, true, &dropped) && dropped == 1);
	CHECK_EQ(check, append(log, 0, count, 100000), 0);
	CHECK_EQ(check, attach(log, 5, true, 0, 1000), 0);
	CHECK_EQ(check, outlog_next(log, &chunk), 0);
	CHECK_EQ(check, chunk.seq, 1);
	CHECK(check, memmem(chunk.data, chunk.data_len, "1 messages of this kernel were lost", 35));
	outlog_sent(log);
	CHECK_EQ(check, outlog_next(log, &chunk), 0);
	CHECK_EQ(check, chunk.seq, 2);
	outlog_free(log);
}

static void test_limits(struct check *check)
{
	struct outlog *log;
	struct message empty = {0};

	CHECK_EQ(check, outlog_new(id, 64 * MIB, 0, &log), 0);
	CHECK_EQ(check, outlog_append(log, 1, LINK_IOPUB, 0, &empty), -EMSGSIZE);
	CHECK_EQ(check, append(log, 0, 1, LINK_MESSAGE_MAX + 1), -EMSGSIZE);
	CHECK_EQ(check, append(log, 0, 1, LINK_MESSAGE_MAX), 0);
	for (uint64_t i = 1; i <= LINK_SESSIONS_MAX; i++)
		CHECK_EQ(check, attach(log, i, false, 0, 1), 0);
	CHECK_EQ(check, attach(log, 1000, false, 0, 1), -ENOSPC);
	CHECK_EQ(check, attach(log, 1, true, 999, 1), -ESTALE);
	outlog_free(log);
}

/* ---- random operations ---- */

struct model {
	uint32_t count;
	uint8_t to[ENTRIES_MAX]; /* entry i + 1 */
	struct {
		bool attached;
		uint64_t received; /* the last sequence delivered whole */
		uint32_t at;	   /* bytes of the message in progress */
	} sessions[SESSIONS + 1];
};

/* The next entry after seq that session is to get while it is attached all the time. */
static uint64_t model_next(const struct model *model, uint64_t seq, uint64_t session)
{
	for (seq++; seq <= model->count; seq++) {
		uint8_t to = model->to[seq - 1];

		if (to == 0 || to == session || !model->sessions[to].attached)
			return seq;
	}
	return 0;
}

static void model_take(struct check *check, struct model *model, struct outlog *log,
		       const struct link_chunk *chunk)
{
	uint64_t session = chunk->session;
	uint32_t value = 0;

	CHECK(check, session >= 1 && session <= SESSIONS && model->sessions[session].attached);
	CHECK_EQ(check, chunk->offset, model->sessions[session].at);
	CHECK(check, chunk->seq > model->sessions[session].received);
	if (chunk->offset == 0) {
		memcpy(&value, chunk->data, chunk->data_len < 4 ? chunk->data_len : 4);
		/* A parts blob: the notice that what this session lacks is trimmed already. */
		if (chunk->data_len >= 4 && value != NOTICE)
			CHECK_EQ(check, value, chunk->seq);
	}
	model->sessions[session].at += chunk->data_len;
	if (model->sessions[session].at == chunk->total) {
		model->sessions[session].at = 0;
		model->sessions[session].received = chunk->seq;
	}
	outlog_sent(log);
}

static void random_step(struct check *check, struct model *model, struct outlog *log,
			uint64_t *random)
{
	uint64_t dice = check_random(random);
	uint64_t session = 1 + (dice >> 8) % SESSIONS;
	struct link_chunk chunk;
	bool attached = model->sessions[session].attached;

	switch (dice % 8) {
	case 0:
	case 1:
		if (model->count < ENTRIES_MAX) {
			uint8_t to = (uint8_t)((dice >> 16) % (SESSIONS + 1));

			model->to[model->count] = to;
			CHECK_EQ(check, append(log, to, model->count + 1, 4 + (dice >> 20) % 300),
				 0);
			model->count++;
		}
		break;
	case 2:
		CHECK_EQ(check, outlog_credit(log, session, (dice >> 20) % 2000),
			 attached ? 0 : -ENOENT);
		break;
	case 3:
		if (attached)
			CHECK_EQ(check, outlog_ack(log, session,
						   model->sessions[session].received), 0);
		break;
	case 4: /* comes back where it was */
		CHECK_EQ(check, attach(log, session, true, model->sessions[session].received,
				       (uint32_t)((dice >> 20) % 5000)), 0);
		model->sessions[session].attached = true;
		model->sessions[session].at = 0;
		break;
	default:
		if (outlog_next(log, &chunk) == 0)
			model_take(check, model, log, &chunk);
		break;
	}
}

/* At the end everybody gets everything that is theirs, in order. */
static void drain(struct check *check, struct model *model, struct outlog *log)
{
	struct link_chunk chunk;
	int r;

	do {
		for (uint64_t i = 1; i <= SESSIONS; i++)
			if (model->sessions[i].attached)
				outlog_credit(log, i, LINK_WINDOW_MAX);
		r = outlog_next(log, &chunk);
		if (r == 0)
			model_take(check, model, log, &chunk);
	} while (r == 0);
	CHECK(check, outlog_all_sent(log));
	for (uint64_t i = 1; i <= SESSIONS; i++)
		if (model->sessions[i].attached)
			CHECK_EQ(check, model_next(model, model->sessions[i].received, i), 0);
}

static void test_random(struct check *check, uint64_t seed)
{
	static struct model model;
	struct outlog *log;
	uint64_t random = seed;

	memset(&model, 0, sizeof(model));
	CHECK_EQ(check, outlog_new(id, 64 * MIB, 0, &log), 0);
	for (int i = 0; i < 20000; i++)
		random_step(check, &model, log, &random);
	drain(check, &model, log);
	outlog_free(log);
}

/* Who left without having everything is waited for, for a while. */
static void test_away(struct check *check)
{
	const uint64_t left = 1000;
	struct outlog *log;
	struct link_chunk chunk;

	CHECK_EQ(check, outlog_new(id, 64 * MIB, 0, &log), 0);
	outlog_expire(log, left);
	CHECK(check, outlog_all_acked(log));
	CHECK_EQ(check, attach(log, 5, false, 0, 1000), 0);
	CHECK_EQ(check, append(log, 0, 1, 10), 0);
	CHECK_EQ(check, outlog_next(log, &chunk), 0);
	outlog_sent(log);
	CHECK_EQ(check, outlog_detach(log, 5), 0);
	CHECK(check, outlog_all_sent(log) && !outlog_all_acked(log));
	outlog_expire(log, left + OUTLOG_AWAY_MS - 1);
	CHECK(check, !outlog_all_acked(log));
	outlog_expire(log, left + OUTLOG_AWAY_MS);
	CHECK(check, outlog_all_acked(log));
	/* It is not held up for him any more; where it is still there, he has it. */
	CHECK_EQ(check, attach(log, 5, false, 0, 1000), 0);
	CHECK(check, !outlog_all_acked(log));
	CHECK_EQ(check, outlog_next(log, &chunk), 0);
	CHECK_EQ(check, chunk.seq, 1);
	outlog_sent(log);
	CHECK_EQ(check, outlog_ack(log, 5, 1), 0);
	CHECK_EQ(check, outlog_detach(log, 5), 0);
	CHECK(check, outlog_all_acked(log));
	outlog_free(log);
}

int main(void)
{
	struct check check = {0};

	test_order(&check);
	test_away(&check);
	test_credit(&check);
	test_full(&check);
	test_limits(&check);
	for (uint64_t seed = 1; seed <= 5; seed++)
		test_random(&check, seed);
	return CHECK_DONE(&check);
}
