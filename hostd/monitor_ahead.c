/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cells and relays that wait before anybody asks: node.conf's kernels_ahead of them, each like a
 * kernel that was started lately. One fits only what it was made for, the project and its policy
 * included, so that nothing of one project is ever another's; and it is given away once.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "hostd/log.h"
#include "hostd/monitor.h"
#include "hostd/status.h"

/* What else must be free than what the environment asks for: the next kernel comes first. */
#define ROOM_MIB 64u

static void take_out(struct monitor *monitor, const struct kernel *kernel)
{
	size_t kept = 0;

	for (size_t i = 0; i < MONITOR_AHEAD_MAX; i++)
		if (monitor->ahead[i] && monitor->ahead[i] != kernel)
			monitor->ahead[kept++] = monitor->ahead[i];
	while (kept < MONITOR_AHEAD_MAX)
		monitor->ahead[kept++] = NULL;
}

void ahead_lost(struct kernel *kernel)
{
	take_out(kernel->monitor, kernel);
	kernel_forget(kernel);
}

static void on_end(void *ctx, uint32_t events)
{
	struct kernel *kernel = ctx;

	log_info("a cell that waited has ended");
	ahead_lost(kernel);
}

/* Nobody has told it anything yet, so that it has nothing to say. */
static int on_message(void *owner, struct worker *worker, struct ipc_message *message)
{
	return -EPROTO;
}

static int make(struct kernel *kernel)
{
	struct cell_error error = {0};
	struct egress_policy egress;
	struct cell_spec spec;
	int r = kernel_describe(kernel, &egress, &spec, &error);

	if (r == 0)
		r = cell_new(kernel->monitor->cells, &spec, &kernel->cell, &error);
	if (r == 0)
		r = cell_prepare(kernel->cell, &error);
	if (r == 0)
		r = loop_watch(kernel->monitor->loop, cell_pidfd(kernel->cell), EPOLLIN, on_end,
			       kernel);
	if (r == 0)
		r = relay_make(kernel);
	if (r < 0)
		log_error(r, "a cell ahead: %s", error.step);
	else
		kernel->relay->spec.message = on_message;
	return r;
}

static bool has_room(const struct kernel *kernel)
{
	struct link_status status;

	status_read(&status);
	return status.memory_available_mib >= kernel->environment->manifest.memory_min_mib + ROOM_MIB;
}

/* The one that was waited longest for goes where there is no more place. */
static void prepare_next(void *ctx)
{
	struct monitor *monitor = ctx;
	struct kernel *kernel = monitor->ahead_model;
	size_t count = 0;

	monitor->ahead_model = NULL;
	while (count < MONITOR_AHEAD_MAX && monitor->ahead[count])
		count++;
	if (count > 0 && count >= monitor->conf.kernels_ahead) {
		ahead_lost(monitor->ahead[0]);
		count--;
	}
	monitor->ahead[count] = kernel;
	if (!has_room(kernel) || make(kernel) < 0)
		ahead_lost(kernel);
}

/* Is one there already that a kernel like this one could have? */
static bool waits(const struct monitor *monitor, const struct kernel *kernel)
{
	for (size_t i = 0; i < MONITOR_AHEAD_MAX && monitor->ahead[i]; i++) {
		const struct kernel *other = monitor->ahead[i];

		/* Padding can only make equal limits look different: then one cell more waits. */
		/* NOLINTBEGIN(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
		if (other->environment == kernel->environment &&
		    strcmp(other->project, kernel->project) == 0 &&
		    memcmp(&other->limits, &kernel->limits, sizeof(kernel->limits)) == 0)
		/* NOLINTEND(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
			return true;
	}
	return false;
}

void ahead_like(const struct kernel *kernel)
{
	struct monitor *monitor = kernel->monitor;
	uint8_t id[LINK_ID_LEN];

	if (monitor->conf.kernels_ahead == 0 || kernel->limits.network == LINK_NET_EGRESS ||
	    waits(monitor, kernel))
		return;
	free(monitor->ahead_model);
	/* Its cgroup is named by it, and nothing else of it. */
	randombytes_buf(id, sizeof(id));
	monitor->ahead_model = kernel_new(monitor, id, &kernel->limits, kernel->environment);
	if (!monitor->ahead_model)
		return;
	monitor->ahead_model->ahead = true;
	loop_timer_start(monitor->loop, &monitor->ahead_timer, MONITOR_AHEAD_MS, prepare_next,
			 monitor);
}

bool ahead_take(struct kernel *kernel, const struct cell_spec *spec)
{
	struct monitor *monitor = kernel->monitor;
	struct kernel *found = NULL;
	struct cell_error error = {0};

	for (size_t i = 0; !found && i < MONITOR_AHEAD_MAX && monitor->ahead[i]; i++)
		if (cell_fits(monitor->ahead[i]->cell, spec))
			found = monitor->ahead[i];
	if (!found)
		return false;
	loop_unwatch(monitor->loop, cell_pidfd(found->cell));
	if (cell_assign(found->cell, &spec->limits, &error) < 0) {
		log_error(error.error, "a cell ahead: %s", error.step);
		ahead_lost(found);
		return false;
	}
	kernel->cell = found->cell;
	kernel->relay = found->relay;
	kernel->relay->spec.owner = kernel;
	kernel->relay->spec.message = monitor_message;
	found->cell = NULL;
	found->relay = NULL;
	ahead_lost(found);
	return true;
}

void ahead_drop(struct monitor *monitor)
{
	loop_timer_stop(monitor->loop, &monitor->ahead_timer);
	free(monitor->ahead_model);
	monitor->ahead_model = NULL;
	while (monitor->ahead[0])
		ahead_lost(monitor->ahead[0]);
}
