/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/kept.h"

#include "hostd/cell/dev.h"
#include "hostd/cell/sockets.h"
#include "hostd/cell/sys.h"
#include "hostd/cell/tmpfs.h"
#include "hostd/cell/uids.h"
#include "hostd/cell/util.h"

#include <stdio.h>
#include <sys/stat.h>

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

static int detach(struct kept *kept, enum kept_mount which)
{
	char name[24];
	int result;

	if (kept->mount[which] < 0)
		return 0;
	fd_close(&kept->mount[which]);
	format_name(name, kept->slot, which);
	result = sys_umount(name, SYS_UMOUNT_NOFOLLOW);
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
