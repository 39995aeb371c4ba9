/* SPDX-License-Identifier: Apache-2.0 */
/* Requests on the shell socket: one table. */
#ifndef ANCHORHOLD_LUA_SHELL_H
#define ANCHORHOLD_LUA_SHELL_H

#include "environments/lua/run.h"

/*
 * Answers one request: busy, what it does, its reply, idle. aborted: an execute_request is
 * answered so, unexecuted. Unknown types are ignored.
 */
void shell_handle(struct interp *interp, const struct request *request, bool aborted);

#endif
