/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the monitor knows of each kernel, in a memory file that outlives it (hostd/store.h): the
 * next monitor goes on from there. Plain data of fixed size; both are the same program, and a file
 * of another version or size is not read at all. A record is written in two places in turn, each
 * under a checksum, so that a monitor that is killed while it writes leaves the one before.
 *
 * It has the kernels' message keys: nobody but the monitor has the file open, init but keeps it,
 * and what is cleared is wiped.
 */
#ifndef ANCHORHOLD_HOSTD_STATE_H
#define ANCHORHOLD_HOSTD_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "hostd/cell/cell.h"
#include "hostd/edge.h"
#include "hostd/ipc.h"
#include "link/wire.h"

#define STATE_VERSION 2u
#define STATE_GOAL_STOP 2u /* enum kernel_goal: run, restart, stop */

enum limit { LIMIT_MEMORY, LIMIT_PIDS, LIMIT_CPU, LIMIT_IO, LIMIT_OUTPUT, LIMIT_WORKSPACE, LIMITS };

/* Times are milliseconds of CLOCK_BOOTTIME, 0 where there is none. */

/* What was seen of a kernel's use of its limits, as the monitor goes by (monitor_watch.c). */
struct watch_record {
	struct cell_usage seen; /* at the last look at each part */
	struct edge edges[LIMITS];
	uint64_t idle_since_ms;
	uint64_t idle_mark_ms; /* the last look at idleness, and the CPU used until then */
	uint64_t idle_mark_usec;
	struct ipc_relay_output output, output_lost; /* of this relay, of those before it */
};

struct state_record {
	uint8_t id[LINK_ID_LEN];
	struct link_start limits; /* complete: project, environment, network as they are now */
	uint32_t incarnation, generation;
	uint8_t state, goal, reason;
	uint8_t published, proven, watched;
	uint8_t runs;  /* its cell's process has not been reaped */
	uint8_t relay; /* enum worker_phase; 0: none runs */
	int32_t status;
	char key[IPC_HMAC_LEN + 1];
	uint8_t owed;
	uint32_t owed_gateway;
	uint64_t owed_id;
	uint64_t lost_since_ms;
	uint32_t lost_count;
	uint64_t started_ms, timer_ms, grace_ms;
	struct watch_record watch;
	struct egress_traffic traffic;
	struct edge rate, quota, refused; /* of its traffic */
	struct cell_note cell;
};

struct state_file;

struct state {
	int fd; /* -1: none */
	struct state_file *file;
};

/* A new file without records, *ret_state's to close. */
int state_new(struct state *ret_state);

/* Another monitor's; takes fd. -EPROTO where it is none of this version and size. */
int state_open(int fd, struct state *ret_state);
void state_close(struct state *state);

/* index is below LINK_KERNELS_MAX. */
void state_write(struct state *state, uint32_t index, const struct state_record *record);
void state_clear(struct state *state, uint32_t index);

/* False: there is none, or none that is whole. */
bool state_read(const struct state *state, uint32_t index, struct state_record *ret_record);

/* What of it no monitor would have written; NULL: nothing. */
const char *state_problem(const struct state_record *record);

#endif
