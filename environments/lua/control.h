/* SPDX-License-Identifier: Apache-2.0 */
/* Requests on the control socket, and the serving thread's state that they act on. */
#ifndef ANCHORHOLD_LUA_CONTROL_H
#define ANCHORHOLD_LUA_CONTROL_H

#include "environments/lua/interp.h"
#include "environments/lua/outgoing.h"
#include "environments/lua/spool.h"
#include "environments/lua/waiting.h"

struct serve {
	struct sockets *sockets;
	struct interp *interp;
	struct session session;
	struct spool spool;
	struct waiting waiting; /* requests to be aborted */
	bool busy;	  /* the interpreter has a request */
	bool exiting;
	int exit_code;
};

/* Answers one request: busy, its reply, idle. Unknown types are ignored, as the protocol says. */
void control_handle(struct serve *serve, const struct request *request);

/* Publishes an execution state; parent NULL: of no request. */
void control_status(struct serve *serve, const char *state, const struct link_slice *parent);

/* The content of kernel_info_reply; NULL: no memory. */
json_t *kernel_info(void);

#endif
