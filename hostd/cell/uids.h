/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots, and the two uids that follow from one: the cell's and its relay's. A slot is handed
 * out again only after all others were, and only if no process of its uids is left.
 */
#ifndef ANCHORHOLD_CELL_UIDS_H
#define ANCHORHOLD_CELL_UIDS_H

#include "hostd/cell/cell.h"

#define UIDS_CELL_BASE 1000000u
#define UIDS_RELAY_BASE 20000u
#define UIDS_INSIDE 1000u /* the one uid, and gid, that exists inside a cell */

struct uids {
	int proc; /* borrowed, a directory descriptor of procfs */
	unsigned next;
	bool taken[CELL_SLOTS_MAX];
	bool used[CELL_SLOTS_MAX]; /* held once before: look for leftovers first */
};

/* Slots of whose uids a process runs already count as taken. `proc` stays the caller's. */
int uids_init(struct uids *uids, int proc);

/* -EUSERS where all are taken. */
int uids_take(struct uids *uids, unsigned *ret_slot);

/* Only for a slot whose processes are proven gone (its cgroups were removed). */
void uids_give(struct uids *uids, unsigned slot);

static inline uid_t uids_cell(unsigned slot)
{
	return UIDS_CELL_BASE + slot;
}

static inline uid_t uids_relay(unsigned slot)
{
	return UIDS_RELAY_BASE + slot;
}

#endif
