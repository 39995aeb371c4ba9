/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's sockets: five that the world sees, and two pairs between the kernel's two threads.
 *
 * The serving thread (serve.h) owns the five and one end of each pair, the interpreter's thread
 * (interp.h) the other ends. The pairs live in a context of their own, so that the five can be
 * closed in order while the interpreter is still busy.
 */
#ifndef ANCHORHOLD_LUA_SOCKETS_H
#define ANCHORHOLD_LUA_SOCKETS_H

#include "environments/lua/connection.h"

enum pair_end {
	PAIR_WORK,	  /* serving end: requests out, outgoing messages in */
	PAIR_INPUT,	  /* serving end: what came on stdin out */
	PAIR_WORK_INTERP, /* the interpreter's ends of the same */
	PAIR_INPUT_INTERP,
	PAIR_ENDS,
};

struct sockets {
	void *context;
	void *pairs_context;
	void *outer[CONNECTION_SOCKETS + 1]; /* by enum jupyter_port */
	void *pair[PAIR_ENDS];
};

/* Binds all. -errno of the first failure; nothing is left open then. */
int sockets_open(const struct connection *connection, struct sockets *ret_sockets);

/* Closes the five, giving what is queued in them linger_ms to leave. The pairs stay: the
 * interpreter may be using its ends, and the process is about to exit. */
void sockets_close(struct sockets *sockets, int linger_ms);

#endif
