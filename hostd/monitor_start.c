/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel's start: who is let in, the cell, its process, its relay. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "hostd/cell/util.h"
#include "hostd/adopt.h"
#include "hostd/log.h"
#include "hostd/monitor.h"
#include "hostd/status.h"
#include "link/secret.h"

#define SOCKETS "/run/kernel" /* inside the cell */

static void not_ready(void *ctx)
{
	struct kernel *kernel = ctx;

	adopt_touch(kernel);
	monitor_event(kernel->monitor, kernel, "kernel.start", "not ready after %u s",
		      MONITOR_READY_MS / 1000);
	kernel_kill(kernel, LINK_WHY_START);
}

void kernel_await(struct kernel *kernel, uint64_t delay_ms)
{
	loop_timer_start(kernel->monitor->loop, &kernel->timer, delay_ms, not_ready, kernel);
}

int kernel_spawn(struct kernel *kernel, struct cell_error *ret_error)
{
	struct cell_connection connection = {.incarnation = kernel->incarnation};
	char json[JUPYTER_CONNECTION_MAX];
	char prefix[32];
	uint8_t random[32];
	size_t len = 0;
	int r;

	randombytes_buf(random, sizeof(random));
	jupyter_key_make(random, &kernel->key);
	secret_wipe(random, sizeof(random));
	snprintf(prefix, sizeof(prefix), SOCKETS "/k%u", kernel->incarnation);
	r = jupyter_connection_write(&kernel->key, prefix, kernel->environment->manifest.name,
				     json, sizeof(json), &len);
	if (r < 0)
		return step_fail(ret_error, "connection file", r);
	connection.json = json;
	connection.json_len = len;
	r = cell_spawn(kernel->cell, &connection, ret_error);
	secret_wipe(json, sizeof(json));
	if (r < 0)
		return r;
	kernel->proven = false;
	r = loop_watch(kernel->monitor->loop, cell_pidfd(kernel->cell), EPOLLIN, kernel_ended, kernel);
	kernel_await(kernel, MONITOR_READY_MS);
	return r;
}

int kernel_describe(struct kernel *kernel, struct egress_policy *egress, struct cell_spec *spec,
		    struct cell_error *ret_error)
{
	const struct manifest *manifest = &kernel->environment->manifest;
	int r;

	*spec = (struct cell_spec){.profile = manifest->profile};
	memcpy(spec->id, kernel->id, LINK_ID_LEN);
	snprintf(spec->project, sizeof(spec->project), "%s", kernel->project);
	limits_cell(&kernel->limits, &spec->limits);
	for (size_t i = 0; i < MANIFEST_ARGS_MAX && manifest->argv[i]; i++)
		spec->argv[i] = manifest->argv[i];
	for (size_t i = 0; i < manifest->env_count; i++)
		spec->env[i] = manifest->env[i];
	r = kernel_network(kernel, egress, spec, ret_error);
	if (r == 0)
		r = kernel_environment(kernel, spec, ret_error);
	return r < 0 ? r : kernel_workspace(kernel, spec, ret_error);
}

static int build(struct kernel *kernel, struct cell_error *ret_error)
{
	struct cell_spec spec;
	struct egress_policy egress;
	int r = kernel_describe(kernel, &egress, &spec, ret_error);

	if (r == 0 && !ahead_take(kernel, &spec))
		r = cell_new(kernel->monitor->cells, &spec, &kernel->cell, ret_error);
	if (r == 0)
		r = kernel_spawn(kernel, ret_error);
	if (r < 0)
		return r;
	r = relay_start(kernel);
	return r < 0 ? step_fail(ret_error, "relay", r) : 0;
}

static enum link_code admit(struct monitor *monitor, const uint8_t id[LINK_ID_LEN],
			    const struct link_start *start,
			    const struct environment **ret_environment, uint32_t *ret_slot)
{
	struct link_status status;

	if (monitor->refusing || monitor->stopping)
		return LINK_E_REFUSING;
	if (kernel_find(monitor, id))
		return LINK_E_EXISTS;
	*ret_environment = environment_find(&monitor->environments, start->environment);
	if (!*ret_environment)
		return LINK_E_ENVIRONMENT;
	if (monitor->kernels_count >= monitor->conf.kernels_max)
		dead_make_room(monitor);
	if (monitor->kernels_count >= monitor->conf.kernels_max)
		return LINK_E_CAPACITY;
	status_read(&status);
	if (status.memory_available_mib < (*ret_environment)->manifest.memory_min_mib) {
		ahead_drop(monitor);
		dead_limit(monitor, 0);
		status_read(&status);
	}
	if (status.memory_available_mib < (*ret_environment)->manifest.memory_min_mib)
		return LINK_E_CAPACITY;
	for (*ret_slot = 0; *ret_slot < LINK_KERNELS_MAX; (*ret_slot)++)
		if (!monitor->kernels[*ret_slot])
			return LINK_OK;
	return LINK_E_CAPACITY;
}

struct kernel *kernel_new(struct monitor *monitor, const uint8_t id[LINK_ID_LEN],
			  const struct link_start *start, const struct environment *environment)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));

	if (!kernel)
		return NULL;
	kernel->monitor = monitor;
	memcpy(kernel->id, id, LINK_ID_LEN);
	snprintf(kernel->project, sizeof(kernel->project), "%s", start->project);
	kernel->limits = *start;
	limits_fill(monitor, &kernel->limits);
	kernel->workspace.fd = -1;
	for (int i = 0; i < CELL_NOTICES; i++)
		kernel->watch.notices[i] = -1;
	kernel->environment = environment;
	kernel->incarnation = 1;
	kernel->state = LINK_KERNEL_STARTING;
	return kernel;
}

enum link_code kernel_start(struct monitor *monitor, const uint8_t id[LINK_ID_LEN],
			    const struct link_start *start, struct cell_error *ret_error)
{
	const struct environment *environment;
	struct kernel *kernel;
	uint32_t slot;
	enum link_code code = admit(monitor, id, start, &environment, &slot);

	if (code != LINK_OK)
		return code;
	kernel = kernel_new(monitor, id, start, environment);
	if (!kernel) {
		ret_error->error = ENOMEM;
		return LINK_E_SYSTEM;
	}
	monitor->kernels[slot] = kernel;
	kernel->place = slot;
	if (build(kernel, ret_error) < 0) {
		monitor_event(monitor, kernel, "cell.start", "%s: %s", ret_error->step,
			      strerror(ret_error->error));
		kernel_forget(kernel);
		return LINK_E_SYSTEM;
	}
	monitor->kernels_count++;
	watch_start(kernel);
	network_watch(kernel);
	adopt_note(kernel); /* from here on it is there, whatever its asker hears */
	kernel_publish(kernel);
	ahead_like(kernel);
	return LINK_OK;
}
