/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/relay_in.h"

#include <errno.h>
#include <stdlib.h>

#include "link/chunk.h"
#include "link/cursor.h"

#define JOINS_MAX (LINK_EPOCHS_MAX * LINK_CHANNELS)
#define JOIN_BUDGET (LINK_MESSAGE_MAX + 8u * 1024u * 1024u)

/* Where one sender's message on one channel is put together. */
struct slot {
	uint64_t epoch; /* 0: free */
	uint8_t channel;
	uint64_t used;
	uint64_t refused; /* the sequence whose later chunks are thrown away; 0: none */
	struct link_join *join;
};

struct relay_in {
	struct link_guard guard;
	bool adopt;
	struct link_budget budget;
	struct slot slots[JOINS_MAX];
	uint64_t clock;
};

int relay_in_new(struct relay_in **ret_in)
{
	*ret_in = calloc(1, sizeof(**ret_in));
	if (!*ret_in)
		return -ENOMEM;
	(*ret_in)->budget.max = JOIN_BUDGET;
	return 0;
}

void relay_in_free(struct relay_in *in)
{
	if (!in)
		return;
	relay_in_forget(in);
	free(in);
}

void relay_in_forget(struct relay_in *in)
{
	for (size_t i = 0; i < JOINS_MAX; i++) {
		link_join_free(in->slots[i].join);
		in->slots[i] = (struct slot){0};
	}
}

void relay_in_start(struct relay_in *in, uint32_t incarnation, bool adopt)
{
	link_guard_start(&in->guard, incarnation);
	in->adopt = adopt;
	relay_in_forget(in);
}

static struct slot *slot_of(struct relay_in *in, const struct link_chunk *chunk)
{
	struct slot *oldest = &in->slots[0];

	in->clock++;
	for (size_t i = 0; i < JOINS_MAX; i++) {
		struct slot *slot = &in->slots[i];

		if (slot->epoch == chunk->epoch && slot->channel == chunk->channel) {
			slot->used = in->clock;
			return slot;
		}
		if (slot->used < oldest->used)
			oldest = slot;
	}
	if (!oldest->join && link_join_new(LINK_MESSAGE_MAX, &in->budget, &oldest->join) < 0)
		return NULL;
	link_join_reset(oldest->join);
	oldest->epoch = chunk->epoch;
	oldest->channel = chunk->channel;
	oldest->used = in->clock;
	oldest->refused = 0;
	return oldest;
}

/*
 * A sender never sends a message twice, so the first one that a later relay of the incarnation
 * sees can only be new; what was in flight when the old relay died is reported as failed.
 */
static void guard_adopt(struct relay_in *in, const struct link_chunk *chunk)
{
	struct link_guard_epoch *row = NULL;

	for (size_t i = 0; i < LINK_EPOCHS_MAX; i++) {
		struct link_guard_epoch *each = &in->guard.epochs[i];

		if (each->epoch == chunk->epoch) {
			row = each;
			break;
		}
		if (each->epoch == 0 && !row)
			row = each;
	}
	if (!row || chunk->epoch == 0 || chunk->seq == 0)
		return;
	row->epoch = chunk->epoch;
	if (row->last[chunk->channel] == 0)
		row->last[chunk->channel] = chunk->seq - 1;
}

static int may_begin(struct relay_in *in, const struct link_chunk *chunk, bool attached)
{
	int r;

	if (chunk->channel == LINK_IOPUB || chunk->channel >= LINK_CHANNELS)
		return -EINVAL;
	if (in->adopt && chunk->incarnation == in->guard.incarnation)
		guard_adopt(in, chunk);
	r = link_guard_accept(&in->guard, chunk);
	return r == 0 && !attached ? -ENOENT : r;
}

int relay_in_take(struct relay_in *in, const struct link_chunk *chunk, bool attached,
		  struct link_slice *ret_message)
{
	struct slot *slot = slot_of(in, chunk);
	int r = 0;

	*ret_message = (struct link_slice){0};
	if (!slot)
		return -ENOMEM;
	if (chunk->offset == 0) {
		r = may_begin(in, chunk, attached);
		slot->refused = 0;
	} else if (slot->refused == chunk->seq) {
		return -ECANCELED;
	}
	if (r == 0)
		r = link_join_add(slot->join, chunk, ret_message);
	if (r < 0)
		slot->refused = chunk->seq;
	return r;
}

void relay_in_refuse(struct relay_in *in, const struct link_chunk *chunk)
{
	struct slot *slot = slot_of(in, chunk);

	if (slot)
		slot->refused = chunk->seq;
}
