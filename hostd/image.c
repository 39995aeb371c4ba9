/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "hostd/verity.h"

int image_mount(const struct image_place *place, const struct manifest *manifest, int *ret_root,
		const char **ret_step)
{
	char image[512];
	const struct verity_spec spec = {
		.name = place->device,
		.image = image,
		.data_blocks = manifest->data_blocks,
		.root_hash = manifest->root_hash,
		.salt = manifest->salt,
		.salt_len = manifest->salt_len,
		.mount_point = place->point,
		.shown = place->shown,
		.direct = place->direct,
	};
	int r;

	snprintf(image, sizeof(image), "%s/%s/image", place->folder, manifest->name);
	r = verity_mount(&spec, ret_step);
	if (r < 0)
		return r;
	*ret_root = open(place->point, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (*ret_root >= 0)
		return 0;
	r = -errno;
	*ret_step = "root of the image";
	image_unmount(place->point, place->device);
	return r;
}

void image_unmount(const char *point, const char *device)
{
	umount2(point, MNT_DETACH | UMOUNT_NOFOLLOW);
	verity_remove(device);
}
