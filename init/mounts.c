/* SPDX-License-Identifier: Apache-2.0 */
#include "init/mounts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>

#include "init/files.h"
#include "init/partition.h"

#define DISK_WAIT_MS 10000u /* disks may still be probed when init starts */

#define LOCKED (MS_NOSUID | MS_NODEV | MS_NOEXEC)

static const struct kernel_mount {
	const char *target, *type;
	unsigned long flags;
	const char *options;
	bool optional;
} kernel_mounts[] = {
	{"/proc", "proc", LOCKED, NULL},
	{"/sys", "sysfs", LOCKED, NULL},
	/* Read by the promises' probes; nobody writes to it. */
	{"/sys/kernel/security", "securityfs", LOCKED | MS_RDONLY, NULL},
	/* Only a board with memory that lasts has it. */
	{"/sys/fs/pstore", "pstore", LOCKED, NULL, .optional = true},
	/* The kernel has mounted it already where it can: then this is EBUSY. */
	{"/dev", "devtmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755"},
	{"/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "mode=0600,ptmxmode=0666"},
	{"/run", "tmpfs", LOCKED, "mode=0755,size=32m,nr_inodes=16384"},
	/* favordynmods: starting a cell must not wait for a grace period of the whole node. */
	{"/sys/fs/cgroup", "cgroup2", LOCKED, "nsdelegate,favordynmods"},
};

static const struct disk_mount {
	const char *target, *name; /* of the partition */
	unsigned long flags;
	const char *options;
	int grow;
} disk_mounts[] = {
	{"/state", "state", LOCKED, "errors=remount-ro", 0},
	{"/work", "work", MS_NOSUID | MS_NODEV, "errors=remount-ro,prjquota", 1},
};

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

int mounts_kernel(const char **ret_target)
{
	for (size_t i = 0; i < LENGTH(kernel_mounts); i++) {
		const struct kernel_mount *m = &kernel_mounts[i];

		mkdir(m->target, 0755); /* below a tmpfs; elsewhere it is there, or the root read-only */
		if (mount(m->type, m->target, m->type, m->flags, m->options) < 0 &&
		    errno != EBUSY && !m->optional) {
			*ret_target = m->target;
			return -errno;
		}
	}
	if (mkdir("/run/anchorhold", 0755) < 0 && errno != EEXIST) {
		*ret_target = "/run/anchorhold";
		return -errno;
	}
	return 0;
}

static int wait_for(const char *name, struct partition *ret_partition)
{
	const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
	uint64_t deadline = clock_ms() + DISK_WAIT_MS;
	int err;

	while ((err = partition_find(name, ret_partition)) == -ENOENT && clock_ms() < deadline)
		nanosleep(&pause, NULL);
	return err;
}

static int mount_one(struct log *log, const struct disk_mount *m)
{
	struct partition partition;
	char device[64];
	int err = wait_for(m->name, &partition);

	if (err) {
		log_line(log, LOG_ERROR, "mounts: partition \"%s\": %s", m->name, strerror(-err));
		return err;
	}
	/* Before mounting: a file system grown at an earlier boot is larger than the table says. */
	if (m->grow && (err = partition_grow(&partition)) < 0)
		log_line(log, LOG_WARNING, "mounts: %s cannot grow: %s", partition.device,
			 strerror(-err));
	snprintf(device, sizeof(device), "/dev/%s", partition.device);
	if (mount(device, m->target, "ext4", m->flags, m->options) < 0) {
		err = -errno;
		log_line(log, LOG_ERROR, "mounts: %s (%s) at %s: %s", device, m->name, m->target,
			 strerror(-err));
		return err;
	}
	if (m->grow && (err = filesystem_grow(m->target, &partition)) < 0)
		log_line(log, LOG_WARNING, "mounts: %s cannot grow: %s", m->target, strerror(-err));
	return 0;
}

int mounts_disk(struct log *log)
{
	int err = 0;

	for (size_t i = 0; i < LENGTH(disk_mounts) && !err; i++)
		err = mount_one(log, &disk_mounts[i]);
	return err;
}

void mounts_release(struct log *log)
{
	for (size_t i = LENGTH(disk_mounts); i-- > 0;) {
		const char *target = disk_mounts[i].target;

		if (umount2(target, UMOUNT_NOFOLLOW) == 0 || errno == EINVAL)
			continue;
		/* An environment's image may hold it: what counts is that nothing is half written. */
		if (mount(NULL, target, NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
			log_line(log, LOG_WARNING, "mounts: %s: %s", target, strerror(errno));
	}
}
