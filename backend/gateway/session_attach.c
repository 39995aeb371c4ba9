/* SPDX-License-Identifier: Apache-2.0 */
/* A session's place in its kernel's log: taken, kept across losses, taken again. */
#include <errno.h>

#include "backend/gateway/clock.h"
#include "backend/gateway/log.h"
#include "backend/gateway/session.h"

#define RETRY_MS 250u
#define TRIES_MAX 80u /* 20 s: as long as a node's lease */

void session_attach(struct session *session)
{
	struct kernel *kernel = session->kernel;
	struct link_attach attach = {
		.session = session->id,
		.resume = session->received != 0,
		.cursor = session->received,
		.credit = SESSION_WINDOW,
	};

	/* A dead kernel's log is still there to be read; one not begun has none. */
	if (session->attached || kernel == NULL || session->close_code != 0 || kernel->state == 0 ||
	    clock_ms() < session->attach_ms)
		return;
	link_join_reset(session->join);
	if (fleet_attach(session->channels->fleet, kernel, &attach) < 0)
		return;
	session->attached = true;
	session->resuming = attach.resume != 0;
	session->owed = 0;
}

void session_report(struct session *session)
{
	if (session->acked > session->reported && session->attached && session->kernel != NULL &&
	    fleet_session(session->channels->fleet, session->kernel, LINK_CURSOR, session->id,
			  session->acked) == 0)
		session->reported = session->acked;
}

void session_suspect(struct session *session)
{
	inflight_suspect(session->inflight);
	session->suspect_ms = clock_ms() + SESSION_SUSPECT_MS;
}

void session_reattach(struct session *session)
{
	/* Without a cursor its place is known to the node alone, which hands it on when it leaves.
	 */
	if (session->attached && session->received == 0)
		fleet_session(session->channels->fleet, session->kernel, LINK_DETACH, session->id,
			      0);
	session->attached = false;
	session->attach_ms = 0;
	session->attach_tries = 0;
	session->reported = 0;
	session_suspect(session);
	session_attach(session);
}

static void retry(struct session *session)
{
	session->attach_ms = clock_ms() + RETRY_MS;
	/* A dead kernel's log may be gone too, and then there is no more to say. */
	if (++session->attach_tries > TRIES_MAX && session->kernel->state == LINK_KERNEL_READY)
		session_close(session, 1013, "the node does not take this session");
}

void session_attach_refused(struct session *session, enum link_code code)
{
	bool resuming = session->resuming;

	if (session->attach_tries == 0 && code != LINK_E_BUSY)
		log_line("kernel %s: a session is not attached: %s", session->kernel->text,
			 link_code_name(code));
	session->attached = false;
	session->resuming = false;
	if (code == LINK_E_STALE && resuming) {
		/* Its cursor belongs to a log that is no more: from where the log is now. */
		session->received = 0;
		session_attach(session);
	} else if (code == LINK_E_STALE) {
		/* The relay that knew it died. The node tells the client of any gap. */
		session_suspect(session);
		session_attach(session);
	} else if (code == LINK_E_EXISTS) {
		fleet_session(session->channels->fleet, session->kernel, LINK_DETACH, session->id,
			      0);
		retry(session);
	} else {
		retry(session);
	}
}
