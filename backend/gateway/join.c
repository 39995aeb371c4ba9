/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/join.h"

#include <errno.h>

static bool is_good(const struct join *join, uint64_t counter, bool tag_ok)
{
	if (join->open)
		return true;
	if (counter == 0)
		return join->current == 0;
	return tag_ok && (counter == join->current || counter == join->pending ||
			  counter > join->issued);
}

int join_present(struct join *join, uint64_t counter, bool tag_ok)
{
	if (join->locked)
		return -EPERM;
	/* The store's numbers are signed; none is ever near that. */
	if (!is_good(join, counter, tag_ok) || counter >= INT64_MAX) {
		join->locked = true;
		return -ESTALE;
	}
	/* What it shows it has stored: whatever was good besides is not any more. */
	if (tag_ok || counter == 0)
		join->current = counter;
	if (tag_ok && counter > join->issued)
		join->issued = counter;
	join->pending = ++join->issued;
	return 0;
}

bool join_ack(struct join *join, uint64_t counter)
{
	if (counter == 0 || counter != join->pending)
		return false;
	join->current = counter;
	join->pending = 0;
	join->open = false;
	return true;
}
