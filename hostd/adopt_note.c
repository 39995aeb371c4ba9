/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the next monitor will need, noted as this one goes along: at the end of each turn of the loop
 * for the kernels that were touched in it, and at once before what cannot be taken back. Descriptors
 * go to init under names that say whose they are; a kernel is there for the next monitor once its
 * record is, which comes after its descriptors and goes before them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hostd/adopt.h"
#include "hostd/log.h"
#include "link/secret.h"

#define DROPPED 0u

void adopt_cell_name(char ret[FDSTORE_NAME_MAX], uint32_t place, uint32_t incarnation)
{
	snprintf(ret, FDSTORE_NAME_MAX, "c%u.%u", place, incarnation);
}

void adopt_relay_name(char ret[FDSTORE_NAME_MAX], uint32_t place, uint32_t generation)
{
	snprintf(ret, FDSTORE_NAME_MAX, "r%u.%u", place, generation);
}

/* ---- the record ---- */

static void note_watch(const struct kernel *kernel, struct state_record *record)
{
	record->watch = kernel->watch.known;
	record->grace_ms = kernel->watch.grace.set ? kernel->watch.grace.deadline_ms : 0;
	record->rate = kernel->traffic.rate;
	record->quota = kernel->traffic.quota;
	record->refused = kernel->traffic.refused;
	record->traffic = kernel->traffic.seen;
	record->watched = kernel->watched;
}

_Static_assert(GOAL_STOP == STATE_GOAL_STOP, "the last goal");

static void describe(const struct kernel *kernel, struct state_record *record, int cell_fds[2])
{
	memset(record, 0, sizeof(*record));
	memcpy(record->id, kernel->id, LINK_ID_LEN);
	record->limits = kernel->limits;
	record->incarnation = kernel->incarnation;
	record->generation = kernel->generation;
	record->state = (uint8_t)kernel->state;
	record->goal = (uint8_t)kernel->goal;
	record->reason = (uint8_t)kernel->reason;
	record->published = kernel->published;
	record->proven = kernel->proven;
	record->status = kernel->status;
	memcpy(record->key, kernel->key.hex, sizeof(record->key));
	record->owed = kernel->owed.set;
	record->owed_gateway = kernel->owed.gateway;
	record->owed_id = kernel->owed.id;
	record->lost_since_ms = kernel->lost_since_ms;
	record->lost_count = kernel->lost_count;
	record->started_ms = kernel->started_ms;
	record->timer_ms = kernel->timer.set ? kernel->timer.deadline_ms : 0;
	note_watch(kernel, record);
	cell_write_note(kernel->cell, &record->cell, cell_fds);
	record->runs = cell_fds[0] >= 0;
	record->relay = kernel->relay && kernel->relay->pid ? (uint8_t)kernel->relay->phase : 0;
}

/* ---- its descriptors ---- */

static void keep(struct kernel *kernel, const char *name, const int *fds, size_t count)
{
	int r = store_put(&kernel->monitor->store, name, fds, count);

	if (r < 0)
		log_error(r, "to be kept: %s", name);
}

/* Under the new name first: what has none for a moment would end with this monitor. */
static void keep_cell(struct kernel *kernel, const int fds[2])
{
	uint32_t had = kernel->kept.incarnation;
	uint32_t now = fds[0] >= 0 ? kernel->incarnation : DROPPED;
	char name[FDSTORE_NAME_MAX];

	if (had == now)
		return;
	kernel->kept.incarnation = now;
	if (now != DROPPED) {
		adopt_cell_name(name, kernel->place, now);
		keep(kernel, name, fds, 2);
	}
}

static void keep_relay(struct kernel *kernel)
{
	bool runs = kernel->relay && kernel->relay->pid;
	uint32_t now = runs ? kernel->generation + 1 : DROPPED;
	char name[FDSTORE_NAME_MAX];
	int fds[WORKER_FDS];

	if (kernel->kept.generation == now)
		return;
	kernel->kept.generation = now;
	if (runs) {
		worker_fds(kernel->relay, fds);
		adopt_relay_name(name, kernel->place, kernel->generation);
		keep(kernel, name, fds, WORKER_FDS);
	}
}

/* What was kept before and is not any more. */
static void drop_old(struct kernel *kernel, const struct kernel_kept *had)
{
	struct store *store = &kernel->monitor->store;
	char name[FDSTORE_NAME_MAX];

	if (had->incarnation != DROPPED && had->incarnation != kernel->kept.incarnation) {
		adopt_cell_name(name, kernel->place, had->incarnation);
		(void)store_drop(store, name);
	}
	if (had->generation != DROPPED && had->generation != kernel->kept.generation) {
		adopt_relay_name(name, kernel->place, had->generation - 1);
		(void)store_drop(store, name);
	}
}

void adopt_note(struct kernel *kernel)
{
	struct monitor *monitor = kernel->monitor;
	const struct kernel_kept had = kernel->kept;
	struct state_record record;
	int cell_fds[2];

	kernel->touched = false;
	if (monitor->state.fd < 0 || kernel->ahead || !kernel->cell ||
	    monitor->kernels[kernel->place] != kernel)
		return;
	describe(kernel, &record, cell_fds);
	keep_cell(kernel, cell_fds);
	keep_relay(kernel);
	state_write(&monitor->state, kernel->place, &record);
	drop_old(kernel, &had);
	secret_wipe(&record, sizeof(record));
}

void adopt_touch(struct kernel *kernel)
{
	kernel->touched = kernel->monitor->touched = true;
}

void adopt_turn(void *ctx)
{
	struct monitor *monitor = ctx;

	if (!monitor->touched)
		return;
	monitor->touched = false;
	for (uint32_t i = 0; i < LINK_KERNELS_MAX; i++)
		if (monitor->kernels[i] && monitor->kernels[i]->touched)
			adopt_note(monitor->kernels[i]);
}

void adopt_forget(struct kernel *kernel)
{
	struct monitor *monitor = kernel->monitor;
	const struct kernel_kept had = kernel->kept;

	if (monitor->state.fd < 0 || monitor->kernels[kernel->place] != kernel)
		return;
	state_clear(&monitor->state, kernel->place);
	kernel->kept = (struct kernel_kept){0};
	drop_old(kernel, &had);
}
