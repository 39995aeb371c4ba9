/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/place.h"

#include <stdio.h>

unsigned place_kernels(const struct node *node)
{
	return node->kernels_count > node->status.kernels ? node->kernels_count
							  : node->status.kernels;
}

/* Share of its kernels, in 1/1000, and the pressure of its memory on top. */
static unsigned load(const struct node *node)
{
	unsigned share = node->kernels_max == 0
				 ? 1000
				 : (unsigned)((uint64_t)place_kernels(node) * 1000u /
					      node->kernels_max);

	return share + node->status.pressure_memory / 10u;
}

struct node *place_choose(const struct fleet *fleet, const char *environment, char *ret_why,
			  size_t why_size)
{
	unsigned up = 0, refusing = 0, lacking = 0, full = 0;
	struct node *node, *best = NULL;
	size_t cursor = 0;

	while ((node = fleet_node_next(fleet, &cursor)) != NULL) {
		if (!node->up)
			continue;
		up++;
		if (node->missing_count > 0) {
			refusing++;
		} else if (!node_has_environment(node, environment)) {
			lacking++;
		} else if (place_kernels(node) >= node->kernels_max) {
			full++;
		} else if (best == NULL || load(node) < load(best)) {
			best = node;
		}
	}
	if (best != NULL)
		return best;
	if (up == 0)
		snprintf(ret_why, why_size, "no node is connected");
	else
		snprintf(ret_why, why_size,
			 "no node can take a kernel of '%s': %u connected, %u refuse because "
			 "protections are missing, %u lack it, %u are full",
			 environment, up, refusing, lacking, full);
	return NULL;
}
