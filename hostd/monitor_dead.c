/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dead kernels whose relays wait for readers that have not got their last output: for a minute, and
 * so many at most. Whoever wants their room has it.
 */
#include "hostd/monitor.h"

/* The one that died first of those that only wait; NULL: there is none. */
static struct kernel *oldest(struct monitor *monitor, unsigned *ret_count)
{
	struct kernel *found = NULL;

	*ret_count = 0;
	for (uint32_t i = 0; i < LINK_KERNELS_MAX; i++) {
		struct kernel *kernel = monitor->kernels[i];

		if (!kernel || kernel->state != LINK_KERNEL_DEAD || !kernel->published)
			continue;
		++*ret_count;
		if (!found || kernel->timer.deadline_ms < found->timer.deadline_ms)
			found = kernel;
	}
	return found;
}

void dead_limit(struct monitor *monitor, unsigned max)
{
	unsigned count;
	struct kernel *kernel;

	while ((kernel = oldest(monitor, &count)) && count > max)
		kernel_remove(kernel);
}

void dead_make_room(struct monitor *monitor)
{
	unsigned count;

	if (oldest(monitor, &count))
		dead_limit(monitor, count - 1);
}
