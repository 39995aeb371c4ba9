/* SPDX-License-Identifier: Apache-2.0 */
/* Projects: a name, and the limits and policies of the kernels started in it. */
#ifndef ANCHORHOLD_GATEWAY_PROJECTS_H
#define ANCHORHOLD_GATEWAY_PROJECTS_H

#include <stdbool.h>

#include "backend/gateway/store.h"
#include "link/wire.h"

/*
 * The project's settings. -ENOENT: nobody has made it, and ret_settings has what is the rule
 * then; -EBADMSG: its row is damaged; -EIO, -ENOMEM.
 */
int project_get(struct store *store, const char *name, struct link_start *ret_settings);

/* -EIO, -ENOMEM. */
int project_put(struct store *store, const char *name, const struct link_start *settings);

/*
 * May this owner start kernels in it and see its settings? Everybody's own project has the
 * owner's name; an administrator may use all.
 */
bool project_may(const struct store_owner *owner, const char *name);

#endif
