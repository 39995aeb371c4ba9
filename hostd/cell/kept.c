/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/kept.h"

#include "hostd/cell/dev.h"
#include "hostd/cell/sockets.h"
#include "hostd/cell/sys.h"
#include "hostd/cell/tmpfs.h"
#include "hostd/cell/uids.h"
#include "hostd/cell/util.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define BUSY_TIMEOUT_MS 500u
#define BUSY_PAUSE_MS 2

static void format_name(char name[24], unsigned slot, enum kept_mount which)
{
	snprintf(name, 24, "%u.%d", slot, (int)which);
}

static int new_own(uid_t owner, unsigned mode, uint64_t bytes, int *ret_fd)
{
	const struct tmpfs_spec spec = {
		.size = bytes,
		.inodes = tmpfs_inodes(bytes),
		.mode = mode,
		.owner = owner,
		.attributes = SYS_ATTR_NOSUID | SYS_ATTR_NODEV,
	};

	return tmpfs_new(&spec, ret_fd);
}

static int make(unsigned slot, enum kept_mount which, uint64_t tmpfs_bytes, int *ret_fd)
{
	switch (which) {
	case KEPT_DEV:
		return dev_new(ret_fd);
	case KEPT_TMP:
		return new_own(uids_cell(slot), 01777, tmpfs_bytes, ret_fd);
	case KEPT_HOME:
		return new_own(uids_cell(slot), 0700, tmpfs_bytes, ret_fd);
	case KEPT_SOCKETS:
		return sockets_new(uids_cell(slot), uids_relay(slot), ret_fd);
	default:
		return -EINVAL;
	}
}

static int attach(int mount, unsigned slot, enum kept_mount which)
{
	char name[24];
	int result;

	format_name(name, slot, which);
	if (mkdirat(AT_FDCWD, name, 0700) < 0)
		return -errno;
	result = sys_move_mount(mount, AT_FDCWD, name);
	if (result < 0)
		(void)unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
	return result;
}

/*
 * Busy without DETACH means that a file of it is open. For a moment one is so that nobody will use:
 * another cell's first process has copies of all our descriptors until it closes them.
 */
static int umount_unused(const char *name)
{
	uint64_t deadline = clock_ms() + BUSY_TIMEOUT_MS;
	int result = sys_umount(name, SYS_UMOUNT_NOFOLLOW);

	while (result == -EBUSY && clock_ms() < deadline) {
		(void)poll(NULL, 0, BUSY_PAUSE_MS);
		result = sys_umount(name, SYS_UMOUNT_NOFOLLOW);
	}
	return result;
}

static int detach(struct kept *kept, enum kept_mount which)
{
	char name[24];
	int result;

	if (kept->mount[which] < 0)
		return 0;
	fd_close(&kept->mount[which]);
	format_name(name, kept->slot, which);
	result = umount_unused(name);
	if (result < 0)
		(void)sys_umount(name, SYS_UMOUNT_NOFOLLOW | SYS_UMOUNT_DETACH);
	if (unlinkat(AT_FDCWD, name, AT_REMOVEDIR) < 0 && result == 0)
		result = -errno;
	return result;
}

static int detach_all(struct kept *kept)
{
	int result = 0;

	for (int i = 0; i < KEPT_MOUNTS; i++) {
		int one = detach(kept, (enum kept_mount)i);

		if (one < 0)
			result = one;
	}
	return result;
}

int kept_new(const struct mountns *ns, unsigned slot, uint64_t tmpfs_bytes, struct kept *ret_kept)
{
	struct kept kept = {.mount = {-1, -1, -1, -1}, .slot = slot};
	int result = mountns_enter(ns->keeper);

	if (result < 0)
		return result;
	for (int i = 0; result == 0 && i < KEPT_MOUNTS; i++) {
		CLEANUP_FD int mount = -1;

		result = make(slot, (enum kept_mount)i, tmpfs_bytes, &mount);
		if (result == 0)
			result = attach(mount, slot, (enum kept_mount)i);
		if (result == 0)
			kept.mount[i] = fd_take(&mount);
	}
	if (result < 0)
		(void)detach_all(&kept);
	else
		*ret_kept = kept;
	mountns_leave(ns);
	return result;
}

/* A folder that nothing is mounted on, or anything else by that name, is not it. */
static int find(unsigned slot, enum kept_mount which, dev_t root, int *ret_fd)
{
	CLEANUP_FD int fd = -1;
	char name[24];
	struct stat st;

	format_name(name, slot, which);
	fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_dev == root)
		return -ENOENT;
	*ret_fd = fd_take(&fd);
	return 0;
}

int kept_adopt(const struct mountns *ns, unsigned slot, struct kept *ret_kept)
{
	struct kept kept = {.mount = {-1, -1, -1, -1}, .slot = slot};
	struct stat root;
	int result = mountns_enter(ns->keeper);

	if (result < 0)
		return result;
	result = stat(".", &root) < 0 ? -errno : 0;
	for (int i = 0; result == 0 && i < KEPT_MOUNTS; i++)
		result = find(slot, (enum kept_mount)i, root.st_dev, &kept.mount[i]);
	mountns_leave(ns);
	if (result == 0) {
		*ret_kept = kept;
		return 0;
	}
	for (int i = 0; i < KEPT_MOUNTS; i++)
		fd_close(&kept.mount[i]);
	return result;
}

static void take_away(const char *name)
{
	(void)sys_umount(name, SYS_UMOUNT_NOFOLLOW | SYS_UMOUNT_DETACH);
	(void)unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
}

int kept_settle(const struct mountns *ns, bool (*known)(void *ctx, unsigned slot), void *ctx)
{
	int result = mountns_enter(ns->keeper);
	DIR *dir = result < 0 ? NULL : opendir(".");
	struct dirent *entry;

	if (result == 0 && !dir)
		result = -errno;
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    !known(ctx, (unsigned)strtoul(entry->d_name, NULL, 10)))
			take_away(entry->d_name);
	if (dir)
		closedir(dir);
	if (result == 0)
		mountns_leave(ns);
	return result;
}

int kept_free(const struct mountns *ns, struct kept *kept)
{
	int result = mountns_enter(ns->keeper);

	if (result < 0)
		return result;
	result = detach_all(kept);
	mountns_leave(ns);
	return result;
}

int kept_clone(const struct kept *kept, enum kept_mount which, int *ret_fd)
{
	int fd = sys_open_tree_clone(kept->mount[which], "");

	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}
