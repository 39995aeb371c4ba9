/* SPDX-License-Identifier: Apache-2.0 */
#include "init/root.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* An existing folder of the node's root; only this child's own mount namespace changes it. */
#define MOUNT_POINT "/tmp"
#define LOCKED (MS_NOSUID | MS_NODEV | MS_NOEXEC)

/* What a mount is made of and what it is held to are two calls, as the kernel has it. */
static int bind(const char *from, const char *to, unsigned long flags)
{
	if (mount(from, to, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, to, NULL, MS_REMOUNT | MS_BIND | flags, NULL) < 0)
		return -errno;
	return 0;
}

static int add(const struct root_row *row)
{
	char path[128];
	struct stat st;

	if (snprintf(path, sizeof(path), MOUNT_POINT "%s", row->path) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (row->flags == 0)
		return mkdir(path, 0555) < 0 ? -errno : 0;
	if (stat(row->path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode) ? mkdir(path, 0555) < 0 : mknod(path, S_IFREG | 0444, 0) < 0)
		return -errno;
	return bind(row->path, path, row->flags);
}

/* pivot_root(".", ".") stacks the old root on the new one; it is taken off at once. */
static int pivot(void)
{
	if (chdir(MOUNT_POINT) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -errno;
	return 0;
}

int root_enter(const struct root_row *rows)
{
	int err = 0;

	/* Nothing mounted from here on may spread to the node, nor the node's mounts to here. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", MOUNT_POINT, "tmpfs", LOCKED, "size=4k,nr_inodes=16,mode=0555") < 0)
		return -errno;
	for (; rows->path && !err; rows++)
		err = add(rows);
	if (!err && mount(NULL, MOUNT_POINT, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | LOCKED,
			  NULL) < 0)
		err = -errno;
	return err ? err : pivot();
}
