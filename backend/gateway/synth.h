/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages the gateway says on a kernel's behalf: that it restarts or is dead, why, and that a
 * request will not be answered. They look like the kernel's own, with username `anchorhold`.
 */
#ifndef ANCHORHOLD_GATEWAY_SYNTH_H
#define ANCHORHOLD_GATEWAY_SYNTH_H

#include "backend/gateway/inflight.h"
#include "link/parts.h"

struct synth {
	enum link_channel channel;
	struct link_parts parts; /* slices into text, and into the parent header given */
	char *text[2];		 /* header and content; owned */
};

/* parent may be {NULL, 0}. All return 0 or -ENOMEM; free with synth_free() in either case. */
int synth_status(struct synth *ret, struct link_slice parent, const char *execution_state);
int synth_stderr(struct synth *ret, struct link_slice parent, const char *text);
/* The iopub `error` a notebook shows below a cell. */
int synth_error(struct synth *ret, struct link_slice parent, const char *name, const char *text);
/* The reply of a request that failed: X_request is answered by X_reply with status `error`. */
int synth_reply(struct synth *ret, const struct inflight_request *request, const char *name,
		const char *text);

void synth_free(struct synth *synth);

#endif
