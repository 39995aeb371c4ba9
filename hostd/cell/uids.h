/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots, and the two uids that follow from one: the cell's and its relay's. A slot is handed
 * out again only after all others were, and only if nothing of its uids is left: no process, no
 * System V object, no file on the data disk. What was in the cell's own namespaces and memory file
 * systems ended with them, or cell_free said so and the slot stays taken; nobody outside a cell
 * takes a descriptor from it, so that no open file of it outlives its processes and the relay.
 */
#ifndef ANCHORHOLD_CELL_UIDS_H
#define ANCHORHOLD_CELL_UIDS_H

#include "hostd/cell/cell.h"

#define UIDS_CELL_BASE 1000000u
#define UIDS_RELAY_BASE 20000u
#define UIDS_INSIDE 1000u /* the one uid, and gid, that exists inside a cell */

struct uids {
	int proc; /* borrowed, a directory descriptor of procfs */
	int disk; /* borrowed, on a file system that accounts its users' files; -1: none */
	unsigned next;
	bool taken[CELL_SLOTS_MAX];
	bool used[CELL_SLOTS_MAX];  /* held once before: look for leftovers first */
};

/*
 * Slots of whose uids anything is there already count as taken for good. `proc` stays the
 * caller's. -errno where it cannot be asked: not to know is not to hand out.
 */
int uids_init(struct uids *uids, int proc);

/* The same for the files of a disk. -ESRCH where its file system does not account for users. */
int uids_disk(struct uids *uids, int disk);

/* Looks again at what is left, after an earlier monitor's cells were ended; the caller then marks
 * those that were not. */
int uids_again(struct uids *uids);
void uids_mark(struct uids *uids, unsigned slot);

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
