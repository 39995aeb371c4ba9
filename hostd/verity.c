/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/verity.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define BLOCK 4096u
#define SECTOR 512u
#define LOOP_TRIES 8

static void hex(const uint8_t *bytes, size_t len, char *ret)
{
	for (size_t i = 0; i < len; i++)
		snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
	if (len == 0)
		snprintf(ret, 2, "-");
}

/* The tree begins right after the superblock's block, which follows the data. */
int verity_table(const struct verity_spec *spec, unsigned major_number, unsigned minor_number,
		 char *ret, size_t size)
{
	char root[2 * 32 + 1];
	char salt[2 * 32 + 1];
	int len;

	hex(spec->root_hash, 32, root);
	hex(spec->salt, spec->salt_len, salt);
	len = snprintf(ret, size, "1 %u:%u %u:%u %u %u %u %u sha256 %s %s", major_number,
		       minor_number, major_number, minor_number, BLOCK, BLOCK, spec->data_blocks,
		       spec->data_blocks + 1, root, salt);
	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

/* Another program may take the free number first: then the next is tried. */
static int loop_attach(int image, char *ret_path, size_t size, int *ret_fd)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	struct loop_config config = {
		.fd = (uint32_t)image,
		.block_size = BLOCK,
		.info = {.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO},
	};
	int r = -EBUSY;

	if (control < 0)
		return -errno;
	for (int i = 0; i < LOOP_TRIES && r == -EBUSY; i++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		int fd;

		if (number < 0) {
			r = -errno;
			break;
		}
		snprintf(ret_path, size, "/dev/loop%d", number);
		fd = open(ret_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0) {
			r = -errno;
			break;
		}
		r = ioctl(fd, LOOP_CONFIGURE, &config) < 0 ? -errno : 0;
		if (r < 0) {
			close(fd);
			continue;
		}
		*ret_fd = fd;
	}
	close(control);
	return r;
}

/* Asked for, the kernel may still fall back without a word. */
static bool loop_is_direct(int loop)
{
	struct loop_info64 info;

	return ioctl(loop, LOOP_GET_STATUS64, &info) == 0 && info.lo_flags & LO_FLAGS_DIRECT_IO;
}

struct dm_request {
	struct dm_ioctl head;
	struct dm_target_spec target;
	char table[512];
};

static void dm_prepare(struct dm_request *request, const char *name)
{
	memset(request, 0, sizeof(*request));
	request->head.version[0] = DM_VERSION_MAJOR;
	request->head.data_size = sizeof(*request);
	request->head.data_start = sizeof(request->head);
	snprintf(request->head.name, sizeof(request->head.name), "%s", name);
}

static void dm_remove(int control, const char *name)
{
	struct dm_request request;

	dm_prepare(&request, name);
	(void)ioctl(control, DM_DEV_REMOVE, &request);
}

void verity_remove(const char *name)
{
	int control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	struct dm_request request;

	dm_prepare(&request, name);
	/* A mount namespace that has just ended may hold the file system for a moment yet. */
	request.head.flags = DM_DEFERRED_REMOVE;
	if (control >= 0) {
		(void)ioctl(control, DM_DEV_REMOVE, &request);
		close(control);
	}
}

static int dm_load(int control, const struct verity_spec *spec, dev_t device)
{
	struct dm_request request;
	int r;

	dm_prepare(&request, spec->name);
	request.head.flags = DM_READONLY_FLAG;
	request.head.target_count = 1;
	request.target.length = (uint64_t)spec->data_blocks * (BLOCK / SECTOR);
	snprintf(request.target.target_type, sizeof(request.target.target_type), "verity");
	r = verity_table(spec, major(device), minor(device), request.table,
			 sizeof(request.table));
	if (r < 0)
		return r;
	if (ioctl(control, DM_TABLE_LOAD, &request) < 0)
		return -errno;
	dm_prepare(&request, spec->name);
	return ioctl(control, DM_DEV_SUSPEND, &request) < 0 ? -errno : 0; /* which resumes */
}

/* An earlier monitor of this boot may have left the device: it is made anew. */
static int dm_make(int control, const struct verity_spec *spec, dev_t device, dev_t *ret_device)
{
	struct dm_request request;
	int r;

	dm_prepare(&request, spec->name);
	r = ioctl(control, DM_DEV_CREATE, &request) < 0 ? -errno : 0;
	if (r == -EBUSY) {
		dm_remove(control, spec->name);
		dm_prepare(&request, spec->name);
		r = ioctl(control, DM_DEV_CREATE, &request) < 0 ? -errno : 0;
	}
	if (r < 0)
		return r;
	*ret_device = makedev((unsigned)(request.head.dev >> 8 & 0xfff),
			      (unsigned)((request.head.dev & 0xff) | (request.head.dev >> 12 &
								      0xfff00)));
	r = dm_load(control, spec, device);
	if (r < 0)
		dm_remove(control, spec->name);
	return r;
}

/* A node of our own: the image has no udev, and devtmpfs may name it otherwise. */
static int mount_device(const struct verity_spec *spec, dev_t device, const char **ret_step)
{
	char path[64];
	int r = 0;

	snprintf(path, sizeof(path), "/dev/anchorhold-%s", spec->shown ? spec->shown : spec->name);
	unlink(path);
	*ret_step = "mknod";
	if (mknod(path, S_IFBLK | 0600, device) < 0)
		return -errno;
	*ret_step = "mount erofs";
	if (mount(path, spec->mount_point, "erofs", MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) < 0)
		r = -errno;
	unlink(path);
	return r;
}

int verity_mount(const struct verity_spec *spec, const char **ret_step)
{
	char loop_path[32];
	struct stat st = {0};
	dev_t mapped = 0;
	int control = -1;
	int loop_fd = -1;
	int image = open(spec->image, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int r;

	*ret_step = "open image";
	if (image < 0)
		return -errno;
	*ret_step = "loop device";
	r = loop_attach(image, loop_path, sizeof(loop_path), &loop_fd);
	close(image);
	if (r == 0 && spec->direct && !loop_is_direct(loop_fd)) {
		*ret_step = "loop device: direct I/O";
		close(loop_fd);
		r = -EOPNOTSUPP;
	}
	if (r < 0)
		return r;
	*ret_step = "device mapper";
	control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	r = control < 0 || fstat(loop_fd, &st) < 0 ? -errno : 0;
	if (r == 0)
		r = dm_make(control, spec, st.st_rdev, &mapped);
	if (r == 0) {
		r = mount_device(spec, mapped, ret_step);
		if (r < 0)
			dm_remove(control, spec->name);
	}
	/* The mapping holds the loop device now; without it autoclear takes it away. */
	close(loop_fd);
	if (control >= 0)
		close(control);
	return r;
}
