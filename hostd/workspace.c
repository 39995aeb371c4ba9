/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/workspace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hostd/cell/sys.h"
#include "hostd/cell/util.h"

#define UNFINISHED ".new" /* no project's name begins with a dot */
#define QUOTA_BLOCK 1024u /* what the kernel's interface counts in */
#define DISK_BLOCK 4096u

static int quota_call(int dir, int command, uint32_t id, struct if_dqblk *block)
{
	return sys_result(syscall(SYS_quotactl_fd, dir, QCMD(command, PRJQUOTA), id, block));
}

static int quota_set(int dir, uint32_t id, const struct workspace_quota *quota)
{
	struct if_dqblk block = {
		.dqb_bhardlimit = quota->bytes / QUOTA_BLOCK,
		.dqb_ihardlimit = quota->inodes,
		.dqb_valid = QIF_LIMITS,
	};

	return quota_call(dir, Q_SETQUOTA, id, &block);
}

/* 0: its id is that of no project, as a directory has that nobody gave one. */
static int project_id(int directory, uint32_t *ret_id)
{
	struct fsxattr attributes;

	if (ioctl(directory, FS_IOC_FSGETXATTR, &attributes) < 0)
		return -errno;
	*ret_id = attributes.fsx_xflags & FS_XFLAG_PROJINHERIT ? attributes.fsx_projid : 0;
	return 0;
}

static int project_mark(int directory, uint32_t id)
{
	struct fsxattr attributes;

	if (ioctl(directory, FS_IOC_FSGETXATTR, &attributes) < 0)
		return -errno;
	attributes.fsx_projid = id;
	attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT; /* all that is made in it counts with it */
	return ioctl(directory, FS_IOC_FSSETXATTR, &attributes) < 0 ? -errno : 0;
}

/* Opens by descriptor below ours, following nothing: the directory's inside is the tenant's. */
static int directory_open(int dir, const char *name, uint32_t *ret_id)
{
	CLEANUP_FD int fd = sys_open_beneath(dir, name, O_RDONLY | O_DIRECTORY, 0);
	int result = fd < 0 ? fd : project_id(fd, ret_id);

	return result < 0 ? result : fd_take(&fd);
}

static int find_highest(int dir, uint32_t *ret_highest)
{
	int copy = sys_open_beneath(dir, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	int result = 0;

	*ret_highest = 0;
	if (!list) {
		result = copy < 0 ? copy : -errno;
		fd_close(&copy);
		return result;
	}
	while (result == 0 && (entry = readdir(list))) {
		uint32_t id = 0;
		CLEANUP_FD int fd = -1;

		if (entry->d_name[0] == '.')
			continue;
		fd = directory_open(dir, entry->d_name, &id);
		if (fd < 0)
			result = fd;
		if (id > *ret_highest)
			*ret_highest = id;
	}
	closedir(list);
	return result;
}

/* Quota that is only counted would refuse nothing. */
static int enforced(int dir)
{
	struct if_dqinfo info = {0};
	int result = sys_result(
		syscall(SYS_quotactl_fd, dir, QCMD(Q_GETINFO, PRJQUOTA), 0, &info));

	return result < 0 ? result : 0;
}

int workspaces_open(const char *path, struct workspaces *ret_workspaces, const char **ret_step)
{
	CLEANUP_FD int dir = -1;
	uint32_t highest;
	int result;

	ret_workspaces->dir = -1;
	*ret_step = "workspaces: folder";
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0)
		return -errno;
	*ret_step = "workspaces: project quota";
	result = enforced(dir);
	if (result < 0)
		return result;
	*ret_step = "workspaces: an unfinished one";
	if (unlinkat(dir, UNFINISHED, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return -errno;
	*ret_step = "workspaces: ids";
	result = find_highest(dir, &highest);
	if (result < 0)
		return result;
	*ret_workspaces = (struct workspaces){.dir = fd_take(&dir), .next = highest + 1};
	return 0;
}

void workspaces_close(struct workspaces *workspaces)
{
	fd_close(&workspaces->dir);
}

/*
 * Under another name until its id, quota and owner stand: what has a project's name is
 * whole, even if the power fails in between.
 */
static int make(struct workspaces *workspaces, const char *project,
		const struct workspace_quota *quota)
{
	CLEANUP_FD int fd = -1;
	int dir = workspaces->dir;
	int result;

	if (mkdirat(dir, UNFINISHED, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = sys_open_beneath(dir, UNFINISHED, O_RDONLY | O_DIRECTORY, 0);
	result = fd < 0 ? fd : project_mark(fd, workspaces->next);
	if (result == 0)
		result = quota_set(dir, workspaces->next, quota);
	if (result == 0 && fchown(fd, WORKSPACE_OWNER, WORKSPACE_OWNER) < 0)
		result = -errno;
	if (result == 0 && renameat(dir, UNFINISHED, dir, project) < 0)
		result = -errno;
	if (result == 0 && fsync(dir) < 0)
		result = -errno;
	if (result == 0)
		workspaces->next++;
	return result;
}

/* Half of the disk at most, so that no project alone can take it from all others. */
static int quota_cut(int dir, const struct workspace_quota *asked, struct workspace_quota *ret_quota)
{
	struct statvfs fs;
	uint64_t bytes, inodes;

	if (fstatvfs(dir, &fs) < 0)
		return -errno;
	bytes = (uint64_t)fs.f_blocks * fs.f_frsize / 2;
	inodes = (uint64_t)fs.f_files / 2;
	ret_quota->bytes = asked->bytes < bytes ? asked->bytes : bytes;
	ret_quota->inodes = asked->inodes < inodes ? asked->inodes : inodes;
	return 0;
}

int workspace_open(struct workspaces *workspaces, const char *project,
		   const struct workspace_quota *asked, struct workspace *ret_workspace,
		   const char **ret_step)
{
	struct workspace_quota quota;
	CLEANUP_FD int fd = -1;
	uint32_t id = 0;
	int result;

	*ret_step = "workspace: project";
	if (project[0] == '\0' || project[0] == '.' || strchr(project, '/'))
		return -EINVAL;
	*ret_step = "workspace: none on this node";
	if (workspaces->dir < 0)
		return -EOPNOTSUPP;
	*ret_step = "workspace: disk";
	result = quota_cut(workspaces->dir, asked, &quota);
	if (result < 0)
		return result;
	*ret_step = "workspace: directory";
	fd = directory_open(workspaces->dir, project, &id);
	if (fd == -ENOENT) {
		result = make(workspaces, project, &quota);
		if (result == 0)
			fd = directory_open(workspaces->dir, project, &id);
	}
	if (result < 0 || fd < 0)
		return result < 0 ? result : fd;
	*ret_step = "workspace: its quota id";
	if (id == 0)
		return -EUCLEAN;
	*ret_step = "workspace: quota";
	result = quota_set(workspaces->dir, id, &quota);
	if (result < 0)
		return result;
	ret_workspace->fd = sys_open_beneath(fd, ".", O_PATH | O_DIRECTORY, 0);
	ret_workspace->id = id;
	return ret_workspace->fd < 0 ? ret_workspace->fd : 0;
}

void workspace_close(struct workspace *workspace)
{
	fd_close(&workspace->fd);
}

int workspace_usage(const struct workspaces *workspaces, const struct workspace *workspace,
		    struct workspace_usage *ret_usage)
{
	struct if_dqblk block = {0};
	int result = workspaces->dir < 0 || workspace->fd < 0
			     ? -EOPNOTSUPP
			     : quota_call(workspaces->dir, Q_GETQUOTA, workspace->id, &block);

	if (result < 0)
		return result;
	*ret_usage = (struct workspace_usage){
		.used = {.bytes = block.dqb_curspace, .inodes = block.dqb_curinodes},
		.limit = {.bytes = block.dqb_bhardlimit * QUOTA_BLOCK,
			  .inodes = block.dqb_ihardlimit},
	};
	return 0;
}

bool workspace_full(const struct workspace_usage *usage)
{
	return usage->used.bytes + DISK_BLOCK > usage->limit.bytes ||
	       usage->used.inodes >= usage->limit.inodes;
}
