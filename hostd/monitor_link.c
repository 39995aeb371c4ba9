/* SPDX-License-Identifier: Apache-2.0 */
/* The link worker: what a new one has to know, and another where one ends. */
#include "hostd/log.h"
#include "hostd/monitor.h"
#include "hostd/role.h"
#include "link/secret.h"

#define LINK_DELAY_MS 100u /* before a lost link is started again; doubles up to */
#define LINK_DELAY_MAX_MS 5000u

static void start(void *ctx);

/* Everything a new link has to know; the keys last, for with them it dials and says HELLO. */
static int brief(struct monitor *monitor)
{
	struct ipc_link_setup setup = {0};
	int r = worker_send(monitor->link, IPC_NODE, &monitor->node, -1);

	if (r < 0)
		return r;
	dead_brief(monitor);
	for (uint32_t i = 0; i < LINK_KERNELS_MAX; i++) {
		struct kernel *kernel = monitor->kernels[i];

		if (!kernel)
			continue;
		kernel_publish(kernel);
		r = relay_connect(kernel);
		if (r < 0)
			log_error(r, "stream");
	}
	events_brief(monitor);
	r = identity_setup(monitor, &setup);
	if (r == 0)
		r = worker_send(monitor->link, IPC_LINK_SETUP, &setup, -1);
	secret_wipe(&setup, sizeof(setup));
	return r;
}

static void gone(void *owner, struct worker *worker)
{
	struct monitor *monitor = owner;

	worker_free(worker);
	monitor->link = NULL;
	monitor->gateways_up = 0;
	if (monitor->stopping)
		return;
	monitor_event(monitor, NULL, "link.lost", "the link ended and is started again");
	loop_timer_start(monitor->loop, &monitor->link_timer, monitor->link_delay_ms, start,
			 monitor);
	monitor->link_delay_ms = monitor->link_delay_ms * 2 < LINK_DELAY_MAX_MS
					 ? monitor->link_delay_ms * 2
					 : LINK_DELAY_MAX_MS;
}

static void start(void *ctx)
{
	struct monitor *monitor = ctx;
	const struct worker_spec spec = {
		.role = WORKER_LINK,
		.who = "link",
		.uid = ROLE_LINK_UID,
		.cgroup_fd = monitor->link_cgroup,
		.root_fd = -1,
		.filter_fd = monitor->link_filter,
		.message = monitor_message,
		.gone = gone,
		.owner = monitor,
	};
	int r = worker_new(monitor->loop, monitor->paths->program, &spec, &monitor->message,
			   &monitor->link);

	if (r == 0)
		r = brief(monitor);
	if (r == 0)
		return;
	log_error(r, "link");
	if (monitor->link)
		worker_end(monitor->link, "it could not be set up");
	else
		loop_timer_start(monitor->loop, &monitor->link_timer, LINK_DELAY_MAX_MS, start,
				 monitor);
}

void link_worker_steady(struct monitor *monitor)
{
	monitor->link_delay_ms = LINK_DELAY_MS;
}

void link_worker_start(struct monitor *monitor)
{
	monitor->link_delay_ms = LINK_DELAY_MS;
	start(monitor);
}
