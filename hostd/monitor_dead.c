/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dead kernels whose relays wait for readers that have not got their last output: for a minute, and
 * so many at most. Whoever wants their room has it. And how those ended that are gone: a link that
 * knew may die before a gateway is there to be told.
 */
#include "hostd/log.h"
#include "hostd/monitor.h"

#define DEATHS "deaths"

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

/* ---- those that are gone ---- */

void dead_open(struct monitor *monitor)
{
	int fd = -1;
	int r = store_take(&monitor->store, DEATHS, &fd, 1);

	if (r == 0)
		r = deaths_open(fd, &monitor->deaths);
	if (r == 0)
		return;
	r = deaths_new(&monitor->deaths);
	if (r == 0)
		r = store_put(&monitor->store, DEATHS, &monitor->deaths.fd, 1);
	if (r < 0)
		log_error(r, "how kernels end will not outlive this monitor");
}

void dead_note(struct monitor *monitor, const struct ipc_kernel *kernel)
{
	if (kernel->kernel.state == LINK_KERNEL_DEAD)
		deaths_note(&monitor->deaths, kernel, monitor->gateways_up ? loop_now_ms() : 0);
	else
		deaths_forget(&monitor->deaths, kernel->kernel.kernel_id);
}

void dead_brief(struct monitor *monitor)
{
	struct ipc_kernel kernel;
	uint32_t at = 0;

	while (deaths_next(&monitor->deaths, &at, &kernel))
		monitor_tell(monitor, IPC_KERNEL, &kernel, -1);
}
