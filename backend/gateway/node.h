/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node as the gateway knows it, and the way of frames to it. A node is known by its name,
 * which the store gives for its key; the connection it last said HELLO on is where it is.
 */
#ifndef ANCHORHOLD_GATEWAY_NODE_H
#define ANCHORHOLD_GATEWAY_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link/peer.h"
#include "link/queue.h"
#include "link/wire.h"

struct kernel;

#define NODE_OUTBOX_MAX (512u * 1024u)		  /* bytes of small frames that wait */
#define NODE_QUEUE_MAX (64u * 1024u * 1024u)	  /* bytes of messages that wait */
#define NODE_KERNEL_QUEUE_MAX (20u * 1024u * 1024u) /* of them for one kernel */
#define NODE_KERNEL_MESSAGES_MAX 4096u

struct node {
	char name[LINK_NAME_MAX];
	bool up;	/* HELLO was answered, the lease runs */
	bool told_lost; /* its lease ran out and everybody knows */
	bool revoked;
	bool locked; /* two nodes have its key */
	char key[CURVE_PRINT_LEN + 1];	    /* fingerprints of the keys it may come by */
	char next_key[CURVE_PRINT_LEN + 1]; /* "": it is not changing its key */
	bool by_next;		       /* its connection is by the next one */
	struct link_mark mark;	       /* that connection, to end it */
	bool cut;	  /* the kill switch is on for this node */
	bool cut_changed; /* it was used here: told again on each connection */
	struct link_route route;
	uint64_t seen_ms;      /* of clock_ms(): the last frame */
	uint64_t seen_unix_ms; /* 0: never in this process' life */
	uint64_t hello_unix_ms;
	uint64_t epoch;	       /* of this connection; see fleet.c */

	uint8_t boot_id[16];
	char version[LINK_NAME_MAX];
	char build_id[LINK_NAME_MAX];
	uint64_t entry_to_link_ms;
	uint32_t cpus, memory_mib, kernels_max;
	uint32_t promises;
	uint32_t environments_count, missing_count, timeline_count;
	struct link_environment *environments; /* owned */
	char (*missing)[LINK_NAME_MAX];	       /* owned */
	struct link_step timeline[LINK_STEPS_MAX];
	struct link_status status;
	uint64_t event_held; /* the first that could not be stored on this connection; 0: none */

	struct kernel *kernels; /* linked by node_next */
	unsigned kernels_count; /* of them not dead */

	struct link_outbox *outbox; /* both NULL until the first HELLO */
	struct link_queue *queue;
	struct node *waiting_next; /* those with something to send */
	bool waiting;
};

struct node *node_new(const char *name);
void node_free(struct node *node);

/* Takes over what a HELLO says. -ENOMEM. */
int node_hello(struct node *node, const struct link_hello *hello);

bool node_has_environment(const struct node *node, const char *name);

void node_link_kernel(struct node *node, struct kernel *kernel);
void node_unlink_kernel(struct kernel *kernel);

/* Drops whatever waits: the connection is gone. */
void node_clear(struct node *node);

/* Sends what goes now. 0: nothing is left; -EAGAIN: try later; -EHOSTUNREACH: it is gone. */
int node_flush(struct node *node, void *socket);

#endif
