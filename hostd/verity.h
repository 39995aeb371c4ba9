/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file with an erofs image and its dm-verity tree, mounted: read-only loop device, device
 * mapper's verity target, erofs. From then on every block that is read is checked against the
 * root hash; a wrong one is an I/O error.
 */
#ifndef ANCHORHOLD_HOSTD_VERITY_H
#define ANCHORHOLD_HOSTD_VERITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct verity_spec {
	const char *name;  /* of the mapped device; [a-z0-9-] */
	const char *image; /* the file */
	uint32_t data_blocks; /* of 4096 bytes; the tree's superblock follows */
	const uint8_t *root_hash; /* 32 bytes */
	const uint8_t *salt;
	size_t salt_len;
	const char *mount_point; /* exists */
	const char *shown;	 /* for `name` where the mount is listed; NULL: that */
	bool direct; /* an error where the loop device would read through the image's page cache */
};

/* 0, or -errno with *ret_step naming what failed (static text). Nothing is left behind then. */
int verity_mount(const struct verity_spec *spec, const char **ret_step);

/* The mapped device, once its file system is unmounted: at once, or when its last user is gone. */
void verity_remove(const char *name);

/* The table's line of a verity target; 0, or -ENAMETOOLONG. */
int verity_table(const struct verity_spec *spec, unsigned major_number, unsigned minor_number,
		 char *ret, size_t size);

#endif
