/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/dev.h"

#include "hostd/cell/sys.h"
#include "hostd/cell/tmpfs.h"
#include "hostd/cell/uids.h"
#include "hostd/cell/util.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#define DEV_BYTES 65536u
#define DEV_INODES 32u
#define PTYS "64" /* of the node's 4096: one cell cannot take the others' */

static const struct {
	const char *name;
	unsigned major, minor;
} nodes[] = {
	{"null", 1, 3},	 {"zero", 1, 5},    {"full", 1, 7},
	{"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
};

static const struct {
	const char *name, *target;
} links[] = {
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
	{"ptmx", "pts/ptmx"},
};

static const char *const mount_points[] = {"pts", "shm"};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int fill(int dev)
{
	for (size_t i = 0; i < COUNT(nodes); i++)
		if (mknodat(dev, nodes[i].name, S_IFCHR | 0666,
			    makedev(nodes[i].major, nodes[i].minor)) < 0 ||
		    fchmodat(dev, nodes[i].name, 0666, 0) < 0)
			return -errno;
	for (size_t i = 0; i < COUNT(links); i++)
		if (symlinkat(links[i].target, dev, links[i].name) < 0)
			return -errno;
	for (size_t i = 0; i < COUNT(mount_points); i++)
		if (mkdirat(dev, mount_points[i], 0755) < 0)
			return -errno;
	return 0;
}

int dev_new(int *ret_fd)
{
	const struct tmpfs_spec spec = {
		.size = DEV_BYTES,
		.inodes = DEV_INODES,
		.mode = 0755,
		.attributes = SYS_ATTR_NOSUID | SYS_ATTR_NOEXEC,
	};
	CLEANUP_FD int dev = -1;
	int result = tmpfs_new(&spec, &dev);

	if (result == 0)
		result = fill(dev);
	if (result == 0)
		result = sys_mount_setattr(dev, 0, SYS_ATTR_RDONLY, 0);
	if (result == 0)
		*ret_fd = fd_take(&dev);
	return result;
}

int dev_open_null(int dev)
{
	CLEANUP_FD int fd = sys_open_beneath(dev, "null", O_RDWR, 0);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return -ENODEV;
	return fd_take(&fd);
}

static int attach(int mount, int dev, const char *name)
{
	CLEANUP_FD int target = sys_open_beneath(dev, name, O_PATH | O_DIRECTORY, 0);

	return target < 0 ? target : sys_move_mount(mount, target, "");
}

/* Made by the child and not by the monitor: only the initial mount namespace's devpts may use
 * the ptys that the kernel holds in reserve for the node. */
static int new_devpts(int *ret_fd)
{
	CLEANUP_FD int fs = sys_fsopen("devpts");
	int result = fs;

	if (result >= 0)
		result = sys_fsconfig_string(fs, "ptmxmode", "0666");
	if (result >= 0)
		result = sys_fsconfig_string(fs, "mode", "0620");
	if (result >= 0)
		result = sys_fsconfig_string(fs, "max", PTYS);
	if (result >= 0)
		result = sys_fsconfig_create(fs);
	if (result >= 0)
		result = sys_fsmount(fs, SYS_ATTR_NOSUID | SYS_ATTR_NOEXEC);
	if (result < 0)
		return result;
	*ret_fd = result;
	return 0;
}

int dev_mount(int dev, uint64_t shm_bytes)
{
	const struct tmpfs_spec spec = {
		.size = shm_bytes,
		.inodes = tmpfs_inodes(shm_bytes),
		.mode = 01777,
		.owner = UIDS_INSIDE,
		.attributes = SYS_ATTR_NOSUID | SYS_ATTR_NODEV | SYS_ATTR_NOEXEC,
	};
	CLEANUP_FD int pts = -1;
	CLEANUP_FD int shm = -1;
	int result = new_devpts(&pts);

	if (result == 0)
		result = attach(pts, dev, "pts");
	if (result == 0)
		result = tmpfs_new(&spec, &shm);
	return result < 0 ? result : attach(shm, dev, "shm");
}
