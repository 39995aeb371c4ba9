/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts on files: what /proc and /dev tell, what is not a cell's to write or to run. */
#include "hostd/attack/attempt.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#define SUID_PROGRAM "/usr/bin/attack-suid" /* of uid 1001, mode 4755: cells.c makes it */
#define SUID_USER 1001

const struct opening openings[] = {
	/* What the node's /proc tells of the machine and of everybody. */
	{"proc-cmdline", "/proc/cmdline", O_RDONLY},
	{"proc-interrupts", "/proc/interrupts", O_RDONLY},
	{"proc-softirqs", "/proc/softirqs", O_RDONLY},
	{"proc-diskstats", "/proc/diskstats", O_RDONLY},
	{"proc-partitions", "/proc/partitions", O_RDONLY},
	{"proc-pressure", "/proc/pressure/memory", O_RDONLY},
	{"proc-iomem", "/proc/iomem", O_RDONLY},
	{"proc-zoneinfo", "/proc/zoneinfo", O_RDONLY},
	{"proc-locks", "/proc/locks", O_RDONLY},
	{"proc-devices", "/proc/devices", O_RDONLY},
	{"proc-sysvipc", "/proc/sysvipc/shm", O_RDONLY},
	{"proc-fs-ext4", "/proc/fs/ext4", O_RDONLY},
	{"proc-kmsg", "/proc/kmsg", O_RDONLY},
	{"proc-vmallocinfo", "/proc/vmallocinfo", O_RDONLY},
	{"proc-kcore", "/proc/kcore", O_RDONLY},
	{"proc-kallsyms", "/proc/kallsyms", O_RDONLY},
	{"proc-modules", "/proc/modules", O_RDONLY},
	{"proc-kpagecount", "/proc/kpagecount", O_RDONLY},
	{"proc-keys", "/proc/keys", O_RDONLY},
	{"proc-swaps", "/proc/swaps", O_RDONLY},
	{"proc-cgroups", "/proc/cgroups", O_RDONLY},
	{"proc-sysrq", "/proc/sysrq-trigger", O_WRONLY},
	{"proc-boot-id", "/proc/sys/kernel/random/boot_id", O_RDONLY},
	{"proc-file-nr", "/proc/sys/fs/file-nr", O_RDONLY},
	{"proc-core-pattern", "/proc/sys/kernel/core_pattern", O_WRONLY},
	{"proc-modprobe", "/proc/sys/kernel/modprobe", O_WRONLY},
	{"proc-sysctl-write", "/proc/sys/vm/overcommit_memory", O_WRONLY},
	{"proc-userns-clone", "/proc/sys/kernel/unprivileged_userns_clone", O_WRONLY},
	{"proc-ip-forward", "/proc/sys/net/ipv4/ip_forward", O_WRONLY},
	{"proc-binfmt", "/proc/sys/fs/binfmt_misc", O_RDONLY},
	/* Others' processes, and one's own guard. */
	{"proc-host-status", "/proc/%h/status", O_RDONLY},
	{"proc-host-environ", "/proc/%h/environ", O_RDONLY},
	{"proc-host-root", "/proc/%h/root/", O_RDONLY},
	{"proc-host-mem", "/proc/%h/mem", O_RDONLY},
	{"proc-host-fd", "/proc/%h/fd", O_RDONLY | O_DIRECTORY},
	{"proc-host-ns", "/proc/%h/ns/net", O_RDONLY},
	{"proc-neighbour-status", "/proc/%n/status", O_RDONLY},
	{"proc-neighbour-environ", "/proc/%n/environ", O_RDONLY},
	{"proc-neighbour-connection", "/proc/%n/root/run/kernel/connection-1.json", O_RDONLY},
	{"proc-neighbour-mem", "/proc/%n/mem", O_RDONLY},
	{"proc-init-environ", "/proc/1/environ", O_RDONLY},
	{"proc-init-root", "/proc/1/root/", O_RDONLY},
	{"proc-init-mem", "/proc/1/mem", O_RDONLY},
	{"proc-oom-score", "/proc/self/oom_score_adj", O_WRONLY},
	{"proc-uid-map", "/proc/self/uid_map", O_WRONLY},
	{"proc-setgroups", "/proc/self/setgroups", O_WRONLY},
	{"proc-comm", "/proc/self/comm", O_WRONLY},
	{"proc-clear-refs", "/proc/self/clear_refs", O_WRONLY},
	{"proc-timens", "/proc/self/timens_offsets", O_WRONLY},
	{"proc-attr", "/proc/self/attr/current", O_WRONLY},
	/* Devices and the kernel's objects. */
	{"dev-mem", "/dev/mem", O_RDONLY},
	{"dev-port", "/dev/port", O_RDONLY},
	{"dev-kmsg", "/dev/kmsg", O_RDONLY},
	{"dev-kmsg-write", "/dev/kmsg", O_WRONLY},
	{"dev-disk", "/dev/vda", O_RDONLY},
	{"dev-loop-control", "/dev/loop-control", O_RDWR},
	{"dev-mapper", "/dev/mapper/control", O_RDWR},
	{"dev-console", "/dev/console", O_RDWR | O_NOCTTY},
	{"dev-serial", "/dev/ttyS0", O_RDWR | O_NOCTTY},
	{"dev-hwrng", "/dev/hwrng", O_RDONLY},
	{"dev-fuse", "/dev/fuse", O_RDWR},
	{"dev-tun", "/dev/net/tun", O_RDWR},
	{"dev-vsock", "/dev/vsock", O_RDWR},
	{"dev-msr", "/dev/cpu/0/msr", O_RDONLY},
	{"dev-tty1", "/dev/tty1", O_RDWR | O_NOCTTY},
	{"dev-random-write", "/dev/random", O_WRONLY},
	{"dev-new", "/dev/attack", O_WRONLY | O_CREAT},
	{"sys-uevent-helper", "/sys/kernel/uevent_helper", O_WRONLY},
	{"sys-notes", "/sys/kernel/notes", O_RDONLY},
	{"sys-ksm", "/sys/kernel/mm/ksm/run", O_WRONLY},
	{"sys-thp", "/sys/kernel/mm/transparent_hugepage/enabled", O_WRONLY},
	{"sys-smt", "/sys/devices/system/cpu/smt/control", O_WRONLY},
	{"cgroup-procs", "/sys/fs/cgroup/cgroup.procs", O_WRONLY},
	{"cgroup-control", "/sys/fs/cgroup/cgroup.subtree_control", O_WRONLY},
	/* The environment, which others run too. */
	{"environment-create", "/usr/attack", O_WRONLY | O_CREAT},
	{"environment-write", "/etc/passwd", O_WRONLY},
	{"environment-truncate", "/etc/passwd", O_WRONLY | O_TRUNC},
	{"environment-program-write", "/usr/bin/attack-tool", O_WRONLY},
	{"environment-root-create", "/attack", O_WRONLY | O_CREAT},
	{"environment-unlisted", "/unlisted", O_RDONLY},
	{NULL, NULL, 0},
};

/* What got through is undone, so that the attempt can be made again. */
static long undone(long result, const char *path, int flags)
{
	if (result == 0)
		(void)syscall(SYS_unlinkat, AT_FDCWD, path, flags);
	return result;
}

static long mkdir_usr(const struct world *world)
{
	const char *path = "/usr/attack-dir";

	(void)world;
	return undone(TRY(SYS_mkdirat, AT_FDCWD, path, 0755), path, AT_REMOVEDIR);
}

static long unlink_etc(const struct world *world)
{
	long result = TRY(SYS_unlinkat, AT_FDCWD, "/etc/hosts", 0);

	(void)world;
	if (result == 0)
		(void)syscall(SYS_openat, AT_FDCWD, "/etc/hosts", O_WRONLY | O_CREAT, 0644);
	return result;
}

static long rename_etc(const struct world *world)
{
	long result = TRY(SYS_rename, "/etc/passwd", "/etc/passwd-new");

	(void)world;
	if (result == 0)
		(void)syscall(SYS_rename, "/etc/passwd-new", "/etc/passwd");
	return result;
}

static long symlink_usr(const struct world *world)
{
	const char *path = "/usr/attack-link";

	(void)world;
	return undone(TRY(SYS_symlinkat, "/etc/passwd", AT_FDCWD, path), path, 0);
}

static long link_usr(const struct world *world)
{
	const char *path = "/etc/attack-hard";

	(void)world;
	return undone(TRY(SYS_linkat, AT_FDCWD, "/etc/passwd", AT_FDCWD, path, 0), path, 0);
}

static long chmod_etc(const struct world *world)
{
	long result = TRY(SYS_fchmodat, AT_FDCWD, "/etc/passwd", 0777);

	(void)world;
	if (result == 0)
		(void)syscall(SYS_fchmodat, AT_FDCWD, "/etc/passwd", 0644);
	return result;
}

static long chown_etc(const struct world *world)
{
	(void)world;
	return TRY(SYS_fchownat, AT_FDCWD, "/etc/passwd", 0, 0, 0);
}

static long times_etc(const struct world *world)
{
	(void)world;
	return TRY(SYS_utimensat, AT_FDCWD, "/etc/passwd", NULL, 0);
}

static long make_device(const char *path, mode_t type, dev_t device, int flags)
{
	long result;

	(void)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
	result = TRY(SYS_mknodat, AT_FDCWD, path, type | 0666, device);
	if (result == 0)
		result = TRY(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC);
	return result;
}

static long mknod_mem(const struct world *world)
{
	(void)world;
	return make_device("/tmp/attack-mem", S_IFCHR, makedev(1, 1), O_RDONLY);
}

static long mknod_disk(const struct world *world)
{
	return make_device("/tmp/attack-disk", S_IFBLK, world->disk, O_RDONLY);
}

static long mknod_null(const struct world *world)
{
	(void)world;
	return make_device("/tmp/attack-null", S_IFCHR, makedev(1, 3), O_RDWR);
}

/* A program of one's own, run from where programs may not be. */
static long run_copy(const char *path)
{
	char block[65536];
	int from = (int)TRY(SYS_openat, AT_FDCWD, "/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = (int)TRY(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ssize_t n;
	pid_t pid;
	int status = 0;

	if (from < 0 || to < 0)
		return from < 0 ? from : to;
	while ((n = read(from, block, sizeof(block))) > 0)
		if (write(to, block, (size_t)n) != n)
			return -EIO;
	close(to);
	pid = fork();
	if (pid == 0) {
		execl(path, path, (char *)NULL);
		_exit(errno & 0xff);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

static long run_shm(const struct world *world)
{
	(void)world;
	return run_copy("/dev/shm/attack-program");
}

static long run_sockets(const struct world *world)
{
	(void)world;
	return run_copy("/run/kernel/attack-program");
}

/* No new uid counts as refused. */
static long run_suid(const struct world *world)
{
	int status = 0;
	pid_t pid = fork();

	(void)world;
	if (pid == 0) {
		execl(SUID_PROGRAM, "attack-suid", "whoami", (char *)NULL);
		_exit(0xff);
	}
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status) == 0xff)
		return -ECHILD;
	return WEXITSTATUS(status) == (SUID_USER & 0xff) ? 0 : -EPERM;
}

/* The text of this very program, changed in the page cache if it were let. */
static long write_mapping(const struct world *world)
{
	long here = (long)"a constant";
	int fd = (int)TRY(SYS_openat, AT_FDCWD, "/proc/self/mem", O_RDWR | O_CLOEXEC);

	(void)world;
	if (fd < 0)
		return fd;
	if (TRY(SYS_lseek, fd, here, SEEK_SET) != here)
		return -ESPIPE;
	return TRY(SYS_write, fd, "b", 1);
}

static long open_home(const char *path)
{
	return TRY(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static long file_ioctl(unsigned long request)
{
	long number = 0; /* a block, a range's beginning */
	int fd = (int)open_home("/tmp/attack-file");

	return fd < 0 ? fd : TRY(SYS_ioctl, fd, request, &number);
}

static long immutable(const struct world *world)
{
	const char *path = "/tmp/attack-immutable";
	int fd = (int)open_home(path), flags = FS_IMMUTABLE_FL, none = 0;
	long result = fd < 0 ? fd : TRY(SYS_ioctl, fd, FS_IOC_SETFLAGS, &flags);

	(void)world;
	if (result == 0)
		(void)syscall(SYS_ioctl, fd, FS_IOC_SETFLAGS, &none);
	return result;
}

static long fibmap(const struct world *world)
{
	(void)world;
	return file_ioctl(FIBMAP);
}

static long freeze(const struct world *world)
{
	(void)world;
	return file_ioctl(FITHAW); /* thaws what is not frozen: harmless */
}

/* A program that exists as memory alone, run by its descriptor. */
static long memfd_execveat(const struct world *world)
{
	static char *const none[] = {NULL};
	long fd = TRY(SYS_openat, AT_FDCWD, "/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)world;
	return fd < 0 ? fd : TRY(SYS_execveat, fd, "nothing-here", none, none, 0);
}

static long copy_range(const struct world *world)
{
	int fd = (int)open_home("/tmp/attack-file");

	(void)world;
	return fd < 0 ? fd : TRY(SYS_copy_file_range, fd, NULL, fd, NULL, 0L, 0);
}

const struct attempt file_attempts[] = {
	{"environment-mkdir", mkdir_usr},
	{"environment-unlink", unlink_etc},
	{"environment-rename", rename_etc},
	{"environment-symlink", symlink_usr},
	{"environment-link", link_usr},
	{"environment-chmod", chmod_etc},
	{"environment-chown", chown_etc},
	{"environment-times", times_etc},
	{"mknod-mem", mknod_mem},
	{"mknod-disk", mknod_disk},
	{"mknod-null", mknod_null},
	{"run-from-shm", run_shm},
	{"run-from-sockets", run_sockets},
	{"run-suid", run_suid},
	{"write-own-text", write_mapping},
	{"file-immutable", immutable},
	{"file-fibmap", fibmap},
	{"file-thaw", freeze},
	{"execveat", memfd_execveat},
	{"copy-file-range", copy_range},
	{NULL, NULL},
};
