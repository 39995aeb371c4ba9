/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_A_TURN 64

struct watch {
	loop_fd_fn *fn; /* NULL: not watched */
	void *ctx;
	uint32_t events;
	uint32_t generation; /* tells an event of a closed fd from one of its number's next owner */
};

struct loop {
	int epoll_fd;
	bool stopped;
	bool again;
	struct loop_timer *timers; /* by deadline, the nearest first */
	struct watch *watches;	   /* by fd */
	int watches_count;
};

int loop_new(struct loop **ret_loop)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		int error = errno;

		free(loop);
		return -error;
	}
	*ret_loop = loop;
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	close(loop->epoll_fd);
	free(loop->watches);
	free(loop);
}

uint64_t loop_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static int watches_reserve(struct loop *loop, int fd)
{
	struct watch *grown;
	int count = loop->watches_count ? loop->watches_count : 32;

	if (fd < loop->watches_count)
		return 0;
	if (fd < 0 || fd >= LOOP_FDS_MAX)
		return -EMFILE;
	while (count <= fd)
		count *= 2;
	grown = realloc(loop->watches, (size_t)count * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	for (int i = loop->watches_count; i < count; i++)
		grown[i] = (struct watch){0};
	loop->watches = grown;
	loop->watches_count = count;
	return 0;
}

int loop_watch(struct loop *loop, int fd, uint32_t events, loop_fd_fn *fn, void *ctx)
{
	struct epoll_event event = {.events = events};
	struct watch *watch;
	bool known;
	int r = watches_reserve(loop, fd);

	if (r < 0)
		return r;
	watch = &loop->watches[fd];
	known = watch->fn != NULL;
	if (!known)
		watch->generation++;
	event.data.u64 = (uint64_t)watch->generation << 32 | (uint32_t)fd;
	if (!known || watch->events != events) {
		if (epoll_ctl(loop->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0)
			return -errno;
	}
	watch->fn = fn;
	watch->ctx = ctx;
	watch->events = events;
	return 0;
}

void loop_unwatch(struct loop *loop, int fd)
{
	if (fd < 0 || fd >= loop->watches_count || !loop->watches[fd].fn)
		return;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	loop->watches[fd].fn = NULL;
}

void loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t delay_ms,
		      loop_timer_fn *fn, void *ctx)
{
	struct loop_timer **place = &loop->timers;

	loop_timer_stop(loop, timer);
	timer->deadline_ms = loop_now_ms() + delay_ms;
	timer->fn = fn;
	timer->ctx = ctx;
	timer->set = true;
	while (*place && (*place)->deadline_ms <= timer->deadline_ms)
		place = &(*place)->next;
	timer->next = *place;
	*place = timer;
}

void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
	if (!timer->set)
		return;
	timer->set = false;
	for (struct loop_timer **place = &loop->timers; *place; place = &(*place)->next) {
		if (*place == timer) {
			*place = timer->next;
			return;
		}
	}
}

static void timers_run(struct loop *loop)
{
	uint64_t now = loop_now_ms();

	while (loop->timers && loop->timers->deadline_ms <= now && !loop->stopped) {
		struct loop_timer *timer = loop->timers;

		loop->timers = timer->next;
		timer->set = false;
		timer->fn(timer->ctx);
	}
}

static int wait_ms(const struct loop *loop)
{
	uint64_t now;

	if (loop->again)
		return 0;
	if (!loop->timers)
		return -1;
	now = loop_now_ms();
	if (loop->timers->deadline_ms <= now)
		return 0;
	if (loop->timers->deadline_ms - now > 60000)
		return 60000;
	return (int)(loop->timers->deadline_ms - now);
}

static void event_run(struct loop *loop, const struct epoll_event *event)
{
	uint32_t fd = (uint32_t)event->data.u64;
	uint32_t generation = (uint32_t)(event->data.u64 >> 32);
	struct watch *watch = &loop->watches[fd];

	/* An earlier handler of this turn may have closed it, or its number may be reused. */
	if (watch->fn && watch->generation == generation)
		watch->fn(watch->ctx, event->events);
}

int loop_run(struct loop *loop, loop_act_fn *act, void *ctx)
{
	struct epoll_event events[EVENTS_A_TURN];

	while (!loop->stopped) {
		int count;

		loop->again = false;
		if (act)
			act(ctx);
		if (loop->stopped)
			break;
		count = epoll_wait(loop->epoll_fd, events, EVENTS_A_TURN, wait_ms(loop));
		if (count < 0 && errno != EINTR)
			return -errno;
		timers_run(loop);
		for (int i = 0; i < count && !loop->stopped; i++)
			event_run(loop, &events[i]);
	}
	loop->stopped = false;
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}

void loop_again(struct loop *loop)
{
	loop->again = true;
}
