/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The serving thread: one loop over the five sockets.
 *
 * It answers control and heartbeat itself, so that both work while Lua runs or waits. Shell
 * requests go to the interpreter one at a time; what it says goes out in the order it was said.
 * While iopub's reader is behind, the loop keeps what does not fit, takes nothing more from the
 * interpreter, and tries again; nothing is dropped.
 */
#ifndef ANCHORHOLD_LUA_SERVE_H
#define ANCHORHOLD_LUA_SERVE_H

#include <signal.h>

#include "environments/lua/interp.h"
#include "environments/lua/sockets.h"

/*
 * Runs until a shutdown request, SIGTERM or the interpreter's own wish; returns the exit code.
 * signals_pending is a bit set by the signal handlers, one bit a signal number.
 */
int serve(struct sockets *sockets, struct interp *interp, const struct session *session,
	  volatile sig_atomic_t *signals_pending);

#endif
