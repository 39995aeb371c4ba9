/* SPDX-License-Identifier: Apache-2.0 */
/* How long to wait before something that ended is started again. */
#ifndef ANCHORHOLD_INIT_BACKOFF_H
#define ANCHORHOLD_INIT_BACKOFF_H

#include <stdint.h>

struct backoff {
	uint32_t first_ms, max_ms;
	uint32_t stable_ms; /* what ran so long starts from first_ms again */
	uint32_t next_ms;   /* 0: first_ms */
};

/* The wait after a run of ran_ms; the next one is twice as long, up to max_ms. */
static inline uint32_t backoff_wait(struct backoff *b, uint64_t ran_ms)
{
	uint32_t wait = b->next_ms;

	if (wait == 0 || ran_ms >= b->stable_ms)
		wait = b->first_ms;
	b->next_ms = wait > b->max_ms / 2 ? b->max_ms : wait * 2;
	return wait;
}

#endif
