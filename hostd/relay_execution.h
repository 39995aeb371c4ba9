/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which execution a kernel says it is at: between `status: busy` and `status: idle` for one
 * execute_request on iopub. It is the kernel's own word, and a hostile one may say idle and go
 * on: then it has evaded this deadline, not the limits of CPU, wall clock or anything else.
 */
#ifndef ANCHORHOLD_HOSTD_RELAY_EXECUTION_H
#define ANCHORHOLD_HOSTD_RELAY_EXECUTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link/parts.h"

#define EXECUTION_PARENT_MAX 2048u /* a larger header is no usual client's: not kept */

struct relay_execution {
	bool busy;
	char id[128]; /* msg_id of its request */
	size_t parent_len;
	uint8_t parent[EXECUTION_PARENT_MAX]; /* its request's header */
};

enum execution_change { EXECUTION_SAME, EXECUTION_BEGAN, EXECUTION_ENDED };

/*
 * A message on iopub, as a parts blob. Busy for another request while one is under way changes
 * which one ends it, and is no new beginning.
 */
enum execution_change relay_execution_see(struct relay_execution *execution, const uint8_t *blob,
					  size_t len);

/* What a message about the running execution has as its parent header; {NULL, 0}: none runs. */
struct link_slice relay_execution_parent(const struct relay_execution *execution);

#endif
