/* SPDX-License-Identifier: Apache-2.0 */
/* An environment's image as its signed manifest describes it: mounted, and its root opened. */
#ifndef ANCHORHOLD_HOSTD_IMAGE_H
#define ANCHORHOLD_HOSTD_IMAGE_H

#include "hostd/manifest.h"

struct image_place {
	const char *folder; /* of the environments; the image is in the one of its name */
	const char *point;  /* where it is mounted; exists */
	const char *device; /* the rest as in struct verity_spec */
	const char *shown;
	bool direct;
};

/* The root is O_PATH. -errno with *ret_step (static text), nothing left mounted. */
int image_mount(const struct image_place *place, const struct manifest *manifest, int *ret_root,
		const char **ret_step);

/* Takes the mount away, from under whoever still uses it; its device goes with the last of them. */
void image_unmount(const char *point, const char *device);

#endif
