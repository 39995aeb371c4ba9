/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/strict.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostd/image.h"
#include "hostd/verity.h"

#define MOUNTS "/run/strict"
#define DEVICE_MAX 32

/*
 * The name of slot `number`'s device and the place of its mount. An earlier monitor's device is
 * there while cells of it are: each monitor has names of its own, and a device goes with its last
 * mount.
 */
static void names(unsigned number, char device[DEVICE_MAX], char point[40])
{
	snprintf(device, DEVICE_MAX, "strict-%u-%d", number, (int)getpid());
	snprintf(point, 40, MOUNTS "/%u", number);
}

static void take_away(unsigned number)
{
	char device[DEVICE_MAX];
	char point[40];

	names(number, device, point);
	image_unmount(point, device);
	rmdir(point);
}

void strict_sweep(void)
{
	struct stat st;
	char device[DEVICE_MAX];
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
	char device[DEVICE_MAX];
	char point[40];
	const struct image_place place = {
		.folder = environments, .point = point, .device = device, .direct = true};
	int r;

	names(number, device, point);
	*ret_step = "strict: mount point";
	if ((mkdir(MOUNTS, 0755) < 0 && errno != EEXIST) ||
	    (mkdir(point, 0755) < 0 && errno != EEXIST))
		return -errno;
	r = image_mount(&place, manifest, ret_root, ret_step);
	if (r == 0)
		verity_remove(device);
	if (r < 0)
		rmdir(point);
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
