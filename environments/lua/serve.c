/* SPDX-License-Identifier: Apache-2.0 */
#include "environments/lua/serve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "environments/lua/control.h"

#define LINGER_MS 1000
#define OUTGOING_A_TURN 16u /* messages of the interpreter, before the sockets are asked again */

enum poll_row { POLL_HB, POLL_CONTROL, POLL_IOPUB, POLL_STDIN, POLL_OUTGOING, POLL_SHELL, POLLS };

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* REP answers with what it was asked, whatever that is. */
static void on_heartbeat(struct serve *serve)
{
	struct frames frames;

	frames_init(&frames);
	while (frames_recv(&frames, serve->sockets->outer[JUPYTER_HB], ZMQ_DONTWAIT) == 0) {
		frames_send(&frames, serve->sockets->outer[JUPYTER_HB], ZMQ_DONTWAIT);
		frames_clear(&frames);
	}
}

/* A message that does not verify is thrown away in silence: its sender is not our client. */
static void on_control(struct serve *serve)
{
	struct frames frames;
	struct request request;

	frames_init(&frames);
	if (frames_recv(&frames, serve->sockets->outer[JUPYTER_CONTROL], ZMQ_DONTWAIT) < 0 ||
	    request_take(&serve->session, &frames, 0, &request) < 0)
		return;
	control_handle(serve, &request);
	request_clear(&request);
}

/* XPUB hands up each subscription: \1 and the topic. JEP 65: answered by a welcome on it. */
static void on_subscription(struct serve *serve)
{
	struct frames frames;
	struct link_slice topic;
	json_t *content;

	frames_init(&frames);
	if (frames_recv(&frames, serve->sockets->outer[JUPYTER_IOPUB], ZMQ_DONTWAIT) < 0)
		return;
	topic = frames_get(&frames, 0);
	if (frames.count == 1 && topic.len > 0 && topic.data[0] == 1) {
		struct frames welcome;

		frames_init(&welcome);
		content = json_pack("{s:o}", "subscription",
				    json_text((const char *)topic.data + 1, topic.len - 1));
		if (content && frames_add(&welcome, topic.data + 1, topic.len - 1) == 0 &&
		    message_make(&serve->session, "iopub_welcome", NULL, content, &welcome) == 0)
			spool_put(&serve->spool, JUPYTER_IOPUB, &welcome);
		frames_clear(&welcome);
		json_decref(content);
	}
	frames_clear(&frames);
}

/* Answers to questions that nobody waits for any more are found stale by the interpreter. */
static void on_stdin(struct serve *serve)
{
	struct frames frames;

	frames_init(&frames);
	if (frames_recv(&frames, serve->sockets->outer[JUPYTER_STDIN], ZMQ_DONTWAIT) == 0)
		frames_send(&frames, serve->sockets->pair[PAIR_INPUT], ZMQ_DONTWAIT);
	frames_clear(&frames);
}

static void work_send(struct serve *serve, struct frames *frames, uint8_t kind)
{
	struct frames work;

	frames_init(&work);
	if (frames_add(&work, &kind, 1) == 0 && frames_move(&work, frames, 0) == 0 &&
	    frames_send(&work, serve->sockets->pair[PAIR_WORK], 0) == 0)
		serve->busy = true;
	frames_clear(&work);
}

static void on_shell(struct serve *serve)
{
	struct frames frames;

	frames_init(&frames);
	if (waiting_next(&serve->waiting, &frames))
		work_send(serve, &frames, WORK_ABORT);
	else if (frames_recv(&frames, serve->sockets->outer[JUPYTER_SHELL], ZMQ_DONTWAIT) == 0)
		work_send(serve, &frames, WORK_REQUEST);
	frames_clear(&frames);
}

static uint8_t byte_of(struct frames *frames, size_t index)
{
	struct link_slice slice;

	if (index >= frames->count)
		return 0;
	slice = frames_get(frames, index);
	return slice.len > 0 ? slice.data[0] : 0;
}

/* False where nothing was there. */
static bool on_outgoing(struct serve *serve)
{
	struct frames frames, message;
	uint8_t kind;

	frames_init(&frames);
	if (frames_recv(&frames, serve->sockets->pair[PAIR_WORK], ZMQ_DONTWAIT) < 0)
		return false;
	kind = byte_of(&frames, 0);
	if (kind == OUTGOING_STREAM && frames.count == 4) {
		spool_text(&serve->spool, frames_get(&frames, 1), frames_get(&frames, 2),
			   frames_get(&frames, 3));
		frames_clear(&frames);
		return true;
	}
	spool_text_flush(&serve->spool);
	if (kind == OUTGOING_DONE) {
		serve->busy = false;
	} else if (kind == OUTGOING_FAILED) {
		waiting_take(&serve->waiting, serve->sockets->outer[JUPYTER_SHELL]);
	} else if (kind == OUTGOING_EXIT) {
		serve->exiting = true;
		serve->exit_code = byte_of(&frames, 1);
	} else if (kind >= JUPYTER_SHELL && kind <= JUPYTER_HB) {
		frames_init(&message);
		if (frames_move(&message, &frames, 1) == 0)
			spool_put(&serve->spool, (enum jupyter_port)kind, &message);
	}
	frames_clear(&frames);
	return true;
}

/*
 * A wait asks each socket by system calls of its own: what prints much is not waited for once a
 * message. As in the wait, nothing is taken while something before it is still to be sent.
 */
static void on_outgoings(struct serve *serve)
{
	for (unsigned i = 0; i < OUTGOING_A_TURN && on_outgoing(serve); i++)
		if (!serve->busy || serve->exiting || serve->spool.count > 0)
			break;
}

static void on_signals(struct serve *serve, volatile sig_atomic_t *pending)
{
	sig_atomic_t signals = *pending;

	/* A signal between the two lines is of a kind that is handled now anyway. */
	*pending = 0;
	if (signals & (1 << SIGINT))
		interp_interrupt(serve->interp);
	if (signals & (1 << SIGTERM))
		serve->exiting = true;
}

/*
 * Sockets that are not to be read now are left out of the wait. Control is always read: with the
 * list full, a control request is obeyed, and only what is said of it is lost.
 */
static int poll_wait(struct serve *serve, zmq_pollitem_t items[POLLS])
{
	bool room = spool_ready(&serve->spool);
	bool drained = serve->spool.count == 0;
	int timeout_ms = spool_timeout(&serve->spool, now_ms());

	if (drained && !serve->busy && serve->waiting.count > 0)
		timeout_ms = 0;
	for (size_t i = 0; i < POLLS; i++)
		items[i].events = ZMQ_POLLIN;
	items[POLL_IOPUB].events = room ? ZMQ_POLLIN : 0;
	items[POLL_OUTGOING].events = drained ? ZMQ_POLLIN : 0;
	items[POLL_SHELL].events = drained && !serve->busy ? ZMQ_POLLIN : 0;
	for (size_t i = 0; i < POLLS; i++)
		items[i].revents = 0;
	return zmq_poll(items, POLLS, timeout_ms);
}

static void act(struct serve *serve, const zmq_pollitem_t items[POLLS])
{
	if (items[POLL_HB].revents)
		on_heartbeat(serve);
	if (items[POLL_CONTROL].revents)
		on_control(serve);
	if (items[POLL_IOPUB].revents)
		on_subscription(serve);
	if (items[POLL_STDIN].revents)
		on_stdin(serve);
	if (items[POLL_OUTGOING].revents)
		on_outgoings(serve);
	if (items[POLL_SHELL].revents || (items[POLL_SHELL].events && serve->waiting.count > 0))
		on_shell(serve);
	spool_send(&serve->spool);
	if (serve->spool.count == 0 && spool_timeout(&serve->spool, now_ms()) == 0)
		spool_text_flush(&serve->spool);
}

static void items_init(const struct serve *serve, zmq_pollitem_t items[POLLS])
{
	memset(items, 0, sizeof(items[0]) * POLLS);
	items[POLL_HB].socket = serve->sockets->outer[JUPYTER_HB];
	items[POLL_CONTROL].socket = serve->sockets->outer[JUPYTER_CONTROL];
	items[POLL_IOPUB].socket = serve->sockets->outer[JUPYTER_IOPUB];
	items[POLL_STDIN].socket = serve->sockets->outer[JUPYTER_STDIN];
	items[POLL_OUTGOING].socket = serve->sockets->pair[PAIR_WORK];
	items[POLL_SHELL].socket = serve->sockets->outer[JUPYTER_SHELL];
}

/* What is still to go out gets a bounded time: a reader that stands still must not keep us. */
static void leave(struct serve *serve)
{
	uint64_t deadline = now_ms() + LINGER_MS;
	struct timespec pause = {.tv_nsec = (long)SPOOL_RETRY_MS * 1000000L};

	spool_text_flush(&serve->spool);
	while (serve->spool.count > 0 && now_ms() < deadline) {
		nanosleep(&pause, NULL);
		spool_send(&serve->spool);
	}
	spool_clear(&serve->spool);
	waiting_clear(&serve->waiting);
	sockets_close(serve->sockets, LINGER_MS);
}

int serve(struct sockets *sockets, struct interp *interp, const struct session *session,
	  volatile sig_atomic_t *signals_pending)
{
	zmq_pollitem_t items[POLLS];
	struct serve *serve = calloc(1, sizeof(*serve));
	int code;

	if (!serve)
		return 1;
	serve->sockets = sockets;
	serve->interp = interp;
	serve->session = *session;
	serve->session.thread = 's';
	if (spool_init(&serve->spool, sockets, &serve->session) < 0) {
		free(serve);
		return 1;
	}
	items_init(serve, items);
	control_status(serve, "starting", NULL);
	while (!serve->exiting) {
		if (poll_wait(serve, items) >= 0)
			act(serve, items);
		else if (errno != EINTR)
			break;
		on_signals(serve, signals_pending);
	}
	leave(serve);
	code = serve->exit_code;
	free(serve);
	return code;
}
