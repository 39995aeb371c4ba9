/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/denials.h"

static bool same(const struct audit_denial *a, const struct audit_denial *b)
{
	return a->arch == b->arch && a->call == b->call && a->signal == b->signal;
}

void denials_add(struct denials *denials, const struct audit_denial *denial)
{
	unsigned i = 0;

	while (i < denials->count && !same(&denials->rows[i].what, denial))
		i++;
	if (i == DENIALS_CALLS)
		i--;
	if (i == denials->count)
		denials->rows[denials->count++] = (struct denials_row){.what = *denial};
	if (denials->rows[i].untold < UINT32_MAX)
		denials->rows[i].untold++;
}

bool denials_next(struct denials *denials, uint64_t now_ms, struct audit_denial *ret_denial,
		  uint32_t *ret_count)
{
	if (now_ms - denials->window_ms >= DENIALS_AGAIN_MS) {
		denials->window_ms = now_ms;
		denials->events = 0;
	}
	for (unsigned i = 0; i < denials->count && denials->events < DENIALS_EVENTS; i++) {
		struct denials_row *row = &denials->rows[i];

		if (row->untold == 0 ||
		    (row->told_ms > 0 && now_ms - row->told_ms < DENIALS_AGAIN_MS))
			continue;
		*ret_denial = row->what;
		*ret_count = row->untold;
		row->untold = 0;
		row->told_ms = now_ms;
		denials->events++;
		return true;
	}
	return false;
}
