/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "hostd/log.h"
#include "link/secret.h"

#define STATE "state"
#define KEEPER "keeper"
#define NEW_TRIES 6u /* of some seconds each, where a cell does not end */

/* ---- what was left ---- */

void adopt_open(struct monitor *monitor)
{
	const char *where = monitor->paths->cgroups ? getenv(FDSTORE_ENV) : NULL;
	int r = store_open(&monitor->store, where);
	int fd = -1;

	monitor->state.fd = -1;
	dead_open(monitor);
	if (r < 0)
		log_error(r, FDSTORE_ENV "=%s", where);
	if (r < 0 || !where)
		return;
	r = store_take(&monitor->store, STATE, &fd, 1);
	if (r == 0) {
		r = state_open(fd, &monitor->state);
		if (r < 0)
			log_error(r, "the last monitor's state");
	}
	if (r < 0) {
		r = state_new(&monitor->state);
		if (r == 0)
			r = store_put(&monitor->store, STATE, &monitor->state.fd, 1);
	}
	if (r < 0)
		log_error(r, "kernels will not outlive this monitor");
}

/* Without its file nothing that was left can be told from anything else. */
static void state_empty(struct monitor *monitor)
{
	for (uint32_t i = 0; monitor->state.fd >= 0 && i < LINK_KERNELS_MAX; i++)
		state_clear(&monitor->state, i);
}

int adopt_cells(struct monitor *monitor, struct cell_error *ret_error)
{
	unsigned lacking = monitor->paths->lacking;
	int keeper = -1;
	int r = store_take(&monitor->store, KEEPER, &keeper, 1);

	if (r == 0) {
		r = cell_host_resume(monitor->cells_fd, lacking, keeper, &monitor->cells,
				     ret_error);
		close(keeper);
		if (r < 0)
			log_error(r, "what was left: %s", ret_error->step);
	}
	if (r == 0)
		return 0;
	state_empty(monitor);
	/* What was left and cannot be had may take its time to end: a node without cells is no node. */
	for (unsigned i = 0; i < NEW_TRIES && (i == 0 || r == -EBUSY); i++)
		r = cell_host_new(monitor->cells_fd, lacking, &monitor->cells, ret_error);
	if (r < 0)
		return r;
	keeper = cell_host_keeper(monitor->cells);
	if (keeper >= 0 && store_put(&monitor->store, KEEPER, &keeper, 1) < 0)
		log_info("the cells' mounts will not outlive this monitor");
	return 0;
}

/* ---- one kernel ---- */

static void resume_watch(struct kernel *kernel, const struct state_record *record)
{
	kernel->watch.known = record->watch;
	kernel->traffic.rate = record->rate;
	kernel->traffic.quota = record->quota;
	kernel->traffic.refused = record->refused;
	kernel->traffic.seen = record->traffic;
	kernel->traffic.seen_ms = loop_now_ms();
	kernel->watched = record->watched;
}

static void resume(struct kernel *kernel, const struct state_record *record)
{
	kernel->incarnation = record->incarnation;
	kernel->generation = record->generation;
	kernel->state = (enum link_kernel_state)record->state;
	kernel->goal = (enum kernel_goal)record->goal;
	kernel->reason = (enum link_reason)record->reason;
	kernel->published = record->published;
	kernel->proven = record->proven;
	kernel->status = record->status;
	memcpy(kernel->key.hex, record->key, sizeof(kernel->key.hex));
	kernel->owed = (struct owed){record->owed, record->owed_gateway, record->owed_id};
	kernel->lost_since_ms = record->lost_since_ms;
	kernel->lost_count = record->lost_count;
	kernel->started_ms = record->started_ms;
	resume_watch(kernel, record);
}

static int take_cell(struct kernel *kernel, const struct state_record *record,
		     struct cell_error *ret_error)
{
	struct monitor *monitor = kernel->monitor;
	struct egress_policy egress;
	struct cell_spec spec;
	char name[FDSTORE_NAME_MAX];
	int fds[2] = {-1, -1};
	int r = kernel_describe(kernel, &egress, &spec, ret_error);

	if (r < 0)
		return r;
	adopt_cell_name(name, kernel->place, record->incarnation);
	if (record->runs && store_take(&monitor->store, name, fds, 2) < 0) {
		snprintf(ret_error->step, sizeof(ret_error->step), "adopt: descriptors");
		ret_error->error = ENOENT;
		return -ENOENT;
	}
	r = cell_adopt(monitor->cells, &spec, &record->cell, fds, &kernel->cell, ret_error);
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (r == 0 && record->runs)
		kernel->kept.incarnation = record->incarnation;
	return r;
}

/* A relay without its descriptors ends by itself, for nobody holds the other end of its pair. */
static int take_relay(struct kernel *kernel, const struct state_record *record,
		      struct cell_error *ret_error)
{
	char name[FDSTORE_NAME_MAX];
	int fds[WORKER_FDS];
	int r = 0;

	adopt_relay_name(name, kernel->place, record->generation);
	if (record->relay && store_take(&kernel->monitor->store, name, fds, WORKER_FDS) == 0) {
		r = cell_clear_relays(kernel->cell, fds[1], ret_error);
		if (r == 0)
			r = relay_adopt(kernel, fds, (enum worker_phase)record->relay);
		kernel->kept.generation = record->generation + 1;
		return r;
	}
	return cell_clear_relays(kernel->cell, -1, ret_error);
}

static int take(struct monitor *monitor, uint32_t place, const struct state_record *record,
		struct cell_error *ret_error)
{
	const struct environment *environment =
		environment_find(&monitor->environments, record->limits.environment);
	struct kernel *kernel;
	int r;

	snprintf(ret_error->step, sizeof(ret_error->step), "adopt: environment");
	ret_error->error = ENOENT;
	if (!environment || kernel_find(monitor, record->id))
		return -ENOENT;
	kernel = kernel_new(monitor, record->id, &record->limits, environment);
	if (!kernel)
		return -ENOMEM;
	kernel->place = place;
	resume(kernel, record);
	r = take_cell(kernel, record, ret_error);
	if (r == 0)
		r = take_relay(kernel, record, ret_error);
	if (r < 0) {
		kernel_forget(kernel);
		return r;
	}
	monitor->kernels[place] = kernel;
	monitor->kernels_count++;
	return 0;
}

/* ---- all of them ---- */

static void take_all(struct monitor *monitor)
{
	struct state_record record;
	struct cell_error error = {0};
	uint32_t lost = 0;

	for (uint32_t i = 0; i < LINK_KERNELS_MAX; i++) {
		const char *problem;
		int r;

		if (!state_read(&monitor->state, i, &record))
			continue;
		problem = state_problem(&record);
		r = problem ? -EBADMSG : take(monitor, i, &record, &error);
		if (r == 0)
			continue;
		lost++;
		state_clear(&monitor->state, i);
		log_error(r, "a kernel is not adopted: %s", problem ? problem : error.step);
	}
	secret_wipe(&record, sizeof(record));
	if (monitor->kernels_count > 0 || lost > 0)
		monitor_event(monitor, NULL, "node.adopted",
			      "another monitor ended: %u of its kernels go on, %u are lost",
			      monitor->kernels_count, lost);
}

/* A link that is not gone yet would hold the connection that the next one dials. */
static void end_links(const struct monitor *monitor)
{
	char text[1024];
	int fd = monitor->link_cgroup < 0 ? -1
					  : openat(monitor->link_cgroup, "cgroup.procs",
						   O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return;
	text[n] = '\0';
	for (char *at = text; *at;) {
		long pid = strtol(at, &at, 10);

		if (pid > 1)
			(void)kill((pid_t)pid, SIGKILL);
		at += strspn(at, "\n");
	}
}

static void stable(void *ctx)
{
	struct monitor *monitor = ctx;

	(void)store_stable(&monitor->store);
}

static void go_on(struct monitor *monitor, uint32_t place)
{
	struct state_record record;

	if (state_read(&monitor->state, place, &record))
		kernel_go_on(monitor->kernels[place], &record);
	secret_wipe(&record, sizeof(record));
}

void adopt_kernels(struct monitor *monitor)
{
	struct cell_error error = {0};

	if (monitor->store.socket < 0)
		return;
	end_links(monitor);
	if (monitor->cells && monitor->state.fd >= 0)
		take_all(monitor);
	if (monitor->cells && cell_host_settle(monitor->cells, &error) < 0) {
		log_error(error.error, "%s", error.step);
		monitor_event(monitor, NULL, "cell.left", "%s: %s", error.step,
			      strerror(error.error));
	}
	store_settle(&monitor->store);
	/* Last: each may now end, and what it ends is settled already. */
	for (uint32_t i = 0; i < LINK_KERNELS_MAX; i++)
		if (monitor->kernels[i])
			go_on(monitor, i);
	loop_timer_start(monitor->loop, &monitor->stable_timer, ADOPT_STABLE_MS, stable, monitor);
}

void adopt_close(struct monitor *monitor)
{
	deaths_close(&monitor->deaths);
	state_close(&monitor->state);
	store_close(&monitor->store);
}
