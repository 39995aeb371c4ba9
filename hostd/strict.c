/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/strict.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostd/verity.h"

#define MOUNTS "/run/strict"

/* The name of slot `number`'s device and the place of its mount. */
static void names(unsigned number, char device[24], char point[40])
{
	snprintf(device, 24, "strict-%u", number);
	snprintf(point, 40, MOUNTS "/%u", number);
}

static void take_away(unsigned number)
{
	char device[24];
	char point[40];

	names(number, device, point);
	umount2(point, MNT_DETACH | UMOUNT_NOFOLLOW);
	verity_remove(device);
	rmdir(point);
}

void strict_sweep(void)
{
	struct stat st;
	char device[24];
	char point[40];

	/* Slots are used from the lowest, so that the first hole of this length ends the list. */
	for (unsigned number = 0, missed = 0; number < STRICT_MAX && missed < 64; number++) {
		names(number, device, point);
		if (lstat(point, &st) < 0) {
			missed++;
			continue;
		}
		take_away(number);
	}
}

static int mount_it(unsigned number, const char *environments, const struct manifest *manifest,
		    int *ret_root, const char **ret_step)
{
	char image[256];
	char device[24];
	char point[40];
	const struct verity_spec spec = {
		.name = device,
		.image = image,
		.data_blocks = manifest->data_blocks,
		.root_hash = manifest->root_hash,
		.salt = manifest->salt,
		.salt_len = manifest->salt_len,
		.mount_point = point,
		.direct = true,
	};
	int r;

	names(number, device, point);
	snprintf(image, sizeof(image), "%s/%s/image", environments, manifest->name);
	*ret_step = "strict: mount point";
	if ((mkdir(MOUNTS, 0755) < 0 && errno != EEXIST) ||
	    (mkdir(point, 0755) < 0 && errno != EEXIST))
		return -errno;
	r = verity_mount(&spec, ret_step);
	if (r == 0) {
		*ret_root = open(point, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		r = *ret_root < 0 ? -errno : 0;
	}
	if (r < 0)
		take_away(number);
	return r;
}

static struct strict *find(struct stricts *stricts, const char *environment, const char *project)
{
	for (unsigned i = 0; i < STRICT_MAX; i++)
		if (strcmp(stricts->list[i].project, project) == 0 &&
		    (!environment || strcmp(stricts->list[i].environment, environment) == 0))
			return &stricts->list[i];
	return NULL;
}

int strict_take(struct stricts *stricts, const char *environments, const struct manifest *manifest,
		const char *project, struct strict **ret_strict, const char **ret_step)
{
	struct strict *strict;
	int r;

	*ret_step = "strict: project";
	if (project[0] == '\0')
		return -EINVAL;
	*ret_step = "strict: no environments of its own on this node";
	if (!environments)
		return -EOPNOTSUPP;
	strict = find(stricts, manifest->name, project);
	if (!strict) {
		*ret_step = "strict: none is free";
		strict = find(stricts, NULL, "");
		if (!strict)
			return -EMFILE;
		r = mount_it((unsigned)(strict - stricts->list), environments, manifest,
			     &strict->root_fd, ret_step);
		if (r < 0)
			return r;
		snprintf(strict->project, sizeof(strict->project), "%s", project);
		snprintf(strict->environment, sizeof(strict->environment), "%s", manifest->name);
		strict->kernels = 0;
		stricts->count++;
	}
	strict->kernels++;
	*ret_strict = strict;
	return 0;
}

void strict_give(struct stricts *stricts, struct strict *strict)
{
	if (!strict || --strict->kernels > 0)
		return;
	close(strict->root_fd);
	strict->project[0] = '\0';
	stricts->count--;
	take_away((unsigned)(strict - stricts->list));
}
