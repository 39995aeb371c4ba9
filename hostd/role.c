/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/role.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/securebits.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hostd/ipc.h"
#include "hostd/log.h"

/* An existing directory of the node's root; only this role's own mount namespace changes it. */
#define MOUNT_POINT "/tmp"

#define SECUREBITS                                                                                 \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |                    \
	 SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

/* Started by hand, by a user or with another program's descriptors, a worker must not go on. */
static void check_started_by_monitor(const struct role_spec *spec)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int type = 0;
	socklen_t type_len = sizeof(type);

	if (geteuid() != 0 || getuid() != 0)
		log_die(EPERM, "%s: a worker is started by the monitor only", spec->name);
	if (getsockopt(IPC_FD, SOL_SOCKET, SO_TYPE, &type, &type_len) < 0 ||
	    type != SOCK_SEQPACKET ||
	    getsockopt(IPC_FD, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
	    peer.pid != getppid() || peer.uid != 0)
		log_die(EPERM, "%s: a worker is started by the monitor only", spec->name);
}

static void close_others(const struct role_spec *spec)
{
	if (!spec->has_root)
		close(IPC_ROOT_FD);
	if (syscall(SYS_close_range, IPC_FILTER_FD + 1, ~0u, 0) < 0)
		log_die(errno, "close_range");
	if (fcntl(IPC_FD, F_SETFD, FD_CLOEXEC) < 0)
		log_die(errno, "FD_CLOEXEC");
}

static void limit(int resource, rlim_t value)
{
	struct rlimit limits = {.rlim_cur = value, .rlim_max = value};

	if (setrlimit(resource, &limits) < 0)
		log_die(errno, "setrlimit %d", resource);
}

static void namespaces(const struct role_spec *spec)
{
	int flags = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

	if (!spec->keep_network)
		flags |= CLONE_NEWNET;
	if (unshare(flags) < 0)
		log_die(errno, "unshare");
	/* Nothing mounted from here on may spread to the node, nor the node's mounts to here. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		log_die(errno, "mount / private");
}

static int empty_root(void)
{
	int context = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
	int fd;

	if (context < 0)
		log_die(errno, "fsopen tmpfs");
	if (syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "size", "4096", 0) < 0 ||
	    syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "mode", "0555", 0) < 0 ||
	    syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		log_die(errno, "fsconfig tmpfs");
	fd = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	if (fd < 0)
		log_die(errno, "fsmount tmpfs");
	close(context);
	return fd;
}

/* Read-only even for the relay: connecting to a socket writes nothing to its directory. */
static void enter_root(const struct role_spec *spec)
{
	int fd = spec->has_root ? IPC_ROOT_FD : empty_root();
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			    MOUNT_ATTR_NOEXEC,
	};

	if (syscall(SYS_move_mount, fd, "", AT_FDCWD, MOUNT_POINT, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		log_die(errno, "move_mount " MOUNT_POINT);
	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		log_die(errno, "mount_setattr");
	close(fd);
	if (chdir(MOUNT_POINT) < 0)
		log_die(errno, "chdir " MOUNT_POINT);
	/* pivot_root(".", ".") stacks the old root on the new one; it is taken off at once. */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		log_die(errno, "pivot_root");
	if (umount2(".", MNT_DETACH) < 0)
		log_die(errno, "umount2 old root");
	if (chdir("/") < 0)
		log_die(errno, "chdir /");
}

/*
 * The bounding set and securebits need CAP_SETPCAP, so they come before the uid, whose change
 * clears the capabilities; that they are clear is then asked, not assumed.
 */
static void drop_credentials(const struct role_spec *spec)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2];

	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			log_die(errno, "PR_CAPBSET_DROP %d", cap);
	if (prctl(PR_SET_SECUREBITS, SECUREBITS, 0, 0, 0) < 0)
		log_die(errno, "PR_SET_SECUREBITS");
	if (setgroups(0, NULL) < 0 || setresgid(spec->uid, spec->uid, spec->uid) < 0 ||
	    setresuid(spec->uid, spec->uid, spec->uid) < 0)
		log_die(errno, "setresuid %u", (unsigned)spec->uid);
	memset(caps, 0, sizeof(caps));
	if (syscall(SYS_capset, &header, caps) < 0)
		log_die(errno, "capset");
	if (syscall(SYS_capget, &header, caps) < 0 || caps[0].effective || caps[0].permitted ||
	    caps[0].inheritable || caps[1].effective || caps[1].permitted || caps[1].inheritable)
		log_die(EPERM, "capabilities are left");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		log_die(errno, "PR_SET_NO_NEW_PRIVS");
}

void role_enter(const struct role_spec *spec)
{
	int r;

	check_started_by_monitor(spec);
	close_others(spec);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_NOFILE, spec->fds_max);
	limit(RLIMIT_NPROC, spec->threads_max);
	limit(RLIMIT_SIGPENDING, 0); /* queued ones and timers: what the kernel itself sends goes on */
	limit(RLIMIT_MSGQUEUE, 0);
	namespaces(spec);
	enter_root(spec);
	drop_credentials(spec);
	r = role_filter_load(IPC_FILTER_FD);
	if (r < 0)
		log_die(r, "seccomp");
	close(IPC_FILTER_FD);
}
