/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hostd/adopt.h"
#include "hostd/log.h"
#include "hostd/monitor.h"
#include "link/secret.h"

void relay_order(struct kernel *kernel, enum ipc_order order)
{
	struct ipc_relay_order body = {.order = order};

	if (order == IPC_ORDER_DIED)
		limits_sentence(kernel, body.text, sizeof(body.text));
	if (order == IPC_ORDER_RESTART) {
		body.incarnation = kernel->incarnation;
		memcpy(body.key, kernel->key.hex, IPC_HMAC_LEN);
	}
	(void)worker_send(kernel->relay, IPC_RELAY_ORDER, &body, -1);
	secret_wipe(&body, sizeof(body));
}

void relay_tell(struct kernel *kernel, const char *text)
{
	struct ipc_relay_order body = {.order = IPC_ORDER_TELL};

	snprintf(body.text, sizeof(body.text), "%s", text);
	(void)worker_send(kernel->relay, IPC_RELAY_ORDER, &body, -1);
}

/*
 * The two ends go to the two workers, who then speak without the monitor: it never reads a byte
 * of what a kernel or a client says.
 */
int relay_connect(struct kernel *kernel)
{
	struct ipc_stream body = {.generation = kernel->generation};
	int pair[2];
	int r;

	if (!kernel->relay || !kernel->monitor->link)
		return 0;
	r = ipc_pair(pair);
	if (r < 0)
		return r;
	memcpy(body.kernel_id, kernel->id, LINK_ID_LEN);
	r = worker_send(kernel->relay, IPC_STREAM, &body, pair[0]);
	if (r == 0)
		monitor_tell(kernel->monitor, IPC_STREAM, &body, pair[1]);
	close(pair[0]);
	close(pair[1]);
	return r;
}

static int setup_send(struct kernel *kernel)
{
	struct ipc_relay_setup setup = {
		.incarnation = kernel->incarnation,
		.generation = kernel->generation,
		.output_kibps = kernel->limits.output_kibps,
		.output_messages = kernel->limits.output_messages,
		.execution_s = kernel->limits.execution_s,
	};
	int r;

	memcpy(setup.kernel_id, kernel->id, LINK_ID_LEN);
	memcpy(setup.key, kernel->key.hex, IPC_HMAC_LEN);
	r = worker_send(kernel->relay, IPC_RELAY_SETUP, &setup, -1);
	secret_wipe(&setup, sizeof(setup));
	return r;
}

static bool given_up(struct kernel *kernel)
{
	uint64_t now = loop_now_ms();

	if (now - kernel->lost_since_ms > MONITOR_RELAYS_LOST_MS) {
		kernel->lost_since_ms = now;
		kernel->lost_count = 0;
	}
	return ++kernel->lost_count > MONITOR_RELAYS_LOST_MAX;
}

static void relay_gone(void *owner, struct worker *worker)
{
	struct kernel *kernel = owner;

	worker_free(worker);
	kernel->relay = NULL;
	if (kernel->ahead) {
		ahead_lost(kernel);
		return;
	}
	relay_lost(kernel);
}

void relay_lost(struct kernel *kernel)
{
	int r;

	adopt_touch(kernel);
	kernel->watch.known.output_lost.bytes += kernel->watch.known.output.bytes;
	kernel->watch.known.output_lost.messages += kernel->watch.known.output.messages;
	kernel->watch.known.output = (struct ipc_relay_output){0};
	if (kernel->state == LINK_KERNEL_DEAD) {
		kernel_publish_death(kernel);
		kernel_remove(kernel);
		return;
	}
	if (kernel->goal == GOAL_STOP)
		return; /* the kernel's end follows */
	kernel->generation++;
	adopt_note(kernel); /* no other relay ever has this number */
	if (given_up(kernel)) {
		kernel_kill(kernel, LINK_WHY_RELAY);
		return;
	}
	monitor_event(kernel->monitor, kernel, "relay.lost",
		      "its relay ended and is started again; output may be missing");
	r = relay_start(kernel);
	if (r < 0) {
		log_error(r, "relay");
		kernel_kill(kernel, LINK_WHY_RELAY);
	}
}

static void describe(struct kernel *kernel, struct worker_spec *ret_spec)
{
	*ret_spec = (struct worker_spec){
		.role = WORKER_RELAY,
		.uid = cell_relay_uid(kernel->cell),
		.cgroup_fd = cell_relay_cgroup(kernel->cell),
		.root_fd = -1,
		.filter_fd = kernel->monitor->relay_filter,
		.message = monitor_message,
		.gone = relay_gone,
		.owner = kernel,
	};
	snprintf(ret_spec->who, sizeof(ret_spec->who), "relay %u", (unsigned)ret_spec->uid);
}

int relay_adopt(struct kernel *kernel, int fds[WORKER_FDS], enum worker_phase phase)
{
	struct worker_spec spec;

	describe(kernel, &spec);
	return worker_adopt(kernel->monitor->loop, &spec, fds, phase, &kernel->monitor->message,
			    &kernel->relay);
}

int relay_make(struct kernel *kernel)
{
	struct worker_spec spec;
	struct cell_error error = {0};
	int r;

	describe(kernel, &spec);
	r = cell_sockets_mount(kernel->cell, &spec.root_fd, &error);
	if (r < 0) {
		log_error(r, "relay: %s", error.step);
		return r;
	}
	r = worker_new(kernel->monitor->loop, kernel->monitor->paths->program, &spec,
		       &kernel->monitor->message, &kernel->relay);
	close(spec.root_fd);
	return r;
}

int relay_start(struct kernel *kernel)
{
	int r = kernel->relay ? 0 : relay_make(kernel);

	if (r == 0)
		r = setup_send(kernel);
	if (r == 0)
		r = relay_connect(kernel);
	return r;
}
