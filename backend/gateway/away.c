/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/away.h"

#include <stdlib.h>

#include "backend/gateway/table.h"

struct kept {
	uint64_t session;
	uint64_t since_ms;
	struct away_rest rest;
};

struct away {
	struct table *kept;
};

struct away *away_new(void)
{
	struct away *away = calloc(1, sizeof(*away));

	if (away != NULL)
		away->kept = table_new();
	if (away != NULL && away->kept == NULL) {
		free(away);
		return NULL;
	}
	return away;
}

static void forget(struct away *away, struct kept *kept)
{
	table_remove(away->kept, &kept->session, sizeof(kept->session));
	inflight_free(kept->rest.inflight);
	free(kept);
}

void away_free(struct away *away)
{
	struct kept *kept;
	size_t cursor = 0;

	if (away == NULL)
		return;
	while ((kept = table_next(away->kept, &cursor)) != NULL)
		forget(away, kept);
	table_free(away->kept);
	free(away);
}

void away_put(struct away *away, uint64_t session, const struct away_rest *rest, uint64_t now_ms)
{
	struct kept *kept = NULL;

	if ((rest->acked > 0 || inflight_count(rest->inflight) > 0) &&
	    table_count(away->kept) < AWAY_MAX)
		kept = calloc(1, sizeof(*kept));
	if (kept != NULL) {
		*kept = (struct kept){.session = session, .since_ms = now_ms, .rest = *rest};
		if (table_put(away->kept, &kept->session, sizeof(kept->session), kept) == 0)
			return;
	}
	inflight_free(rest->inflight);
	free(kept);
}

bool away_take(struct away *away, uint64_t session, struct away_rest *ret_rest)
{
	struct kept *kept = table_get(away->kept, &session, sizeof(session));

	if (kept == NULL)
		return false;
	*ret_rest = kept->rest;
	kept->rest.inflight = NULL;
	forget(away, kept);
	return true;
}

void away_sweep(struct away *away, uint64_t now_ms)
{
	struct kept *kept;
	size_t cursor = 0;

	while ((kept = table_next(away->kept, &cursor)) != NULL)
		if (now_ms - kept->since_ms > AWAY_MS)
			forget(away, kept);
}
