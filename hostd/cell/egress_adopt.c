/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cells' table as an earlier monitor left it. That one may have died between a change of the
 * table and its note of it, so that what is noted is put into force again; a change that was asked
 * for and not answered is then undone, as its asker was told.
 */
#include "hostd/cell/egress.h"

#include "hostd/cell/cell.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/conntrack.h"
#include "netlink/nft.h"

#define COUNTER "sent-" /* every cell in the table has one */

int egress_adopt(struct egress *egress, struct egress_cell *cell,
		 const struct egress_policy *policy)
{
	char name[16];
	int result;

	egress_interface(cell->slot, name);
	cell->link = if_nametoindex(name) != 0;
	if (!cell->rules)
		return policy ? -ENOENT : 0;
	if (!egress->on)
		return -EOPNOTSUPP;
	result = egress_rules_set(egress, cell->slot, policy);
	if (result < 0)
		return result;
	cell->open = policy != NULL;
	if (policy)
		cell->policy = *policy;
	result = egress_rules_cut(egress, cell->slot, cell->cut);
	/* To lift what was not on fails. */
	return cell->cut ? result : 0;
}

struct search {
	bool (*known)(void *ctx, unsigned slot);
	void *ctx;
	bool left[CELL_SLOTS_MAX];
};

static void found(void *ctx, const struct nft_count *count)
{
	struct search *search = ctx;
	unsigned long slot;

	if (strncmp(count->name, COUNTER, strlen(COUNTER)) != 0)
		return;
	slot = strtoul(count->name + strlen(COUNTER), NULL, 10);
	if (slot < CELL_SLOTS_MAX && !search->known(search->ctx, (unsigned)slot))
		search->left[slot] = true;
}

int egress_settle(struct egress *egress, bool (*known)(void *ctx, unsigned slot), void *ctx)
{
	struct search search = {.known = known, .ctx = ctx};
	int result = egress->on ? nft_counters_read(egress->nft, EGRESS_TABLE, found, &search) : 0;

	for (unsigned slot = 0; slot < CELL_SLOTS_MAX; slot++) {
		struct egress_cell cell = {.slot = slot, .rules = true, .link = true};
		int one;

		if (!search.left[slot])
			continue;
		(void)egress_rules_cut(egress, slot, false);
		one = egress_free(egress, &cell);
		if (one < 0)
			result = one;
	}
	return result;
}
