/* SPDX-License-Identifier: Apache-2.0 */
/* lua-kernel CONNECTION_FILE: a Jupyter kernel for Lua 5.4. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "environments/lua/connection.h"
#include "environments/lua/serve.h"
#include "link/secret.h"

/* Signals that came and are not yet acted on; a handler has nowhere else to put them. */
static volatile sig_atomic_t signals_pending;

static void on_signal(int signal)
{
	signals_pending |= 1 << signal;
}

static int signals_take(void)
{
	/* No SA_RESTART: the loop's wait must end. */
	struct sigaction action = {.sa_handler = on_signal};

	if (sigaction(SIGINT, &action, NULL) < 0 || sigaction(SIGTERM, &action, NULL) < 0)
		return -errno;
	action.sa_handler = SIG_IGN;
	return sigaction(SIGPIPE, &action, NULL) < 0 ? -errno : 0;
}

static int fail(const char *what, int rc)
{
	fprintf(stderr, "lua-kernel: %s: %s\n", what, strerror(-rc));
	return 1;
}

int main(int argc, char **argv)
{
	struct connection connection;
	struct sockets sockets;
	struct session session;
	struct interp *interp;
	int rc;

	if (argc != 2) {
		fprintf(stderr, "usage: lua-kernel CONNECTION_FILE\n");
		return 2;
	}
	rc = connection_read(argv[1], &connection);
	if (rc < 0)
		return fail(argv[1], rc);
	rc = session_new(&connection.key, &session);
	if (rc == 0)
		rc = signals_take();
	if (rc == 0)
		rc = sockets_open(&connection, &sockets);
	connection_wipe(&connection);
	if (rc < 0)
		return fail("sockets", rc);
	rc = interp_start(&sockets, &session, &interp);
	if (rc < 0)
		return fail("interpreter", rc);
	rc = serve(&sockets, interp, &session, &signals_pending);
	secret_wipe(&session, sizeof(session));
	return rc;
}
