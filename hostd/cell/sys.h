/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls that build cells and that a libc has no wrapper for (musl) or wraps under
 * conflicting headers (glibc). Each returns its result, or -errno. Constants are the kernel's.
 */
#ifndef ANCHORHOLD_CELL_SYS_H
#define ANCHORHOLD_CELL_SYS_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_quotactl_fd /* musl is older than the call; its number is every architecture's */
#define SYS_quotactl_fd 443
#endif

#define SYS_RESOLVE_NO_XDEV 0x01u
#define SYS_RESOLVE_NO_MAGICLINKS 0x02u
#define SYS_RESOLVE_NO_SYMLINKS 0x04u
#define SYS_RESOLVE_BENEATH 0x08u

#define SYS_OPEN_TREE_CLONE 1u
#define SYS_OPEN_TREE_CLOEXEC ((unsigned)O_CLOEXEC)

#define SYS_FSOPEN_CLOEXEC 1u
#define SYS_FSMOUNT_CLOEXEC 1u
#define SYS_FSCONFIG_SET_STRING 1u
#define SYS_FSCONFIG_CMD_CREATE 6u

#define SYS_MOVE_MOUNT_F_EMPTY_PATH 0x04u
#define SYS_MOVE_MOUNT_T_EMPTY_PATH 0x40u

#define SYS_ATTR_RDONLY 0x01u
#define SYS_ATTR_NOSUID 0x02u
#define SYS_ATTR_NODEV 0x04u
#define SYS_ATTR_NOEXEC 0x08u
#define SYS_ATTR_IDMAP 0x00100000u

#define SYS_AT_EMPTY_PATH 0x1000u
#define SYS_AT_RECURSIVE 0x8000u
#define SYS_UMOUNT_DETACH 2
#define SYS_UMOUNT_EXPIRE 4
#define SYS_UMOUNT_NOFOLLOW 8
#define SYS_PROPAGATION_PRIVATE (1u << 18)

#define SYS_CLONE_PIDFD 0x00001000ull
#define SYS_CLONE_NEWNS 0x00020000ull
#define SYS_CLONE_NEWCGROUP 0x02000000ull
#define SYS_CLONE_NEWUTS 0x04000000ull
#define SYS_CLONE_NEWIPC 0x08000000ull
#define SYS_CLONE_NEWUSER 0x10000000ull
#define SYS_CLONE_NEWPID 0x20000000ull
#define SYS_CLONE_NEWNET 0x40000000ull
#define SYS_CLONE_INTO_CGROUP 0x200000000ull

struct sys_open_how {
	uint64_t flags, mode, resolve;
};

struct sys_mount_attr {
	uint64_t set, clear, propagation, userns_fd;
};

struct sys_clone_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
		set_tid_size, cgroup;
};

static inline int sys_result(long result)
{
	return result < 0 ? -errno : (int)result;
}

/* Opens below `dir` and nowhere else: no symlink, no magic link, no way up. */
static inline int sys_open_beneath(int dir, const char *path, int flags, unsigned mode)
{
	struct sys_open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = mode,
		.resolve = SYS_RESOLVE_BENEATH | SYS_RESOLVE_NO_SYMLINKS |
			   SYS_RESOLVE_NO_MAGICLINKS,
	};

	return sys_result(syscall(SYS_openat2, dir, path, &how, sizeof(how)));
}

/* A detached copy of the mount that `fd` is the root of. Its mount must be in our namespace. */
static inline int sys_open_tree_clone(int fd, const char *path)
{
	return sys_result(syscall(SYS_open_tree, fd, path,
				  SYS_OPEN_TREE_CLONE | SYS_OPEN_TREE_CLOEXEC |
					  (*path ? 0u : SYS_AT_EMPTY_PATH)));
}

/* Attaches the detached mount `fd` on `path` below `dir`, or on `dir` itself if it is "". */
static inline int sys_move_mount(int fd, int dir, const char *path)
{
	return sys_result(syscall(SYS_move_mount, fd, "", dir, path,
				  SYS_MOVE_MOUNT_F_EMPTY_PATH |
					  (*path ? 0u : SYS_MOVE_MOUNT_T_EMPTY_PATH)));
}

static inline int sys_mount_setattr(int fd, unsigned flags, uint64_t set, uint64_t propagation)
{
	struct sys_mount_attr attr = {.set = set, .propagation = propagation};

	return sys_result(syscall(SYS_mount_setattr, fd, "", SYS_AT_EMPTY_PATH | flags, &attr,
				  sizeof(attr)));
}

static inline int sys_fsopen(const char *type)
{
	return sys_result(syscall(SYS_fsopen, type, SYS_FSOPEN_CLOEXEC));
}

static inline int sys_fsconfig_string(int fs, const char *key, const char *value)
{
	return sys_result(syscall(SYS_fsconfig, fs, SYS_FSCONFIG_SET_STRING, key, value, 0));
}

static inline int sys_fsconfig_create(int fs)
{
	return sys_result(syscall(SYS_fsconfig, fs, SYS_FSCONFIG_CMD_CREATE, NULL, NULL, 0));
}

static inline int sys_fsmount(int fs, unsigned attributes)
{
	return sys_result(syscall(SYS_fsmount, fs, SYS_FSMOUNT_CLOEXEC, attributes));
}

static inline int sys_pivot_root(const char *new_root, const char *put_old)
{
	return sys_result(syscall(SYS_pivot_root, new_root, put_old));
}

static inline int sys_umount(const char *path, int flags)
{
	return sys_result(syscall(SYS_umount2, path, flags));
}

static inline int sys_close_range(unsigned first, unsigned last)
{
	return sys_result(syscall(SYS_close_range, first, last, 0u));
}

static inline int sys_pidfd_send_signal(int pidfd, int signal)
{
	return sys_result(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0u));
}

#endif
