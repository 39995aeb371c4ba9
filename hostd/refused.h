/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was refused of one gateway for one reason, counted, and when it is due to be told: the
 * first at once; what follows as a number, when a gateway has stored the event before and
 * REFUSED_AGAIN_MS are over. So whoever decides how often has one place in the journal, and no
 * more. No I/O; times are the caller's.
 */
#ifndef ANCHORHOLD_HOSTD_REFUSED_H
#define ANCHORHOLD_HOSTD_REFUSED_H

#include <stdbool.h>
#include <stdint.h>

#define REFUSED_AGAIN_MS 30000u

/* Zero-initialised: nothing was. */
struct refused {
	uint64_t untold;
	uint64_t first_ms, last_ms; /* of those, by the clock that people have */
	uint64_t told_ms;	    /* 0: never */
	uint64_t seq;		    /* of the event that told it */
};

void refused_add(struct refused *refused, uint32_t count, uint64_t unix_ms);

/* acked: events up to that number are stored. */
bool refused_is_due(const struct refused *refused, uint64_t now_ms, uint64_t acked);

void refused_told(struct refused *refused, uint64_t now_ms, uint64_t seq);

#endif
