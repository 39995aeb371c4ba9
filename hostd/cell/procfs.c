/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/procfs.h"

#include "hostd/cell/sys.h"
#include "hostd/cell/util.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ATTRIBUTES (SYS_ATTR_NOSUID | SYS_ATTR_NODEV | SYS_ATTR_NOEXEC)
#define STAND_IN_FILE "/empty"
#define STAND_IN_DIRECTORY "/none"
#define STAND_IN_SYSCTL "/sysctl"

/* Shown, and why. Everything else that is not a process or a link is masked. */
static const struct {
	const char *name, *reason;
} shown[] = {
	{"cpuinfo", "libraries choose code by it; says what the CPU says anyway"},
	{"meminfo", "psutil.virtual_memory, pools sized by memory"},
	{"stat", "psutil reads it at import; CPU count of older libraries"},
	{"uptime", "the boot time of psutil"},
	{"loadavg", "os.getloadavg, joblib"},
	{"version", "platform.version"},
	{"filesystems", "psutil.disk_partitions"},
	{"vmstat", "psutil.swap_memory"},
};

/* Copied into the stand-in for /proc/sys when the nursery is made; constants of a node. */
static const struct {
	const char *directory, *name, *reason;
} sysctls[] = {
	{"fs", "pipe-max-size", "F_SETPIPE_SZ users"},
	{"fs", "file-max", "resource checks of libraries"},
	{"kernel", "cap_last_cap", "libcap"},
	{"kernel", "ngroups_max", "sysconf of older libc"},
	{"kernel", "osrelease", "version checks"},
	{"kernel", "ostype", "version checks"},
	{"kernel", "pid_max", "procps, width of columns"},
	{"kernel", "threads-max", "OpenMP run times"},
	{"vm", "max_map_count", "JIT and numeric libraries"},
	{"vm", "overcommit_memory", "malloc of glibc and jemalloc"},
};

static bool is_shown(const char *name)
{
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (strcmp(shown[i].name, name) == 0)
			return true;
	return false;
}

static int mask_add(struct procfs_masks *masks, const char *name, bool directory)
{
	struct procfs_mask *mask = &masks->mask[masks->count];

	if (masks->count == PROCFS_MASKS_MAX || strlen(name) >= sizeof(mask->name))
		return -E2BIG;
	strcpy(mask->name, name);
	mask->directory = directory;
	masks->count++;
	return 0;
}

/* Links are left: they lead to the reader's own /proc/self. */
static int mask_entry(struct procfs_masks *masks, int proc, const char *name)
{
	struct stat st;

	if (name[0] == '.' || isdigit((unsigned char)name[0]) || is_shown(name) ||
	    strcmp(name, "sys") == 0)
		return 0;
	if (fstatat(proc, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return S_ISLNK(st.st_mode) ? 0 : mask_add(masks, name, S_ISDIR(st.st_mode));
}

int procfs_masks_init(struct procfs_masks *masks, int proc)
{
	int fd = sys_open_beneath(proc, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int result = 0;

	masks->count = 0;
	if (!dir) {
		result = fd < 0 ? fd : -errno;
		fd_close(&fd);
		return result;
	}
	while (result == 0 && (entry = readdir(dir)))
		result = mask_entry(masks, proc, entry->d_name);
	closedir(dir);
	return result;
}

static int make_directory(int root, const char *path, unsigned mode)
{
	/* fchmodat, since the caller's umask is not ours to change. */
	if (mkdirat(root, path, mode) < 0 && errno != EEXIST)
		return -errno;
	return fchmodat(root, path, mode, 0) < 0 ? -errno : 0;
}

static int make_file(int root, const char *path, const char *text, unsigned mode)
{
	CLEANUP_FD int fd = sys_open_beneath(root, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	size_t len = strlen(text);

	if (fd < 0)
		return fd;
	if (write(fd, text, len) != (ssize_t)len)
		return -EIO;
	return fchmod(fd, mode) < 0 ? -errno : 0;
}

static int copy_sysctl(int root, const char *directory, const char *name)
{
	char text[256], from[128], to[128];
	int result;

	snprintf(from, sizeof(from), "proc/sys/%s/%s", directory, name);
	snprintf(to, sizeof(to), "sysctl/%s", directory);
	result = file_read(root, from, text, sizeof(text));
	if (result == -ENOENT) /* not built into this kernel */
		return 0;
	if (result == 0)
		result = make_directory(root, to, 0555);
	snprintf(to, sizeof(to), "sysctl/%s/%s", directory, name);
	return result < 0 ? result : make_file(root, to, text, 0444);
}

static int new_procfs(bool hide, int *ret_fd)
{
	CLEANUP_FD int fs = sys_fsopen("proc");
	int result = fs;

	if (result >= 0 && hide)
		result = sys_fsconfig_string(fs, "hidepid", "invisible");
	if (result >= 0)
		result = sys_fsconfig_create(fs);
	if (result >= 0)
		result = sys_fsmount(fs, hide ? ATTRIBUTES | SYS_ATTR_RDONLY : ATTRIBUTES);
	if (result < 0)
		return result;
	*ret_fd = result;
	return 0;
}

int procfs_nursery_fill(int root)
{
	CLEANUP_FD int proc = -1;
	int result = make_directory(root, "proc", 0555);

	if (result == 0)
		result = new_procfs(false, &proc);
	if (result == 0)
		result = sys_move_mount(proc, root, "proc");
	/* Mode 0 and an owner no cell maps: not to be opened, so not to be locked or watched
	 * either, by which two cells could signal each other. */
	if (result == 0)
		result = make_directory(root, "none", 0);
	if (result == 0)
		result = make_file(root, "empty", "", 0);
	if (result == 0)
		result = make_directory(root, "sysctl", 0555);
	for (size_t i = 0; result == 0 && i < sizeof(sysctls) / sizeof(sysctls[0]); i++)
		result = copy_sysctl(root, sysctls[i].directory, sysctls[i].name);
	return result < 0 ? result : sys_mount_setattr(root, 0, SYS_ATTR_RDONLY, 0);
}

static int cover(int proc, const char *name, const char *stand_in)
{
	CLEANUP_FD int mount = sys_open_tree_clone(AT_FDCWD, stand_in);
	CLEANUP_FD int target = sys_open_beneath(proc, name, O_PATH | O_NOFOLLOW, 0);

	if (mount < 0)
		return mount;
	return target < 0 ? target : sys_move_mount(mount, target, "");
}

int procfs_mount(int root, const struct procfs_masks *masks)
{
	CLEANUP_FD int target = sys_open_beneath(root, "proc", O_PATH | O_DIRECTORY, 0);
	CLEANUP_FD int proc = -1;
	int result = target < 0 ? target : new_procfs(true, &proc);

	if (result == 0)
		result = sys_move_mount(proc, target, "");
	if (result == 0)
		result = cover(proc, "sys", STAND_IN_SYSCTL);
	for (size_t i = 0; result == 0 && i < masks->count; i++) {
		result = cover(proc, masks->mask[i].name,
			       masks->mask[i].directory ? STAND_IN_DIRECTORY : STAND_IN_FILE);
		if (result == -ENOENT) /* gone since the list was made: nothing to see */
			result = 0;
	}
	return result;
}
