/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "hostd/adopt.h"
#include "hostd/log.h"
#include "hostd/monitor.h"
#include "link/secret.h"

struct kernel *kernel_find(struct monitor *monitor, const uint8_t id[LINK_ID_LEN])
{
	for (uint32_t i = 0; i < LINK_KERNELS_MAX; i++)
		if (monitor->kernels[i] && memcmp(monitor->kernels[i]->id, id, LINK_ID_LEN) == 0)
			return monitor->kernels[i];
	return NULL;
}

void kernel_publish(struct kernel *kernel)
{
	struct ipc_kernel body = {
		.kernel = {
			.incarnation = kernel->incarnation,
			.state = (uint8_t)kernel->state,
			.reason = (uint8_t)(kernel->state == LINK_KERNEL_DEAD ? kernel->reason
									      : LINK_WHY_NONE),
			.status = kernel->state == LINK_KERNEL_DEAD ? kernel->status : 0,
		},
	};

	memcpy(body.kernel.kernel_id, kernel->id, LINK_ID_LEN);
	if (kernel->state == LINK_KERNEL_DEAD)
		limits_sentence(kernel, body.kernel.text, sizeof(body.kernel.text));
	snprintf(body.environment, sizeof(body.environment), "%s",
		 kernel->environment->manifest.name);
	snprintf(body.project, sizeof(body.project), "%s", kernel->project);
	dead_note(kernel->monitor, &body);
	monitor_tell(kernel->monitor, IPC_KERNEL, &body, -1);
}

void kernel_answer(struct kernel *kernel, enum link_code code, int error, const char *text)
{
	struct ipc_result body = {
		.gateway = kernel->owed.gateway,
		.id = kernel->owed.id,
		.code = code,
		.error = error,
		.incarnation = kernel->incarnation,
	};

	if (!kernel->owed.set)
		return;
	kernel->owed.set = false;
	snprintf(body.text, sizeof(body.text), "%s", text);
	monitor_tell(kernel->monitor, IPC_RESULT, &body, -1);
}

void kernel_forget(struct kernel *kernel)
{
	struct monitor *monitor = kernel->monitor;
	struct cell_error error = {0};

	adopt_forget(kernel);
	loop_timer_stop(monitor->loop, &kernel->timer);
	watch_stop(kernel);
	/* Nobody waits for anything of its relay, which ends while its cell is taken down. */
	if (kernel->relay)
		worker_end(kernel->relay, NULL);
	if (kernel->cell) {
		loop_unwatch(monitor->loop, cell_pidfd(kernel->cell));
		cell_close(kernel->cell);
	}
	worker_free(kernel->relay);
	if (kernel->cell) {
		if (cell_free(kernel->cell, &error) < 0) {
			log_error(error.error, "cell: %s", error.step);
			monitor_event(monitor, kernel, "cell.left", "%s: %s", error.step,
				      strerror(error.error));
		}
	}
	workspace_close(&kernel->workspace);
	strict_give(&monitor->stricts, kernel->strict);
	for (uint32_t i = 0; i < LINK_KERNELS_MAX; i++)
		if (monitor->kernels[i] == kernel)
			monitor->kernels[i] = NULL;
	secret_wipe(&kernel->key, sizeof(kernel->key));
	free(kernel);
}

void kernel_ready(struct kernel *kernel)
{
	kernel->proven = true;
	/* A stop under way keeps its deadline. */
	if (kernel->state == LINK_KERNEL_DEAD || kernel->state == LINK_KERNEL_READY ||
	    kernel->goal != GOAL_RUN)
		return;
	loop_timer_stop(kernel->monitor->loop, &kernel->timer);
	kernel->state = LINK_KERNEL_READY;
	kernel_publish(kernel);
}

/* ---- the end of an incarnation ---- */

static void kill_now(void *ctx)
{
	struct kernel *kernel = ctx;

	adopt_touch(kernel);
	cell_kill(kernel->cell);
}

void kernel_kill(struct kernel *kernel, enum link_reason reason)
{
	if (kernel->state == LINK_KERNEL_DEAD)
		return;
	if (kernel->reason == LINK_WHY_NONE)
		kernel->reason = reason;
	if (kernel->goal == GOAL_RESTART)
		kernel->goal = GOAL_RUN;
	loop_timer_stop(kernel->monitor->loop, &kernel->timer);
	adopt_note(kernel); /* so that its end is not taken for its own doing */
	cell_kill(kernel->cell);
}

/* Asked first; a kernel that has not answered yet, or whose relay is gone, cannot be. */
static void ask_to_end(struct kernel *kernel, enum ipc_order order)
{
	bool can = kernel->proven && kernel->relay;

	adopt_note(kernel); /* so that its end is not taken for its own doing */
	if (can)
		relay_order(kernel, order);
	loop_timer_start(kernel->monitor->loop, &kernel->timer, can ? MONITOR_GRACE_MS : 0,
			 kill_now, kernel);
}

enum link_code kernel_restart(struct kernel *kernel, const struct owed *owed)
{
	if (kernel->state == LINK_KERNEL_DEAD)
		return LINK_E_DEAD;
	if (kernel->goal != GOAL_RUN || kernel->reason != LINK_WHY_NONE)
		return LINK_E_BUSY;
	kernel->goal = GOAL_RESTART;
	kernel->owed = *owed;
	kernel->state = LINK_KERNEL_RESTARTING;
	kernel_publish(kernel);
	ask_to_end(kernel, IPC_ORDER_SHUTDOWN_RESTART);
	return LINK_OK;
}

enum link_code kernel_stop(struct kernel *kernel, const struct owed *owed)
{
	if (kernel->goal == GOAL_STOP)
		return LINK_E_BUSY;
	/* A restart under way gives way: its asker is told. */
	kernel_answer(kernel, LINK_E_DEAD, 0, "stopped meanwhile");
	kernel->owed = *owed;
	kernel->goal = GOAL_STOP;
	if (kernel->state == LINK_KERNEL_DEAD) {
		kernel_publish_death(kernel);
		kernel_remove(kernel);
		return LINK_OK;
	}
	ask_to_end(kernel, IPC_ORDER_SHUTDOWN);
	return LINK_OK;
}

enum link_code kernel_interrupt(struct kernel *kernel)
{
	if (kernel->state == LINK_KERNEL_DEAD)
		return LINK_E_DEAD;
	if (kernel->state != LINK_KERNEL_READY)
		return LINK_E_BUSY;
	if (kernel->environment->manifest.interrupt_message)
		relay_order(kernel, IPC_ORDER_INTERRUPT);
	else if (cell_interrupt(kernel->cell) < 0)
		return LINK_E_SYSTEM;
	return LINK_OK;
}

static void relay_stuck(void *ctx)
{
	struct kernel *kernel = ctx;

	adopt_touch(kernel);
	if (kernel->relay)
		worker_end(kernel->relay, "its kernel is gone");
}

static void death_reason(struct kernel *kernel, const struct cell_exit *end)
{
	if (kernel->goal == GOAL_STOP) {
		kernel->reason = LINK_WHY_STOPPED;
		kernel->status = 0;
	} else if (end->oom) {
		kernel->reason = LINK_WHY_MEMORY;
	} else if (kernel->reason != LINK_WHY_NONE) {
		return; /* we killed it, and said why */
	} else if (WIFSIGNALED(end->status)) {
		kernel->reason = LINK_WHY_SIGNAL;
		kernel->status = WTERMSIG(end->status);
	} else {
		kernel->reason = LINK_WHY_EXITED;
		kernel->status = WEXITSTATUS(end->status);
	}
}

static void death_event(struct kernel *kernel)
{
	static const char *const why[] = {
		[LINK_WHY_EXITED] = "exited with code",
		[LINK_WHY_SIGNAL] = "ended by signal",
	};

	if (kernel->reason == LINK_WHY_MEMORY)
		watch_killed(kernel);
	else if (kernel->reason == LINK_WHY_EXITED || kernel->reason == LINK_WHY_SIGNAL)
		monitor_event(kernel->monitor, kernel, "kernel.died", "%s %d",
			      why[kernel->reason], kernel->status);
	else if (kernel->reason == LINK_WHY_RELAY)
		monitor_event(kernel->monitor, kernel, "kernel.died", "its relay was lost");
}

/* Its readers get what it still said before they are told that it is dead. */
static void died(struct kernel *kernel, const struct cell_exit *end)
{
	loop_timer_stop(kernel->monitor->loop, &kernel->timer);
	watch_stop(kernel);
	kernel->state = LINK_KERNEL_DEAD;
	death_reason(kernel, end);
	death_event(kernel);
	if (kernel->goal != GOAL_STOP)
		kernel_answer(kernel, LINK_E_DEAD, 0, "it died meanwhile");
	if (!kernel->relay || kernel->goal == GOAL_STOP) {
		kernel_publish_death(kernel);
		kernel_remove(kernel);
		return;
	}
	kernel->relay->phase = WORKER_DYING;
	relay_order(kernel, IPC_ORDER_DIED);
	loop_timer_start(kernel->monitor->loop, &kernel->timer, MONITOR_RELAY_END_MS, relay_stuck,
			 kernel);
}

static void next_incarnation(struct kernel *kernel)
{
	struct cell_error error = {0};
	struct cell_exit none = {0};

	kernel->goal = GOAL_RUN;
	kernel->incarnation += kernel->incarnation_skip ? 2 : 1;
	kernel->incarnation_skip = false;
	if (kernel_spawn(kernel, &error) < 0) {
		monitor_event(kernel->monitor, kernel, "cell.start", "%s: %s", error.step,
			      strerror(error.error));
		kernel_answer(kernel, LINK_E_SYSTEM, error.error, error.step);
		kernel->reason = LINK_WHY_START;
		died(kernel, &none);
		return;
	}
	if (kernel->relay) {
		kernel->relay->phase = WORKER_OPEN;
		relay_order(kernel, IPC_ORDER_RESTART);
	}
	kernel_answer(kernel, LINK_OK, 0, "");
	kernel_publish(kernel);
}

void kernel_ended(void *ctx, uint32_t events)
{
	struct kernel *kernel = ctx;
	struct cell_exit end = {0};
	int r;

	adopt_touch(kernel);
	loop_unwatch(kernel->monitor->loop, cell_pidfd(kernel->cell));
	loop_timer_stop(kernel->monitor->loop, &kernel->timer);
	watch_incarnation(kernel);
	r = cell_reap(kernel->cell, &end);
	if (r < 0)
		log_error(r, "reap");
	if (kernel->goal == GOAL_RESTART)
		next_incarnation(kernel);
	else
		died(kernel, &end);
}

/* ---- of an earlier monitor ---- */

/* The one of its deadlines that its state has. */
static void resume_timer(struct kernel *kernel, uint64_t deadline_ms)
{
	struct loop *loop = kernel->monitor->loop;
	uint64_t now = loop_now_ms();
	uint64_t delay = deadline_ms > now ? deadline_ms - now : 0;

	if (kernel->state == LINK_KERNEL_DEAD)
		loop_timer_start(loop, &kernel->timer, delay, relay_stuck, kernel);
	else if (kernel->goal != GOAL_RUN || kernel->reason != LINK_WHY_NONE)
		loop_timer_start(loop, &kernel->timer, delay, kill_now, kernel);
	else if (kernel->state != LINK_KERNEL_READY)
		kernel_await(kernel, delay);
}

static void go_on_dead(struct kernel *kernel)
{
	if (kernel->relay && kernel->goal != GOAL_STOP) {
		relay_order(kernel, IPC_ORDER_AGAIN);
		relay_order(kernel, IPC_ORDER_DIED);
		return;
	}
	kernel_publish_death(kernel);
	kernel_remove(kernel);
}

void kernel_go_on(struct kernel *kernel, const struct state_record *record)
{
	struct monitor *monitor = kernel->monitor;
	bool lives = kernel->state != LINK_KERNEL_DEAD;

	adopt_touch(kernel);
	resume_timer(kernel, record->timer_ms);
	if (!lives) {
		go_on_dead(kernel);
		return;
	}
	/* The earlier monitor may have begun a next one, whose number is then used. */
	if (kernel->goal == GOAL_RESTART)
		kernel->incarnation_skip = true;
	if (loop_watch(monitor->loop, cell_pidfd(kernel->cell), EPOLLIN, kernel_ended, kernel) < 0)
		kernel_kill(kernel, LINK_WHY_SIGNAL);
	watch_resume(kernel, record->grace_ms);
	network_watch(kernel);
	if (kernel->relay && kernel->relay->phase == WORKER_OPEN)
		relay_order(kernel, IPC_ORDER_AGAIN);
	else if (!kernel->relay)
		relay_lost(kernel);
}

void kernel_publish_death(struct kernel *kernel)
{
	if (!kernel->published)
		kernel_publish(kernel);
	kernel->published = true;
}

void kernel_remove(struct kernel *kernel)
{
	struct owed owed = kernel->owed;
	struct ipc_result body = {
		.gateway = owed.gateway,
		.id = owed.id,
		.code = LINK_OK,
		.incarnation = kernel->incarnation,
	};
	struct monitor *monitor = kernel->monitor;

	monitor->kernels_count--;
	kernel_forget(kernel);
	/* Only now: OK means that nothing of it is left. */
	if (owed.set)
		monitor_tell(monitor, IPC_RESULT, &body, -1);
}
