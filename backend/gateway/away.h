/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where clients that went away were: what they are proven to have, and the requests they still
 * wait for, kept for AWAY_MS until the client comes again under the same number. The node knows
 * the first too, but not what was proven while the link to it was down. At most AWAY_MAX sessions.
 */
#ifndef ANCHORHOLD_GATEWAY_AWAY_H
#define ANCHORHOLD_GATEWAY_AWAY_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/gateway/inflight.h"

#define AWAY_MAX 4096u
#define AWAY_MS 300000u

struct away;

struct away_rest {
	struct inflight *inflight;
	uint64_t acked; /* in the log of this life of its kernel; 0: nothing */
	unsigned life;
};

struct away *away_new(void); /* NULL: no memory */
void away_free(struct away *away);

/* Takes rest->inflight over. */
void away_put(struct away *away, uint64_t session, const struct away_rest *rest, uint64_t now_ms);

/* False: nothing is kept of it. rest->inflight is the caller's now. */
bool away_take(struct away *away, uint64_t session, struct away_rest *ret_rest);

/* Forgets what nobody came for. */
void away_sweep(struct away *away, uint64_t now_ms);

#endif
