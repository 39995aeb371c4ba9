/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one loop of a process: descriptors, timers, and an act step.
 *
 * Handlers of descriptors and timers note what happened or do small work. The act step runs
 * before every wait and does what is to be done in one place; it is where ZeroMQ sockets, whose
 * descriptors only tell of edges, are looked at until nothing moves.
 *
 * A handler may add and remove any watch or timer, its own included. Times are milliseconds of
 * CLOCK_BOOTTIME. Signals arrive through a signalfd that the role watches like any descriptor.
 */
#ifndef ANCHORHOLD_HOSTD_LOOP_H
#define ANCHORHOLD_HOSTD_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#define LOOP_FDS_MAX 16384

struct loop;

typedef void loop_fd_fn(void *ctx, uint32_t events);
typedef void loop_timer_fn(void *ctx);
typedef void loop_act_fn(void *ctx);

/* Lives in its owner, who stops it before it goes away. Zero-initialised is stopped. */
struct loop_timer {
	struct loop_timer *next;
	uint64_t deadline_ms;
	loop_timer_fn *fn;
	void *ctx;
	bool set;
};

int loop_new(struct loop **ret_loop);
void loop_free(struct loop *loop);

/* Milliseconds of CLOCK_BOOTTIME. */
uint64_t loop_now_ms(void);

/*
 * Watches fd, which stays its owner's, for events (EPOLLIN, EPOLLOUT; level-triggered). A fd that
 * is already watched gets the new events and handler. 0 or -errno.
 */
int loop_watch(struct loop *loop, int fd, uint32_t events, loop_fd_fn *fn, void *ctx);

/* Before the fd is closed. An fd that is not watched, or -1, is fine. */
void loop_unwatch(struct loop *loop, int fd);

/* (Re)starts the timer: fn(ctx) runs once, delay_ms from now. */
void loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t delay_ms,
		      loop_timer_fn *fn, void *ctx);
void loop_timer_stop(struct loop *loop, struct loop_timer *timer);

/* Runs until loop_stop (one before it ends it at once); returns 0, or -errno where waiting itself fails. act may be NULL. */
int loop_run(struct loop *loop, loop_act_fn *act, void *ctx);
void loop_stop(struct loop *loop);

/* Inside act: do not sleep before the next act step, there is more to do. */
void loop_again(struct loop *loop);

#endif
