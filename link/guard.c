/* SPDX-License-Identifier: Apache-2.0 */
/* The guard of IN: see cursor.h. */
#include <errno.h>
#include <string.h>

#include "link/cursor.h"

void link_guard_start(struct link_guard *guard, uint32_t incarnation)
{
	memset(guard, 0, sizeof(*guard));
	guard->incarnation = incarnation;
}

/* The row of epoch, or the one it may have: a free one, else the least recently used. */
static struct link_guard_epoch *epoch_row(struct link_guard *guard, uint64_t epoch)
{
	struct link_guard_epoch *oldest = &guard->epochs[0];

	for (size_t i = 0; i < LINK_EPOCHS_MAX; i++) {
		struct link_guard_epoch *row = &guard->epochs[i];

		if (row->epoch == epoch)
			return row;
		if (row->used < oldest->used)
			oldest = row;
	}
	return oldest;
}

int link_guard_accept(struct link_guard *guard, const struct link_chunk *chunk)
{
	struct link_guard_epoch *row;
	uint64_t last;

	if (chunk->epoch == 0 || chunk->channel >= LINK_IOPUB)
		return -EINVAL;
	if (chunk->incarnation != guard->incarnation)
		return -ESTALE;
	row = epoch_row(guard, chunk->epoch);
	last = row->epoch == chunk->epoch ? row->last[chunk->channel] : 0;
	if (chunk->seq <= last)
		return -EALREADY;
	if (chunk->seq != last + 1)
		return -ENODATA;
	/* Only now may a row be evicted: a refused message changes nothing. */
	if (row->epoch != chunk->epoch)
		*row = (struct link_guard_epoch){.epoch = chunk->epoch};
	row->last[chunk->channel] = chunk->seq;
	row->used = ++guard->clock;
	return 0;
}
