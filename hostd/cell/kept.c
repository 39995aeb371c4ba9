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

#define NAME_LEN 24
#define LOOK_MS 2

/* The slot's own place: its folder in the keeper, mounted on itself, so that all that hangs below
 * it can be taken off at once. Each unmount waits for the kernel's readers to be through. */
static void slot_name(char name[NAME_LEN], unsigned slot)
{
	snprintf(name, NAME_LEN, "%u", slot);
}

static void format_name(char name[NAME_LEN], unsigned slot, enum kept_mount which)
{
	snprintf(name, NAME_LEN, "%u/%d", slot, (int)which);
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

static int attach_slot(unsigned slot)
{
	char name[NAME_LEN];
	int fd, result;

	slot_name(name, slot);
	if (mkdirat(AT_FDCWD, name, 0700) < 0)
		return -errno;
	fd = sys_open_tree_clone(AT_FDCWD, name);
	result = fd < 0 ? fd : sys_move_mount(fd, AT_FDCWD, name);
	fd_close(&fd);
	if (result < 0)
		(void)unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
	return result;
}

static int attach(int mount, unsigned slot, enum kept_mount which)
{
	char name[NAME_LEN];

	format_name(name, slot, which);
	if (mkdirat(AT_FDCWD, name, 0700) < 0)
		return -errno;
	return sys_move_mount(mount, AT_FDCWD, name);
}

/*
 * To mark a mount for its expiry is refused where it is in use, and waits for nothing. One that is
 * marked already would be unmounted by it; any look at it takes the mark away.
 */
static int check_unused(unsigned slot, enum kept_mount which)
{
	char name[NAME_LEN];
	int result;

	format_name(name, slot, which);
	if (access(name, F_OK) < 0)
		return -errno;
	result = sys_umount(name, SYS_UMOUNT_NOFOLLOW | SYS_UMOUNT_EXPIRE);
	return result == -EAGAIN ? 0 : result;
}

/* The folders are in the keeper's own file system: nothing of the cell's is in them by now. */
static int detach_all(unsigned slot)
{
	char name[NAME_LEN];
	int result;

	slot_name(name, slot);
	result = sys_umount(name, SYS_UMOUNT_NOFOLLOW | SYS_UMOUNT_DETACH);
	for (int i = 0; i < KEPT_MOUNTS; i++) {
		format_name(name, slot, (enum kept_mount)i);
		if (unlinkat(AT_FDCWD, name, AT_REMOVEDIR) < 0 && errno != ENOENT && result == 0)
			result = -errno;
	}
	slot_name(name, slot);
	if (unlinkat(AT_FDCWD, name, AT_REMOVEDIR) < 0 && result == 0)
		result = -errno;
	return result;
}

void kept_close(struct kept *kept)
{
	for (int i = 0; i < KEPT_MOUNTS; i++)
		fd_close(&kept->mount[i]);
}

int kept_new(const struct mountns *ns, unsigned slot, uint64_t tmpfs_bytes, struct kept *ret_kept)
{
	struct kept kept = {.mount = KEPT_NONE, .slot = slot};
	int result = mountns_enter(ns->keeper);

	if (result < 0)
		return result;
	result = attach_slot(slot);
	if (result < 0) {
		mountns_leave(ns);
		return result;
	}
	for (int i = 0; result == 0 && i < KEPT_MOUNTS; i++) {
		CLEANUP_FD int mount = -1;

		result = make(slot, (enum kept_mount)i, tmpfs_bytes, &mount);
		if (result == 0)
			result = attach(mount, slot, (enum kept_mount)i);
		if (result == 0)
			kept.mount[i] = fd_take(&mount);
	}
	if (result < 0) {
		kept_close(&kept);
		(void)detach_all(slot);
	} else {
		*ret_kept = kept;
	}
	mountns_leave(ns);
	return result;
}

/* A folder that nothing is mounted on, or anything else by that name, is not it. */
static int find(unsigned slot, enum kept_mount which, dev_t root, int *ret_fd)
{
	CLEANUP_FD int fd = -1;
	char name[NAME_LEN];
	struct stat st;

	format_name(name, slot, which);
	fd = sys_open_beneath(AT_FDCWD, name, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_dev == root)
		return -ENOENT;
	*ret_fd = fd_take(&fd);
	return 0;
}

int kept_adopt(const struct mountns *ns, unsigned slot, struct kept *ret_kept)
{
	struct kept kept = {.mount = KEPT_NONE, .slot = slot};
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
	kept_close(&kept);
	return result;
}

int kept_settle(const struct mountns *ns, bool (*known)(void *ctx, unsigned slot), void *ctx)
{
	int result = mountns_enter(ns->keeper);
	DIR *dir = result < 0 ? NULL : opendir(".");
	struct dirent *entry;

	if (result == 0 && !dir)
		result = -errno;
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.') {
			unsigned slot = (unsigned)strtoul(entry->d_name, NULL, 10);

			if (!known(ctx, slot))
				(void)detach_all(slot);
		}
	if (dir)
		closedir(dir);
	if (result == 0)
		mountns_leave(ns);
	return result;
}

static int check_all_unused(unsigned slot)
{
	int result = 0;

	for (int i = 0; result == 0 && i < KEPT_MOUNTS; i++)
		result = check_unused(slot, (enum kept_mount)i);
	return result;
}

int kept_free(const struct mountns *ns, struct kept *kept, unsigned timeout_ms)
{
	const uint64_t deadline = clock_ms() + timeout_ms;
	int result = mountns_enter(ns->keeper);

	if (result < 0)
		return result;
	kept_close(kept);
	result = check_all_unused(kept->slot);
	while (result == -EBUSY && clock_ms() < deadline) {
		(void)poll(NULL, 0, LOOK_MS);
		result = check_all_unused(kept->slot);
	}
	if (result == 0)
		result = detach_all(kept->slot);
	mountns_leave(ns);
	return result;
}

void kept_detach(const struct mountns *ns, struct kept *kept)
{
	if (mountns_enter(ns->keeper) < 0)
		return;
	(void)detach_all(kept->slot);
	mountns_leave(ns);
}

int kept_clone(const struct kept *kept, enum kept_mount which, int *ret_fd)
{
	int fd = sys_open_tree_clone(kept->mount[which], "");

	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}
