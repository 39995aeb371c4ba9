/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole cell as the monitor makes and removes it: the same calls in the same order as
 * monitor_start.c, monitor_relay.c and monitor_kernel.c, without the link.
 */
#include "hostd/bench/bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hostd/cell/host.h"
#include "hostd/cell/util.h"
#include "hostd/log.h"
#include "hostd/role.h"
#include "hostd/worker.h"
#include "link/jupyter.h"

#define LIMIT_MS 60000u

struct one {
	struct ours *ours;
	struct cell *cell;
	struct worker *relay;
	bool ended;
	struct cell_exit end;
	struct loop_timer limit;
};

int ours_open(struct ours *ours, int cells)
{
	struct cell_error error = {0};
	int r = loop_new(&ours->loop);

	if (r < 0)
		return r;
	ours->filter = role_filter_compile(&role_policy_relay);
	ours->message = calloc(1, sizeof(*ours->message));
	r = cell_host_new(cells, 0, &ours->host, &error);
	if (r < 0) {
		log_error(r, "%s", error.step);
		return r;
	}
	ours->host->trace = ours->trace;
	return 0;
}

void ours_close(struct ours *ours)
{
	cell_host_free(ours->host);
	loop_free(ours->loop);
	free(ours->message);
}

static int on_message(void *owner, struct worker *worker, struct ipc_message *message)
{
	return 0;
}

static void on_relay_gone(void *owner, struct worker *worker)
{
	struct one *one = owner;

	worker_free(worker);
	one->relay = NULL;
	loop_stop(one->ours->loop);
}

static void on_end(void *ctx, uint32_t events)
{
	struct one *one = ctx;

	loop_unwatch(one->ours->loop, cell_pidfd(one->cell));
	(void)cell_reap(one->cell, &one->end);
	trace_mark(one->ours->trace, "exit reported");
	one->ended = true;
	loop_stop(one->ours->loop);
}

static void on_limit(void *ctx)
{
	loop_stop(((struct one *)ctx)->ours->loop);
}

static int spawn_cell(struct one *one, struct cell_error *ret_error)
{
	struct jupyter_key key;
	char json[JUPYTER_CONNECTION_MAX];
	size_t len = 0;
	struct cell_connection connection = {
		.incarnation = 1,
		.json = json,
		.output_fd = one->ours->output,
	};
	uint8_t random[32] = {1};
	int r;

	jupyter_key_make(random, &key);
	r = jupyter_connection_write(&key, "/run/kernel/k1", "bench", json, sizeof(json), &len);
	if (r < 0)
		return r;
	connection.json_len = len;
	r = cell_spawn(one->cell, &connection, ret_error);
	if (r < 0)
		return r;
	return loop_watch(one->ours->loop, cell_pidfd(one->cell), EPOLLIN, on_end, one);
}

static int start_relay(struct one *one, struct cell_error *ret_error)
{
	struct worker_spec spec = {
		.role = WORKER_RELAY,
		.who = "relay",
		.uid = cell_relay_uid(one->cell),
		.cgroup_fd = cell_relay_cgroup(one->cell),
		.root_fd = -1,
		.filter_fd = one->ours->filter,
		.message = on_message,
		.gone = on_relay_gone,
		.owner = one,
	};
	int r = cell_sockets_mount(one->cell, &spec.root_fd, ret_error);

	if (r < 0)
		return r;
	r = worker_new(one->ours->loop, one->ours->program, &spec, one->ours->message,
		       &one->relay);
	close(spec.root_fd);
	return r;
}

static int set_up_relay(struct one *one, const uint8_t id[LINK_ID_LEN])
{
	struct ipc_relay_setup setup = {.incarnation = 1};
	int r;

	memcpy(setup.kernel_id, id, LINK_ID_LEN);
	memset(setup.key, '1', IPC_HMAC_LEN);
	r = worker_send(one->relay, IPC_RELAY_SETUP, &setup, -1);
	trace_mark(one->ours->trace, "relay told");
	return r;
}

static void describe(struct ours *ours, struct cell_spec *spec)
{
	*spec = (struct cell_spec){
		.project = "bench",
		.limits = {.memory_bytes = 256u << 20,
			   .cpu_milli = 1000,
			   .pids_max = 128,
			   .tmpfs_bytes = 64u << 20},
		.network = CELL_NETWORK_LOOPBACK,
		.profile = ours->profile,
		.environment_fd = ours->environment,
	};
	for (size_t i = 0; i < CELL_ARGS_MAX && ours->payload[i]; i++)
		spec->argv[i] = ours->payload[i];
	for (size_t i = 0; i < CELL_ENV_MAX && ours->env[i]; i++)
		spec->env[i] = ours->env[i];
	ours->number++;
	memcpy(spec->id, &ours->number, sizeof(ours->number));
}

static int make(struct ours *ours, const struct cell_spec *spec, struct one **ret_one,
		struct cell_error *ret_error)
{
	struct one *one = calloc(1, sizeof(*one));
	int r;

	if (!one)
		return -1;
	one->ours = ours;
	r = cell_new(ours->host, spec, &one->cell, ret_error);
	if (r < 0)
		return r;
	*ret_one = one;
	return 0;
}

int one_prepare(struct ours *ours, struct one **ret_one)
{
	struct cell_error error = {0};
	struct cell_spec spec;
	int r;

	describe(ours, &spec);
	r = make(ours, &spec, ret_one, &error);
	if (r == 0)
		r = cell_prepare((*ret_one)->cell, &error);
	if (r == 0)
		r = start_relay(*ret_one, &error);
	if (r < 0)
		log_error(r, "prepare: %s", error.step);
	return r;
}

static int take(struct one *one, const struct cell_spec *spec, struct cell_error *ret_error)
{
	if (!cell_fits(one->cell, spec))
		return step_fail(ret_error, "the prepared one does not fit", -EINVAL);
	return cell_assign(one->cell, &spec->limits, ret_error);
}

int one_start(struct ours *ours, struct one **one)
{
	bool prepared = *one != NULL;
	struct cell_error error = {0};
	struct cell_spec spec;
	int r;

	describe(ours, &spec);
	r = prepared ? take(*one, &spec, &error) : make(ours, &spec, one, &error);
	if (r == 0)
		r = spawn_cell(*one, &error);
	if (r == 0 && !prepared)
		r = start_relay(*one, &error);
	if (r == 0)
		r = set_up_relay(*one, spec.id);
	if (r < 0)
		log_error(r, "%s", error.step);
	return r;
}

int one_await(struct one *one)
{
	struct loop *loop = one->ours->loop;

	loop_timer_start(loop, &one->limit, LIMIT_MS, on_limit, one);
	while (!one->ended && one->limit.set)
		(void)loop_run(loop, NULL, NULL);
	loop_timer_stop(loop, &one->limit);
	if (!one->ended)
		log_info("no end within %u ms", LIMIT_MS);
	if (one->end.status != 0)
		log_info("the payload ended with status %d", one->end.status);
	return one->ended && one->end.status == 0 ? 0 : -1;
}

int one_remove(struct one *one)
{
	struct loop *loop = one->ours->loop;
	struct cell_error error = {0};
	int r;

	if (one->relay)
		worker_end(one->relay, NULL);
	if (!one->ended)
		loop_unwatch(loop, cell_pidfd(one->cell));
	cell_close(one->cell);
	worker_free(one->relay);
	trace_mark(one->ours->trace, "relay ended");
	r = cell_free(one->cell, &error);
	if (r < 0)
		log_error(r, "%s", error.step);
	free(one);
	return r;
}
