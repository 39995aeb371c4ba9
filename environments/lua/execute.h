/* SPDX-License-Identifier: Apache-2.0 */
/* execute_request. */
#ifndef ANCHORHOLD_LUA_EXECUTE_H
#define ANCHORHOLD_LUA_EXECUTE_H

#include "environments/lua/run.h"

/* The name of a cell's code in tracebacks and to debug.getinfo(). */
#define EXECUTE_CHUNK_NAME "=In[%d]"

/*
 * Runs the request's code, publishing as it goes. The content of execute_reply (NULL: no
 * memory); *ret_abort: it failed, and what waits behind it is to be aborted.
 */
json_t *execute(struct interp *interp, const struct request *request, bool *ret_abort);

#endif
