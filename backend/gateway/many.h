/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP request that asks many nodes or kernels something: it is answered when the last of
 * them has answered, and says of how many that was so and who failed or was not there.
 *
 *	{..., "told": 3, "failed": [{"name": ..., "message": ...}], "away": [...]}
 */
#ifndef ANCHORHOLD_GATEWAY_MANY_H
#define ANCHORHOLD_GATEWAY_MANY_H

#include "backend/gateway/pending.h"
#include "backend/gateway/request.h"

struct many;

/* The answer will be status and model (taken over) with the members above. NULL: no memory. */
struct many *many_new(struct request *request, int status, json_t *model);

/* What a pending request needs for one of them; name is copied. NULL: no memory. */
void *many_one(struct many *many, const char *name);
void many_done(void *one, const struct pending_outcome *outcome);

/* The request to that one could not be sent: -EHOSTDOWN counts as away. */
void many_unsent(void *one, int error);

/* All were asked: answers as soon as nobody is left. many may be gone afterwards. */
void many_go(struct many *many);

#endif
