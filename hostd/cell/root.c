/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/root.h"

#include "hostd/cell/dev.h"
#include "hostd/cell/procfs.h"
#include "hostd/cell/sys.h"
#include "hostd/cell/util.h"

/* Where in the environment each mount goes. The image has these directories. */
static const struct {
	enum plan_fd fd;
	const char *path;
} kept[] = {
	{PLAN_DEV, "dev"},
	{PLAN_TMP, "tmp"},
	{PLAN_HOME, "home/user"},
	{PLAN_SOCKETS, "run/kernel"},
	{PLAN_WORKSPACE, "work"},
};

static int attach(int mount, int root, const char *path)
{
	CLEANUP_FD int target = sys_open_beneath(root, path, O_PATH | O_DIRECTORY, 0);

	return target < 0 ? target : sys_move_mount(mount, target, "");
}

int root_assemble(struct cell_plan *plan)
{
	int root = plan->fd[PLAN_ENVIRONMENT];
	int result = sys_move_mount(root, AT_FDCWD, "/");

	/*
	 * Every target is opened below the environment's root by descriptor: an environment is
	 * signed, yet a link in one could not lead a mount outside it. /proc comes first, while
	 * the nursery's fully visible one is still in this namespace.
	 */
	if (result == 0)
		result = procfs_mount(root, plan->masks);
	for (size_t i = 0; result == 0 && i < sizeof(kept) / sizeof(kept[0]); i++)
		if (plan->fd[kept[i].fd] >= 0)
			result = attach(plan->fd[kept[i].fd], root, kept[i].path);
	return result < 0 ? result : dev_mount(plan->fd[PLAN_DEV], plan->shm_bytes);
}

int root_enter(struct cell_plan *plan)
{
	int result;

	if (fchdir(plan->fd[PLAN_ENVIRONMENT]) < 0)
		return -errno;
	/* With both arguments '.', the old root ends up on top of the new one, where the
	 * detach then takes it; no directory has to exist for it. */
	result = sys_pivot_root(".", ".");
	if (result == 0)
		result = sys_umount(".", SYS_UMOUNT_DETACH);
	if (result == 0 && chdir(plan->fd[PLAN_WORKSPACE] >= 0 ? "/work" : "/home/user") < 0)
		result = -errno;
	return result;
}
