/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing a node for a kernel. */
#ifndef ANCHORHOLD_GATEWAY_PLACE_H
#define ANCHORHOLD_GATEWAY_PLACE_H

#include <stddef.h>

#include "backend/gateway/fleet.h"

/*
 * The node that is up, keeps its promises, has the environment and room, and of those the
 * least loaded. NULL where there is none; then a sentence in ret_why says which was missing.
 */
struct node *place_choose(const struct fleet *fleet, const char *environment, char *ret_why,
			  size_t why_size);

/* Kernels on the node: what it says or what was placed on it since, whichever is more. */
unsigned place_kernels(const struct node *node);

#endif
