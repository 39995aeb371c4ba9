/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes for the kernel, put in order: each message is taken once, in its sender's sequence
 * (link/cursor.h), and joined from its chunks within one budget (link/chunk.h). No I/O.
 */
#ifndef ANCHORHOLD_HOSTD_RELAY_IN_H
#define ANCHORHOLD_HOSTD_RELAY_IN_H

#include <stdbool.h>
#include <stdint.h>

#include "link/bytes.h"
#include "link/wire.h"

struct relay_in;

int relay_in_new(struct relay_in **ret_in);
void relay_in_free(struct relay_in *in);

/*
 * From now on for this incarnation. With adopt a sender's first message may have any sequence:
 * this relay is not the incarnation's first and cannot know what the others took.
 */
void relay_in_start(struct relay_in *in, uint32_t incarnation, bool adopt);

/* The stream was lost: what was begun is forgotten, what was taken is not. */
void relay_in_forget(struct relay_in *in);

/*
 * Takes a chunk; attached: its session is. *ret_message is the whole message, valid until the next
 * call, or its data NULL while it is incomplete. -ESTALE, -EALREADY or -ENODATA: not its turn;
 * -ENOENT: not attached; -EINVAL, -EBADMSG: no chunk of a message; -EMSGSIZE, -ENOBUFS, -ENOMEM:
 * no room. -ECANCELED: of a message that was refused, and this was told.
 */
int relay_in_take(struct relay_in *in, const struct link_chunk *chunk, bool attached,
		  struct link_slice *ret_message);

/* The message that the chunk belongs to is refused: nothing more is said of its other chunks. */
void relay_in_refuse(struct relay_in *in, const struct link_chunk *chunk);

#endif
