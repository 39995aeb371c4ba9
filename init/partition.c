/* SPDX-License-Identifier: Apache-2.0 */
#include "init/partition.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/blkpg.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/value.h"
#include "init/files.h"

#define SECTOR 512u
#define END_RESERVED 2048u /* sectors: 1 MiB, the backup table is within */
#define RESIZE_FS _IOW('f', 16, uint64_t) /* EXT4_IOC_RESIZE_FS, in no user-space header */

static int take_word(const char *value, char ret_word[DEVICE_NAME_MAX])
{
	size_t len = strlen(value);

	if (len == 0 || len >= DEVICE_NAME_MAX)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if (!(value[i] >= 'a' && value[i] <= 'z') && !(value[i] >= '0' && value[i] <= '9') &&
		    value[i] != '-')
			return -EINVAL; /* no slash, no dot: it becomes part of a path */
	memcpy(ret_word, value, len + 1);
	return 0;
}

int partition_parse(const char *text, size_t len, struct partition *ret_partition)
{
	struct partition p = {0};
	char line[LINE_MAX_LEN];
	unsigned number = 0;
	int err;

	while ((err = line_next(&text, &len, &number, line)) > 0) {
		char *value = strchr(line, '=');
		uint32_t partn;

		if (!value)
			return -EINVAL;
		*value++ = '\0';
		if (strcmp(line, "DEVNAME") == 0 && take_word(value, p.device))
			return -EINVAL;
		if (strcmp(line, "PARTNAME") == 0 && take_word(value, p.name))
			return -ENOENT; /* somebody else's name */
		if (strcmp(line, "PARTN") == 0) {
			if (value_u32(value, 1, 255, &partn))
				return -EINVAL;
			p.number = partn;
		}
	}
	if (err)
		return err;
	if (p.device[0] == '\0' || p.name[0] == '\0' || p.number == 0)
		return -ENOENT;
	*ret_partition = p;
	return 0;
}

static int read_uevent(const char *device, struct partition *ret_partition)
{
	char path[300], *text;
	size_t len;
	int err;

	snprintf(path, sizeof(path), "/sys/class/block/%s/uevent", device);
	err = conf_read_file(path, 4096, &text, &len);
	if (err)
		return err;
	err = partition_parse(text, len, ret_partition);
	free(text);
	return err;
}

int partition_find(const char *name, struct partition *ret_partition)
{
	DIR *dir = opendir("/sys/class/block");
	struct partition p;
	struct dirent *entry;
	int found = 0;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || read_uevent(entry->d_name, &p) ||
		    strcmp(p.name, name) != 0)
			continue;
		found++;
		*ret_partition = p;
	}
	closedir(dir);
	return found == 0 ? -ENOENT : found == 1 ? 0 : -ENOTUNIQ;
}

uint64_t partition_room(uint64_t disk_sectors, uint64_t start)
{
	uint64_t end = disk_sectors < END_RESERVED ? 0 : disk_sectors - END_RESERVED;

	end -= end % END_RESERVED; /* in whole MiB, as the table itself is laid out */
	return end > start ? (end - start) * SECTOR : 0;
}

static int read_number(const char *device, const char *file, uint64_t *ret)
{
	char path[128], *text;
	size_t len;
	int err;

	snprintf(path, sizeof(path), "/sys/class/block/%s/%s", device, file);
	err = conf_read_file(path, 64, &text, &len);
	if (err)
		return err;
	if (len > 0 && text[len - 1] == '\n')
		text[len - 1] = '\0';
	err = value_u64(text, 0, INT64_MAX / SECTOR, ret);
	free(text);
	return err;
}

/* The disk is the folder in which sysfs keeps the partition's own. */
static int find_disk(const char *device, char ret_disk[DEVICE_NAME_MAX])
{
	char path[128], target[512], *slash;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/class/block/%s", device);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	slash = strrchr(target, '/');
	if (!slash)
		return -EINVAL;
	*slash = '\0';
	slash = strrchr(target, '/');
	return slash ? take_word(slash + 1, ret_disk) : -EINVAL;
}

static int resize(const char *disk, unsigned number, uint64_t start, uint64_t bytes)
{
	struct blkpg_partition part = {
		.start = (long long)(start * SECTOR),
		.length = (long long)bytes,
		.pno = (int)number,
	};
	struct blkpg_ioctl_arg arg = {
		.op = BLKPG_RESIZE_PARTITION,
		.datalen = sizeof(part),
		.data = &part,
	};
	char path[64];
	int fd, err;

	snprintf(path, sizeof(path), "/dev/%s", disk);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = ioctl(fd, BLKPG, &arg) < 0 ? -errno : 0;
	close(fd);
	return err;
}

int partition_grow(const struct partition *partition)
{
	char disk[DEVICE_NAME_MAX];
	uint64_t start, size, disk_size, room;
	int err = find_disk(partition->device, disk);

	if (!err)
		err = read_number(partition->device, "start", &start);
	if (!err)
		err = read_number(partition->device, "size", &size);
	if (!err)
		err = read_number(disk, "size", &disk_size);
	if (err)
		return err;
	room = partition_room(disk_size, start);
	if (room <= size * SECTOR)
		return 0;
	err = resize(disk, partition->number, start, room);
	return err ? err : 1;
}

int filesystem_grow(const char *path, const struct partition *partition)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;
	uint64_t sectors = 0, blocks;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &fs) < 0)
		err = -errno;
	else if (fs.f_bsize < (long)SECTOR)
		err = -EINVAL;
	else
		err = read_number(partition->device, "size", &sectors);
	if (!err) {
		blocks = sectors * SECTOR / (uint64_t)fs.f_bsize;
		err = ioctl(fd, RESIZE_FS, &blocks) < 0 ? -errno : 0;
	}
	close(fd);
	return err;
}
