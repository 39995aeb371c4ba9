/* SPDX-License-Identifier: Apache-2.0 */
/* The environments of the node: found, verified and mounted once at the monitor's start. */
#ifndef ANCHORHOLD_HOSTD_ENVIRONMENT_H
#define ANCHORHOLD_HOSTD_ENVIRONMENT_H

#include "hostd/manifest.h"
#include "hostd/store.h"

struct environment {
	struct manifest manifest;
	int root_fd; /* O_PATH root of the mounted image */
};

struct environments {
	struct store *store; /* keeps their mounts for the next monitor; NULL: nobody does */
	size_t count;
	struct environment *list[LINK_ENVIRONMENTS_MAX];
};

/*
 * Each folder of `folder` with a signed manifest, mounted below `mounts`. One that cannot be used
 * is logged and left out: the others still serve. One that an earlier monitor mounted, of the same
 * root hash, is used as it is. The list's store is the caller's, set before.
 */
int environments_open(const char *folder, const char *key_file, const char *mounts,
		      struct environments *ret_list);
void environments_close(struct environments *list);

/* NULL where there is none of that name. */
const struct environment *environment_find(const struct environments *list, const char *name);

#endif
