/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/namespaces.h"

#include "hostd/cell/sys.h"
#include "hostd/cell/uids.h"
#include "hostd/cell/util.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define HOST_NAME "cell"
#define OOM_SCORE "300" /* a node short of memory ends a kernel before anything of its own */

int namespaces_clone(int cgroup, int *ret_pidfd)
{
	int pidfd = -1;
	struct sys_clone_args args = {
		.flags = SYS_CLONE_INTO_CGROUP | SYS_CLONE_PIDFD | SYS_CLONE_NEWUSER |
			 SYS_CLONE_NEWPID | SYS_CLONE_NEWNS | SYS_CLONE_NEWNET |
			 SYS_CLONE_NEWIPC | SYS_CLONE_NEWUTS,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)(unsigned)cgroup,
	};
	int pid = sys_result(syscall(SYS_clone3, &args, sizeof(args)));

	if (pid > 0)
		*ret_pidfd = pidfd;
	return pid;
}

static int write_for(int proc, pid_t child, const char *file, const char *text)
{
	char path[48];

	snprintf(path, sizeof(path), "%d/%s", (int)child, file);
	return file_write(proc, path, text);
}

int namespaces_map(int proc, pid_t child, uid_t uid)
{
	char map[48];
	int result;

	/* The pid cannot be another's: the child is ours and not waited for yet. */
	snprintf(map, sizeof(map), "%u %u 1", UIDS_INSIDE, (unsigned)uid);
	/* Written from here it is also the least that the cell can have: the monitor's own, which
	 * may exempt it even from its cgroup's limit, is not inherited. */
	result = write_for(proc, child, "oom_score_adj", OOM_SCORE);
	if (result == 0)
		result = write_for(proc, child, "setgroups", "deny");
	if (result == 0)
		result = write_for(proc, child, "gid_map", map);
	if (result == 0)
		result = write_for(proc, child, "uid_map", map);
	return result;
}

int namespaces_mounts(int proc, pid_t child, int *ret_fd)
{
	char path[48];
	int fd;

	snprintf(path, sizeof(path), "%d/ns/mnt", (int)child);
	fd = sys_result(openat(proc, path, O_RDONLY | O_CLOEXEC));
	*ret_fd = fd < 0 ? -1 : fd;
	return fd < 0 && fd != -ENOENT ? fd : 0;
}

int namespaces_rest(void)
{
	if (unshare(CLONE_NEWCGROUP) < 0 || sethostname(HOST_NAME, strlen(HOST_NAME)) < 0 ||
	    setdomainname("", 0) < 0)
		return -errno;
	return 0;
}
