/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/mountns.h"

#include "hostd/cell/sys.h"
#include "hostd/cell/tmpfs.h"
#include "hostd/cell/util.h"

#include <sched.h>
#include <stdlib.h>

#define ROOT_BYTES (4u * 1024u * 1024u) /* directories only; the kernel counts no pages for them */
#define ROOT_INODES 65536u

static int open_own(int proc)
{
	return sys_result(openat(proc, "thread-self/ns/mnt", O_RDONLY | O_CLOEXEC));
}

int mountns_enter(int ns)
{
	return setns(ns, CLONE_NEWNS) < 0 ? -errno : 0;
}

void mountns_leave(const struct mountns *ns)
{
	if (mountns_enter(ns->home) < 0)
		abort();
}

/* In a fresh copy of home: put a tmpfs over everything, make it the root, drop the rest. */
static int settle(int (*fill)(int root))
{
	const struct tmpfs_spec spec = {
		.size = ROOT_BYTES,
		.inodes = ROOT_INODES,
		.mode = 0755,
		.attributes = SYS_ATTR_NOSUID | SYS_ATTR_NODEV | SYS_ATTR_NOEXEC,
	};
	CLEANUP_FD int root = -1;
	CLEANUP_FD int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int result;

	if (old < 0)
		return -errno;
	/* Nothing done here may reach the namespace that init and everybody else live in. */
	result = sys_mount_setattr(old, SYS_AT_RECURSIVE, 0, SYS_PROPAGATION_PRIVATE);
	if (result == 0)
		result = tmpfs_new(&spec, &root);
	if (result == 0)
		result = sys_move_mount(root, AT_FDCWD, "/");
	if (result == 0 && fchdir(root) < 0)
		result = -errno;
	if (result == 0)
		result = sys_pivot_root(".", ".");
	if (result == 0)
		result = sys_umount(".", SYS_UMOUNT_DETACH);
	if (result == 0 && fill)
		result = fill(root);
	return result;
}

static int make(const struct mountns *ns, int proc, int (*fill)(int root), int *ret_fd)
{
	int result;

	if (unshare(CLONE_NEWNS) < 0)
		return -errno;
	result = settle(fill);
	if (result == 0) {
		*ret_fd = open_own(proc);
		result = *ret_fd < 0 ? *ret_fd : 0;
	}
	mountns_leave(ns);
	return result;
}

/* Whatever else this descriptor may be is no namespace of mounts, and cannot be entered. */
static int take_keeper(const struct mountns *ns, int keeper, int *ret_fd)
{
	int result = mountns_enter(keeper);

	if (result < 0)
		return result;
	mountns_leave(ns);
	*ret_fd = fcntl(keeper, F_DUPFD_CLOEXEC, 0);
	return *ret_fd < 0 ? -errno : 0;
}

int mountns_init(struct mountns *ns, int proc, int keeper, int (*fill)(int root))
{
	int result;

	*ns = (struct mountns){-1, -1, -1};
	ns->home = open_own(proc);
	if (ns->home < 0)
		return ns->home;
	result = make(ns, proc, fill, &ns->nursery);
	if (result == 0)
		result = keeper < 0 ? make(ns, proc, NULL, &ns->keeper)
				    : take_keeper(ns, keeper, &ns->keeper);
	if (result < 0)
		mountns_close(ns);
	return result;
}

void mountns_close(struct mountns *ns)
{
	fd_close(&ns->nursery);
	fd_close(&ns->keeper);
	fd_close(&ns->home);
}
