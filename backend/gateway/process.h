/* SPDX-License-Identifier: Apache-2.0 */
/* What this process asks of the machine for itself. */
#ifndef ANCHORHOLD_GATEWAY_PROCESS_H
#define ANCHORHOLD_GATEWAY_PROCESS_H

#include <stddef.h>

/*
 * Before any secret is read: no core dump, and nobody of the same user reads the memory. Besides,
 * as many descriptors as the machine lets it have, to a ceiling: a connection is one, and
 * strangers hold theirs until their handshake is over. 0 or a negative errno.
 */
int process_harden(void);

/*
 * Before any thread is made: a message's buffers, of up to a few MiB, come from the heap, and its end
 * is not given back and fetched again from one message to the next. What so stays is 4 MiB at most.
 */
void process_heap(void);

/*
 * realloc(), with what is given back wiped; size 0 frees. For libwebsockets, in whose memory the
 * clients' headers, and with them their tokens, would stay. what is not used.
 */
void *process_realloc_wiped(void *data, size_t size, const char *what);

#endif
