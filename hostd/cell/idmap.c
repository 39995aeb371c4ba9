/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/idmap.h"

#include "hostd/cell/sys.h"
#include "hostd/cell/util.h"

#include <stdio.h>

int idmap_new(int directory, uint64_t attributes, int *ret_mount)
{
	CLEANUP_FD int mount = sys_open_tree_clone(directory, "");
	int result = mount;

	if (result >= 0)
		result = sys_mount_setattr(mount, 0, attributes, SYS_PROPAGATION_PRIVATE);
	if (result < 0)
		return result;
	*ret_mount = fd_take(&mount);
	return 0;
}

int idmap_apply(int mount, int proc, pid_t child)
{
	struct sys_mount_attr attr = {.set = SYS_ATTR_IDMAP};
	CLEANUP_FD int userns = -1;
	char path[48];

	/* A magic link, so openat2 with NO_MAGICLINKS would refuse it; `proc` was proven to be a
	 * procfs, and the pid is our own child's, not waited for yet. */
	snprintf(path, sizeof(path), "%d/ns/user", (int)child);
	userns = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (userns < 0)
		return -errno;
	attr.userns_fd = (uint64_t)userns;
	return sys_result(syscall(SYS_mount_setattr, mount, "", SYS_AT_EMPTY_PATH, &attr,
				  sizeof(attr)));
}
