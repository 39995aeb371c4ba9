/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts to see or make other file systems. Each is made in the cell's own mount namespace. */
#include "hostd/attack/attempt.h"

#include "hostd/cell/sys.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define PLACE "/tmp/attack-mount"

/* Where to mount: the first to need it makes it. */
static const char *place(void)
{
	(void)syscall(SYS_mkdirat, AT_FDCWD, PLACE, 0755);
	return PLACE;
}

static long mount_type(const char *type, const char *options)
{
	return TRY(SYS_mount, "none", place(), type, 0, options);
}

#define MOUNT(name, type, options)                                                                 \
	static long name(const struct world *world)                                                \
	{                                                                                          \
		(void)world;                                                                       \
		return mount_type(type, options);                                                  \
	}

MOUNT(mount_tmpfs, "tmpfs", NULL)
MOUNT(mount_proc, "proc", NULL)
MOUNT(mount_sysfs, "sysfs", NULL)
MOUNT(mount_cgroup2, "cgroup2", NULL)
MOUNT(mount_cgroup1, "cgroup", "none,name=attack")
MOUNT(mount_devpts, "devpts", "newinstance")
MOUNT(mount_devtmpfs, "devtmpfs", NULL)
MOUNT(mount_mqueue, "mqueue", NULL)
MOUNT(mount_debugfs, "debugfs", NULL)
MOUNT(mount_binfmt, "binfmt_misc", NULL)
MOUNT(mount_securityfs, "securityfs", NULL)
MOUNT(mount_bpf, "bpf", NULL)
MOUNT(mount_overlay, "overlay", "lowerdir=/etc:/usr")
MOUNT(mount_fuse, "fuse", "fd=0,rootmode=40000,user_id=1000,group_id=1000")

static long mount_disk(const struct world *world)
{
	const char *node = "/tmp/attack-disk-node";

	(void)syscall(SYS_mknodat, AT_FDCWD, node, S_IFBLK | 0600, world->disk);
	return TRY(SYS_mount, node, place(), "erofs", MS_RDONLY, NULL);
}

static long bind_root(const struct world *world)
{
	(void)world;
	return TRY(SYS_mount, "/", place(), NULL, MS_BIND, NULL);
}

static long bind_proc_over(const struct world *world)
{
	(void)world;
	return TRY(SYS_mount, "/tmp", "/proc/self", NULL, MS_BIND, NULL);
}

static long remount_root(const struct world *world)
{
	(void)world;
	return TRY(SYS_mount, "none", "/", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV, NULL);
}

static long remount_dev(const struct world *world)
{
	(void)world;
	return TRY(SYS_mount, "none", "/dev", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL);
}

static long share_mounts(const struct world *world)
{
	(void)world;
	return TRY(SYS_mount, "none", "/", NULL, MS_SHARED, NULL);
}

static long move_mount_old(const struct world *world)
{
	(void)world;
	return TRY(SYS_mount, "/dev/shm", place(), NULL, MS_MOVE, NULL);
}

static long unmask(const struct world *world)
{
	(void)world;
	return TRY(SYS_umount2, "/proc/sys", SYS_UMOUNT_DETACH);
}

static long pivot(const struct world *world)
{
	(void)world;
	return TRY(SYS_pivot_root, "/tmp", "/tmp");
}

static long change_root(const struct world *world)
{
	(void)world;
	return TRY(SYS_chroot, "/tmp");
}

static long fs_open(const struct world *world)
{
	(void)world;
	return sys_fsopen("tmpfs");
}

static long fs_config(const struct world *world)
{
	(void)world;
	return sys_fsconfig_create(-1);
}

static long fs_mount(const struct world *world)
{
	(void)world;
	return sys_fsmount(-1, 0);
}

static long fs_pick(const struct world *world)
{
	(void)world;
	return TRY(SYS_fspick, AT_FDCWD, "/tmp", 0);
}

static long tree_clone(const struct world *world)
{
	(void)world;
	return sys_open_tree_clone(AT_FDCWD, "/tmp");
}

static long tree_open(const struct world *world)
{
	(void)world;
	return TRY(SYS_open_tree, AT_FDCWD, "/tmp", 0);
}

static long tree_move(const struct world *world)
{
	(void)world;
	return TRY(SYS_move_mount, AT_FDCWD, "/dev/shm", AT_FDCWD, place(), 0);
}

static long attributes(const struct world *world)
{
	struct sys_mount_attr attr = {.clear = SYS_ATTR_RDONLY};

	(void)world;
	return TRY(SYS_mount_setattr, AT_FDCWD, "/", 0, &attr, sizeof(attr));
}

static long stat_mount(const struct world *world)
{
	struct {
		unsigned size, spare;
		unsigned long long id, parameter;
	} request = {24, 0, ~0ULL, 0};
	char answer[512];

	(void)world;
	return TRY(457, &request, answer, sizeof(answer), 0);
}

/* A file of another mount by its handle, past every path. */
static long handle_open(const struct world *world)
{
	struct {
		unsigned bytes;
		int type;
		unsigned char data[128];
	} handle = {.bytes = 128};
	int id, fd = (int)TRY(SYS_openat, AT_FDCWD, "/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long result = TRY(SYS_name_to_handle_at, fd, "", &handle, &id, SYS_AT_EMPTY_PATH);

	(void)world;
	return result < 0 ? result : TRY(SYS_open_by_handle_at, fd, &handle, O_RDONLY);
}

/* The host's mounts by way of a namespace's file. */
static long enter_own(const char *path, int type)
{
	long fd = TRY(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? fd : TRY(SYS_setns, fd, type);
}

static long enter_net(const struct world *world)
{
	(void)world;
	return enter_own("/proc/self/ns/net", 0x40000000);
}

static long enter_uts(const struct world *world)
{
	(void)world;
	return enter_own("/proc/self/ns/uts", 0x04000000);
}

static long enter_host(const struct world *world)
{
	long fd = TRY(SYS_pidfd_open, world->host, 0);

	return fd < 0 ? fd : TRY(SYS_setns, fd, 0x20000 | 0x40000000);
}

const struct attempt mount_attempts[] = {
	{"mount-tmpfs", mount_tmpfs},
	{"mount-proc", mount_proc},
	{"mount-sysfs", mount_sysfs},
	{"mount-cgroup2", mount_cgroup2},
	{"mount-cgroup1", mount_cgroup1},
	{"mount-devpts", mount_devpts},
	{"mount-devtmpfs", mount_devtmpfs},
	{"mount-mqueue", mount_mqueue},
	{"mount-debugfs", mount_debugfs},
	{"mount-binfmt", mount_binfmt},
	{"mount-securityfs", mount_securityfs},
	{"mount-bpf", mount_bpf},
	{"mount-overlay", mount_overlay},
	{"mount-fuse", mount_fuse},
	{"mount-disk", mount_disk},
	{"mount-bind", bind_root},
	{"mount-bind-over-proc", bind_proc_over},
	{"mount-remount-root", remount_root},
	{"mount-remount-dev", remount_dev},
	{"mount-shared", share_mounts},
	{"mount-move", move_mount_old},
	{"umount-mask", unmask},
	{"pivot-root", pivot},
	{"chroot", change_root},
	{"fsopen", fs_open},
	{"fsconfig", fs_config},
	{"fsmount", fs_mount},
	{"fspick", fs_pick},
	{"open-tree-clone", tree_clone},
	{"open-tree", tree_open},
	{"move-mount", tree_move},
	{"mount-setattr", attributes},
	{"statmount", stat_mount},
	{"open-by-handle", handle_open},
	{"setns-own-net", enter_net},
	{"setns-own-uts", enter_uts},
	{"setns-host", enter_host},
	{NULL, NULL},
};
