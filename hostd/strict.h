/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict mode: an environment mounted for one project alone, for tenants who may share no page
 * with others. The page cache belongs to a file system's inodes, so what makes the pages a
 * project's own is a superblock of its own: loop device, verity mapping and erofs mount. The
 * loop device reads past the image file's own cache (direct I/O, proven), so the file itself
 * needs no copy. Made at the first kernel of the project, gone with its last one.
 */
#ifndef ANCHORHOLD_HOSTD_STRICT_H
#define ANCHORHOLD_HOSTD_STRICT_H

#include <stdint.h>

#include "hostd/manifest.h"

#define STRICT_MAX LINK_KERNELS_MAX

struct strict {
	char project[LINK_NAME_MAX]; /* "": free */
	char environment[LINK_NAME_MAX];
	uint32_t kernels; /* that use it */
	int root_fd;	  /* O_PATH root of the mounted image */
};

struct stricts {
	uint32_t count; /* in use */
	struct strict list[STRICT_MAX];
};

/* Takes away what an earlier monitor of this boot left mounted. */
void strict_sweep(void);

/*
 * The project's own mount of the environment whose folder is in `environments`, made if it is not
 * there yet. -errno with *ret_step (static text), nothing left.
 */
int strict_take(struct stricts *stricts, const char *environments, const struct manifest *manifest,
		const char *project, struct strict **ret_strict, const char **ret_step);

/* NULL is fine. The last one unmounts. */
void strict_give(struct stricts *stricts, struct strict *strict);

#endif
