/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/refused.h"

void refused_add(struct refused *refused, uint32_t count, uint64_t unix_ms)
{
	if (refused->untold == 0)
		refused->first_ms = unix_ms;
	refused->last_ms = unix_ms;
	refused->untold += count;
}

bool refused_is_due(const struct refused *refused, uint64_t now_ms, uint64_t acked)
{
	if (refused->untold == 0 || refused->told_ms == 0)
		return refused->untold > 0;
	return acked >= refused->seq && now_ms - refused->told_ms >= REFUSED_AGAIN_MS;
}

void refused_told(struct refused *refused, uint64_t now_ms, uint64_t seq)
{
	refused->untold = 0;
	refused->told_ms = now_ms;
	refused->seq = seq;
}
