/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interpreter's thread as the serving thread sees it. It takes requests from PAIR_WORK_INTERP,
 * runs them in one Lua state, and answers over the same pair (outgoing.h).
 */
#ifndef ANCHORHOLD_LUA_INTERP_H
#define ANCHORHOLD_LUA_INTERP_H

#include "environments/lua/message.h"
#include "environments/lua/sockets.h"

struct interp;

/*
 * Makes a Lua state with the kernel's functions in it and starts its thread, which ends with the
 * process and is never joined. -ENOMEM, or -errno of the thread. The pairs are borrowed for good.
 */
int interp_start(struct sockets *sockets, const struct session *session,
		 struct interp **ret_interp);

/*
 * Ends the run in progress, if there is one: from now on every Lua instruction and every wait
 * fails until the run is over, so that no pcall can hold it up. Callable from any thread.
 */
void interp_interrupt(struct interp *interp);

#endif
