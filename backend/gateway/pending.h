/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to nodes whose outcome somebody waits for. Each ends exactly once: by a RESULT, by
 * the kernel reaching the state asked for, by its deadline or by the loss of its node.
 */
#ifndef ANCHORHOLD_GATEWAY_PENDING_H
#define ANCHORHOLD_GATEWAY_PENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/gateway/kernel.h"
#include "backend/gateway/table.h"

#define PENDING_MAX 65536u

struct pending_outcome {
	enum link_code code; /* LINK_E_TIMEOUT at the deadline */
	bool lost;     /* the node was lost before it answered */
	int32_t error;
	const uint8_t *text; /* not NUL-terminated; lives for the call */
	uint32_t text_len;
};

typedef void (*pending_done)(void *ctx, const struct pending_outcome *outcome);

struct pending {
	uint64_t id;
	uint8_t verb;
	struct node *node;
	struct kernel *kernel;	/* NULL: it concerns the node */
	struct pending *next;	/* of the same kernel */
	bool ready;		/* done only when the kernel is ready again */
	bool was_dead;		/* a stop of what was dead already: only the RESULT ends it */
	uint32_t incarnation;	/* of the kernel when it was asked */
	uint64_t deadline_ms;
	pending_done done;
	void *ctx;
};

struct pendings;

struct pendings *pendings_new(void);
/* Whoever still waits is not told. */
void pendings_free(struct pendings *pendings);

/* NULL: PENDING_MAX or no memory. id is the REQUEST's. done may be NULL: nobody waits. */
struct pending *pending_add(struct pendings *pendings, uint8_t verb, struct node *node,
			    struct kernel *kernel, uint64_t deadline_ms, pending_done done,
			    void *ctx);

/* Whoever waits with this ctx has gone: the request goes on, nobody is told. */
void pending_forget(struct pendings *pendings, uint64_t id);

void pending_result(struct pendings *pendings, const struct node *node,
		    const struct link_result *result);

/*
 * The kernel's state changed: ends one request that this decides. True: one was ended, and since
 * who was told may have removed the kernel, it is looked up anew before the next call.
 */
bool pending_kernel(struct pendings *pendings, struct kernel *kernel);

/* The kernel leaves the fleet: what waits for it ends with LINK_E_UNKNOWN. */
void pending_kernel_gone(struct pendings *pendings, struct kernel *kernel);

void pending_node_lost(struct pendings *pendings, const struct node *node);
void pending_sweep(struct pendings *pendings, uint64_t now_ms);

#endif
