/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the interpreter's thread tells the serving thread, one message each over PAIR_WORK:
 * a first part of one byte that says what it is, then:
 */
#ifndef ANCHORHOLD_LUA_OUTGOING_H
#define ANCHORHOLD_LUA_OUTGOING_H

#include "environments/lua/message.h"

enum outgoing_kind {
	/* 1..5: the rest is a message for that outer socket (enum jupyter_port) */
	OUTGOING_STREAM = 16, /* name, parent header, text: printed; joined with its neighbours */
	OUTGOING_DONE = 17,   /* the request is dealt with */
	OUTGOING_EXIT = 18,   /* one byte: the exit code; what came before is sent first */
	/* The cell failed: what waits on shell now is to be aborted. Said before the reply, since
	 * what a client sends once it has that is not meant. */
	OUTGOING_FAILED = 19,
};

/* And what it is told: the first part of a message from the serving thread over PAIR_WORK. */
enum work_kind {
	WORK_REQUEST = 1,
	WORK_ABORT = 2, /* a request that was waiting when an earlier one failed */
};

/* The interpreter's side. Used by its thread alone. */
struct outgoing {
	void *socket;
	struct session session;
	int (*wait)(void *arg); /* asked after each interrupted wait; nonzero: give up */
	void *wait_arg;
};

/*
 * All return 0, -EMSGSIZE (too large), -EINTR (gave up because of an interrupt, nothing was
 * sent), or another -errno. They block while the reader of iopub is behind.
 */
int outgoing_publish(struct outgoing *outgoing, const char *type, const struct request *parent,
		     const json_t *content);
int outgoing_reply(struct outgoing *outgoing, enum jupyter_port port, const char *type,
		   const struct request *request, const json_t *content);
int outgoing_stream(struct outgoing *outgoing, const char *name, const struct request *parent,
		    const char *text, size_t len);
int outgoing_byte(struct outgoing *outgoing, enum outgoing_kind kind, uint8_t value);

/* Frames as they are, behind the kind; empties frames. For what must not be a proper message. */
int outgoing_raw(struct outgoing *outgoing, uint8_t kind, struct frames *frames);

#endif
