/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/state.h"

#include <stddef.h>
#include <string.h>

#include "hostd/memfile.h"
#include "hostd/worker.h"
#include "link/secret.h"

#define COPIES 2u

struct copy {
	uint64_t number; /* of the write; 0: empty or being written */
	uint64_t sum;	 /* of number and record */
	struct state_record record;
};

struct state_file {
	struct memfile_head head;
	struct copy copies[LINK_KERNELS_MAX][COPIES];
};

static const struct memfile_head head = {
	.magic = 0x7473686461636e61ull,
	.version = STATE_VERSION,
	.row_size = sizeof(struct state_record),
};

/* FNV-1a: against a write that was cut short, not against an enemy. */
static uint64_t sum(uint64_t number, const struct state_record *record)
{
	const uint8_t *bytes = (const uint8_t *)record;
	uint64_t hash = 0xcbf29ce484222325ull ^ number;

	for (size_t i = 0; i < sizeof(*record); i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ull;
	return hash;
}

/* ---- the file ---- */

int state_new(struct state *ret_state)
{
	void *at;
	int r;

	*ret_state = (struct state){.fd = -1};
	r = memfile_new("state", &head, sizeof(struct state_file), &ret_state->fd, &at);
	if (r == 0)
		ret_state->file = at;
	return r;
}

int state_open(int fd, struct state *ret_state)
{
	void *at;
	int r = memfile_open(fd, &head, sizeof(struct state_file), &at);

	*ret_state = (struct state){.fd = -1};
	if (r == 0)
		*ret_state = (struct state){.fd = fd, .file = at};
	return r;
}

void state_close(struct state *state)
{
	if (state->fd >= 0)
		memfile_close(state->fd, state->file, sizeof(*state->file));
	*state = (struct state){.fd = -1};
}

/* ---- records ---- */

static bool whole(const struct copy *copy)
{
	return copy->number != 0 && copy->sum == sum(copy->number, &copy->record);
}

static const struct copy *newest(const struct copy copies[COPIES])
{
	const struct copy *best = NULL;

	for (unsigned i = 0; i < COPIES; i++)
		if (whole(&copies[i]) && (!best || copies[i].number > best->number))
			best = &copies[i];
	return best;
}

/* The older of the two is written, and counts from the last store on. */
void state_write(struct state *state, uint32_t index, const struct state_record *record)
{
	struct copy *copies = state->file->copies[index];
	struct copy *copy = copies[0].number <= copies[1].number ? &copies[0] : &copies[1];
	uint64_t number =
		(copies[0].number > copies[1].number ? copies[0].number : copies[1].number) + 1;

	__atomic_store_n(&copy->number, 0, __ATOMIC_SEQ_CST);
	memcpy(&copy->record, record, sizeof(*record));
	copy->sum = sum(number, &copy->record);
	__atomic_store_n(&copy->number, number, __ATOMIC_SEQ_CST);
}

/* Both numbers before either record: else the older would count again. */
void state_clear(struct state *state, uint32_t index)
{
	struct copy *copies = state->file->copies[index];
	bool first = copies[0].number <= copies[1].number;

	if (copies[0].number == 0 && copies[1].number == 0)
		return;
	__atomic_store_n(&copies[first ? 0 : 1].number, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&copies[first ? 1 : 0].number, 0, __ATOMIC_SEQ_CST);
	secret_wipe(copies, COPIES * sizeof(*copies));
}

bool state_read(const struct state *state, uint32_t index, struct state_record *ret_record)
{
	const struct copy *copy = newest(state->file->copies[index]);

	if (copy)
		*ret_record = copy->record;
	return copy != NULL;
}

/* ---- what is in range ---- */

static bool name_ok(const char *name, size_t size)
{
	return memchr(name, '\0', size) != NULL;
}

static bool key_ok(const char key[IPC_HMAC_LEN + 1])
{
	for (size_t i = 0; i < IPC_HMAC_LEN; i++)
		if (key[i] == '\0' || !strchr("0123456789abcdef", key[i]))
			return false;
	return key[IPC_HMAC_LEN] == '\0';
}

const char *state_problem(const struct state_record *record)
{
	const struct link_start *limits = &record->limits;

	if (!name_ok(limits->environment, sizeof(limits->environment)) ||
	    !name_ok(limits->project, sizeof(limits->project)))
		return "a name without an end";
	if (link_start_problem(limits) || limits->network > LINK_NET_EGRESS ||
	    link_egress_problem(&limits->egress))
		return "limits out of range";
	if (record->incarnation == 0 || record->state < LINK_KERNEL_STARTING ||
	    record->state > LINK_KERNEL_DEAD || record->reason > LINK_WHY_STALLED ||
	    record->goal > STATE_GOAL_STOP)
		return "a state that there is not";
	if (record->relay != 0 && record->relay != WORKER_OPEN && record->relay != WORKER_READY &&
	    record->relay != WORKER_DYING)
		return "a relay's phase that there is not";
	if ((record->state == LINK_KERNEL_DEAD) == (record->runs != 0))
		return "a dead kernel that runs, or a living one that does not";
	if (!key_ok(record->key))
		return "no message key";
	if (record->owed_gateway >= IPC_GATEWAYS_MAX)
		return "owed to a gateway that there is not";
	if (record->cell.slot >= CELL_SLOTS_MAX)
		return "no slot";
	return NULL;
}
