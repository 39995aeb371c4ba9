/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One cell's refused calls, counted, and which of them are due to be told: a call once, and again
 * at most every DENIALS_AGAIN_MS; of one cell at most DENIALS_EVENTS in so long, whatever it
 * tries. What is not told yet is in the next count. No I/O; times are the caller's.
 */
#ifndef ANCHORHOLD_HOSTD_DENIALS_H
#define ANCHORHOLD_HOSTD_DENIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "hostd/audit.h"

#define DENIALS_AGAIN_MS 10000u
#define DENIALS_EVENTS 16u
#define DENIALS_CALLS 64u /* different ones that are told apart; the rest counts as the last */

struct denials {
	unsigned count;
	struct denials_row {
		struct audit_denial what; /* uid unused */
		uint32_t untold;
		uint64_t told_ms; /* 0: never */
	} rows[DENIALS_CALLS];
	uint64_t window_ms; /* since when events are counted */
	unsigned events;
};

void denials_add(struct denials *denials, const struct audit_denial *denial);

/* One that is due now and how often it was refused since it was last told; false: none is. */
bool denials_next(struct denials *denials, uint64_t now_ms, struct audit_denial *ret_denial,
		  uint32_t *ret_count);

#endif
