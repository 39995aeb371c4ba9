/* SPDX-License-Identifier: Apache-2.0 */
/* The disk of the bench as the root of a mount namespace, alike for all that are measured. */
#include "hostd/bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "hostd/cell/sys.h"

#define NEW_ROOT "/tmp" /* any directory of the node's root */

static int mount_all(const char *environment)
{
	static const struct {
		const char *source, *at, *type;
		unsigned long flags;
	} rows[] = {
		{"/dev", NEW_ROOT "/dev", NULL, MS_BIND | MS_REC},
		{"proc", NEW_ROOT "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC},
		{"/sys", NEW_ROOT "/sys", NULL, MS_BIND | MS_REC},
		{"run", NEW_ROOT "/run", "tmpfs", MS_NOSUID | MS_NODEV},
		{"tmp", NEW_ROOT "/tmp", "tmpfs", MS_NOSUID | MS_NODEV},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (mount(rows[i].source, rows[i].at, rows[i].type, rows[i].flags, NULL) < 0)
			return -errno;
	if (environment &&
	    mount(environment, NEW_ROOT MACHINE_ENVIRONMENT, NULL, MS_BIND, NULL) < 0)
		return -errno;
	return 0;
}

/* runc runs in a user namespace and makes one; this node lets nobody else do that. */
static void let_nest(void)
{
	int fd = open("/proc/sys/kernel/unprivileged_userns_clone", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "1", 1) < 0)
		perror("bench-cell: unprivileged_userns_clone");
	close(fd);
}

int machine_enter(const char *device, const char *environment)
{
	int r;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(device, NEW_ROOT, "erofs", MS_RDONLY, NULL) < 0)
		return -errno;
	r = mount_all(environment);
	if (r < 0)
		return r;
	if (chdir(NEW_ROOT) < 0)
		return -errno;
	r = sys_pivot_root(".", ".");
	if (r == 0)
		r = sys_umount(".", SYS_UMOUNT_DETACH);
	if (r == 0 && chdir("/") < 0)
		r = -errno;
	let_nest();
	return r;
}
