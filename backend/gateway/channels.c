/* SPDX-License-Identifier: Apache-2.0 */
/* The sessions of all kernels, and what the fleet's changes mean for them. */
#include "backend/gateway/channels.h"

#include <errno.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/gateway/clock.h"
#include "backend/gateway/log.h"
#include "backend/gateway/session.h"
#include "link/cursor.h"

/* However much a dead kernel still has to say, its clients learn of its death after this. */
#define DEATH_MAX_MS 10000u
#define KERNEL_DIED "KernelDied"
#define REPLACED_S 5 /* for the news that it is */

struct channels *channels_new(void)
{
	struct channels *channels = calloc(1, sizeof(*channels));

	if (channels == NULL)
		return NULL;
	channels->budget.max = CHANNELS_JOIN_BYTES;
	channels->sessions = table_new();
	channels->away = away_new();
	if (channels->sessions == NULL || channels->away == NULL) {
		table_free(channels->sessions);
		away_free(channels->away);
		free(channels);
		return NULL;
	}
	return channels;
}

void channels_free(struct channels *channels)
{
	if (channels == NULL)
		return;
	/* The WebSockets were closed before, and each took its session with it. */
	table_free(channels->sessions);
	away_free(channels->away);
	free(channels);
}

void channels_fleet(struct channels *channels, struct fleet *fleet)
{
	channels->fleet = fleet;
}

size_t channels_count(const struct channels *channels)
{
	return table_count(channels->sessions);
}

/* Its death is told once what it still said is: both are on their way. */
static void death_await(struct session *session)
{
	session->death_ms = clock_ms() + SESSION_DEATH_MS;
	session->death_max_ms = clock_ms() + DEATH_MAX_MS;
}

/* ---- opening and closing ---- */

static void session_free(struct session *session)
{
	session_out_free(session);
	session_held_free(session);
	link_join_free(session->join);
	inflight_free(session->inflight);
	link_budget_give(&session->channels->budget, session->rx_size);
	free(session->rx);
	free(session);
}

static void unlink_kernel(struct session *session)
{
	struct session **at = &session->kernel->sessions;

	while (*at != session)
		at = &(*at)->next;
	*at = session->next;
	session->kernel->connections--;
	session->kernel = NULL;
}

/* The node keeps its place for who comes next under its number. */
static void session_leave(struct session *session)
{
	if (session->kernel != NULL) {
		const struct away_rest rest = {
			.inflight = session->inflight,
			.acked = session->acked,
			.life = session->kernel->life,
		};

		inflight_abandon(session->inflight);
		away_put(session->channels->away, LINK_CLIENT(session->id), &rest, clock_ms());
		session->inflight = NULL;
		session_report(session);
		if (session->attached)
			fleet_session(session->channels->fleet, session->kernel, LINK_DETACH,
				      session->id, 0);
		session->attached = false;
		unlink_kernel(session);
	}
	if (table_get(session->channels->sessions, &session->id, sizeof(session->id)) == session)
		table_remove(session->channels->sessions, &session->id, sizeof(session->id));
}

/* Its client came again before the end of its last connection was noticed. */
static void replace(const struct kernel *kernel, uint64_t id)
{
	struct session *older = kernel->sessions;

	while (older != NULL && LINK_CLIENT(older->id) != LINK_CLIENT(id))
		older = older->next;
	if (older == NULL)
		return;
	session_leave(older);
	session_close(older, 1000, "this client has opened another connection");
	/* It is swept no more, and may lead to nobody. */
	lws_set_timeout(older->wsi, PENDING_TIMEOUT_USER_OK, REPLACED_S);
}

/* Where its client was when it left, if it did. */
static void come_back(struct session *session, const struct kernel *kernel)
{
	struct away_rest rest;

	if (!away_take(session->channels->away, LINK_CLIENT(session->id), &rest)) {
		session->inflight = inflight_new();
		return;
	}
	session->inflight = rest.inflight;
	session_suspect(session);
	/* What has begun anew has another log. */
	if (rest.life == kernel->life)
		session->received = session->written = session->acked = rest.acked;
}

struct session *channels_open(struct channels *channels, struct kernel *kernel, struct lws *wsi,
			      enum framing framing, const char *client)
{
	struct session *session;

	if (table_count(channels->sessions) >= CHANNELS_SESSIONS_MAX)
		return NULL;
	session = calloc(1, sizeof(*session));
	if (session == NULL)
		return NULL;
	session->channels = channels;
	/* Another number each time: what is still on its way to the last one is not this one's. */
	session->id = client == NULL || client[0] == '\0'
			      ? ids_random64()
			      : ids_session(kernel->id, client, ++channels->serial);
	replace(kernel, session->id);
	session->wsi = wsi;
	session->framing = framing;
	session->held_end = &session->held;
	come_back(session, kernel);
	if (session->inflight == NULL ||
	    link_join_new(LINK_MESSAGE_MAX, &channels->budget, &session->join) < 0 ||
	    table_put(channels->sessions, &session->id, sizeof(session->id), session) < 0) {
		session_free(session);
		return NULL;
	}
	session->kernel = kernel;
	session->next = kernel->sessions;
	kernel->sessions = session;
	kernel->connections++;
	session_attach(session);
	if (kernel->state == LINK_KERNEL_DEAD)
		death_await(session);
	return session;
}

void channels_closed(struct session *session)
{
	if (session == NULL)
		return;
	session_leave(session);
	session_free(session);
}

void channels_close_all(struct channels *channels, unsigned code, const char *reason)
{
	struct session *session;
	size_t cursor = 0;

	while ((session = table_next(channels->sessions, &cursor)) != NULL)
		session_close(session, code, reason);
}

/* ---- what became of a kernel ---- */

static void say_why(struct session *session, const char *what)
{
	char why[LINK_TEXT_MAX + 128], text[LINK_TEXT_MAX + 192];
	struct synth synth;

	kernel_reason(session->kernel, why, sizeof(why));
	snprintf(text, sizeof(text), "[anchorhold: %s%s]\n", what, why);
	session_say(session, synth_stderr(&synth, (struct link_slice){NULL, 0}, text), &synth);
}

void session_tell_dead(struct session *session)
{
	char why[LINK_TEXT_MAX + 128];
	struct synth synth;

	session->death_ms = 0;
	kernel_reason(session->kernel, why, sizeof(why));
	session_fail(session, INFLIGHT_ALL, KERNEL_DIED, why);
	/*
	 * Who stops a kernel needs no notice in the notebook that it stopped; and of a limit the
	 * node has told already, unless that was before this session's time.
	 */
	if (session->kernel->reason != LINK_WHY_STOPPED &&
	    !(session->why_told && kernel_limit(session->kernel)))
		say_why(session, "");
	session_say(session, synth_status(&synth, (struct link_slice){NULL, 0}, "dead"), &synth);
}

static void tell_restarting(struct session *session)
{
	struct synth synth;

	session->restart_told = true;
	session_fail(session, INFLIGHT_SENT, KERNEL_DIED, "the kernel was restarted");
	if (session->kernel->restart_asked)
		return;
	say_why(session, "the kernel restarts: ");
	session_say(session, synth_status(&synth, (struct link_slice){NULL, 0}, "restarting"),
		    &synth);
}

static void on_kernel_changed(void *ctx, struct kernel *kernel, bool new_incarnation)
{
	(void)ctx;
	for (struct session *session = kernel->sessions; session != NULL; session = session->next) {
		if (kernel->state == LINK_KERNEL_DEAD) {
			session_held_free(session);
			if (session->end_seen)
				session_tell_dead(session);
			else
				death_await(session);
			continue;
		}
		if ((kernel->state == LINK_KERNEL_RESTARTING || new_incarnation) &&
		    !session->restart_told)
			tell_restarting(session);
		if (kernel->state == LINK_KERNEL_READY)
			session->restart_told = false;
		session->attach_ms = 0;
		session_attach(session);
		session_release(session);
	}
}

static void on_kernel_revived(void *ctx, struct kernel *kernel)
{
	(void)ctx;
	for (struct session *session = kernel->sessions; session != NULL; session = session->next) {
		if (session->death_ms != 0)
			session_tell_dead(session);
		session->attached = false;
		session->end_seen = false;
		session->attach_ms = 0;
		session->received = session->reported = 0;
		session->written = session->acked = session->pinged = 0;
	}
}

static void on_kernel_gone(void *ctx, struct kernel *kernel)
{
	(void)ctx;
	while (kernel->sessions != NULL) {
		struct session *session = kernel->sessions;

		if (session->death_ms != 0)
			session_tell_dead(session);
		else
			session_fail(session, INFLIGHT_ALL, KERNEL_DIED,
				     "the kernel was shut down");
		/* No trouble of ours, and nothing to come back to. */
		session_close(session, 1000, "the kernel was shut down");
		unlink_kernel(session);
		session->attached = false;
	}
}

static void on_kernel_reattach(void *ctx, struct kernel *kernel)
{
	(void)ctx;
	for (struct session *session = kernel->sessions; session != NULL; session = session->next) {
		session_reattach(session);
		session_release(session);
	}
}

static void on_kernel_lost(void *ctx, struct kernel *kernel)
{
	(void)ctx;
	/* Clients take 1013 for `later` and come again; nothing that was printed is lost. */
	for (struct session *session = kernel->sessions; session != NULL; session = session->next)
		session_close(session, 1013, "the kernel's node is not connected");
}

static struct session *find(const struct channels *channels, const struct kernel *kernel,
			    uint64_t id)
{
	struct session *session = table_get(channels->sessions, &id, sizeof(id));

	return session != NULL && session->kernel == kernel ? session : NULL;
}

static void on_output(void *ctx, struct kernel *kernel, const struct link_chunk *chunk)
{
	struct session *session = find(ctx, kernel, chunk->session);

	/* One that has gone: its DETACH is on the way, or was lost with a connection. The log keeps
	 * what it did not get. */
	if (session == NULL)
		fleet_session(((struct channels *)ctx)->fleet, kernel, LINK_DETACH, chunk->session,
			      0);
	else if (session->attached)
		session_output(session, chunk);
}

static void on_refused(void *ctx, struct kernel *kernel, const struct link_refused *refused)
{
	struct session *session = find(ctx, kernel, refused->session);
	struct inflight_request request;
	char text[96];

	if (session == NULL)
		return;
	if (refused->seq == 0) {
		session_attach_refused(session, (enum link_code)refused->code);
		return;
	}
	snprintf(text, sizeof(text), "the node refused the message: %s",
		 link_code_name(refused->code));
	if (inflight_take_seq(session->inflight, refused->channel, refused->seq, &request))
		session_fail_one(session, &request, "NotAccepted", text);
	else
		log_line("kernel %s: %s", kernel->text, text);
}

void channels_hooks(struct channels *channels, struct fleet_hooks *ret_hooks)
{
	*ret_hooks = (struct fleet_hooks){
		.ctx = channels,
		.kernel_changed = on_kernel_changed,
		.kernel_gone = on_kernel_gone,
		.kernel_revived = on_kernel_revived,
		.kernel_reattach = on_kernel_reattach,
		.kernel_lost = on_kernel_lost,
		.output = on_output,
		.refused = on_refused,
	};
}

/* ---- time ---- */

static void sweep_one(struct session *session, uint64_t now)
{
	/* Kept up to date while closing too: what the client has is not sent to the next. */
	session_report(session);
	if (session->close_code != 0) {
		if (now > session->close_ms)
			lws_callback_on_writable(session->wsi);
		return;
	}
	if (session->death_ms != 0 &&
	    ((now >= session->death_ms && session->out == NULL) || now >= session->death_max_ms))
		session_tell_dead(session);
	/* Only when it has been heard of since: one lost once more may still bring the answer. */
	if (session->suspect_ms != 0 && session->kernel->node->seen_ms >= session->suspect_ms &&
	    session->kernel->activity.state == ACTIVITY_IDLE) {
		session->suspect_ms = 0;
		session_fail(session, INFLIGHT_SUSPECT, "LinkLost",
			     "the link to the node was lost while the request was on its way");
	}
	session_attach(session);
	session_release(session);
	session_credit(session);
	if (session->written > session->acked && session->pinged == 0 &&
	    now - session->ping_ms >= SESSION_PING_MS && !session->ping_wanted) {
		session->ping_wanted = true;
		lws_callback_on_writable(session->wsi);
	}
}

void channels_sweep(struct channels *channels)
{
	uint64_t now = clock_ms();
	struct session *session;
	size_t cursor = 0;

	while ((session = table_next(channels->sessions, &cursor)) != NULL)
		sweep_one(session, now);
	away_sweep(channels->away, now);
}
