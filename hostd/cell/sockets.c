/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/sockets.h"

#include "hostd/cell/egress.h"
#include "hostd/cell/sys.h"
#include "hostd/cell/tmpfs.h"
#include "hostd/cell/util.h"

#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#define SOCKETS_BYTES (4u * 1024u * 1024u)
#define SOCKETS_INODES 64u
#define RESOLV_CONF "resolv.conf"

/* The kernel's layout of a POSIX ACL in an extended attribute: little-endian, as our machines. */
#define ACL_VERSION 2u
enum { ACL_USER_OBJ = 1, ACL_USER = 2, ACL_GROUP_OBJ = 4, ACL_MASK = 16, ACL_OTHER = 32 };
#define ACL_NO_ID 0xffffffffu

struct acl_entry {
	uint16_t tag, permissions;
	uint32_t id;
};

struct acl {
	uint32_t version;
	struct acl_entry entry[5];
};

static int set_acl(int dir, const char *name, uid_t relay, uint16_t permissions)
{
	const struct acl acl = {
		ACL_VERSION,
		{
			{ACL_USER_OBJ, 7, ACL_NO_ID},
			{ACL_USER, permissions, relay},
			{ACL_GROUP_OBJ, 0, ACL_NO_ID},
			{ACL_MASK, permissions, ACL_NO_ID},
			{ACL_OTHER, 0, ACL_NO_ID},
		},
	};

	return fsetxattr(dir, name, &acl, sizeof(acl), 0) < 0 ? -errno : 0;
}

int sockets_new(uid_t cell, uid_t relay, int *ret_fd)
{
	const struct tmpfs_spec spec = {
		.size = SOCKETS_BYTES,
		.inodes = SOCKETS_INODES,
		.mode = 0700,
		.owner = cell,
		.attributes = SYS_ATTR_NOSUID | SYS_ATTR_NODEV | SYS_ATTR_NOEXEC,
	};
	CLEANUP_FD int mount = -1;
	CLEANUP_FD int dir = -1;
	int result = tmpfs_new(&spec, &mount);

	if (result < 0)
		return result;
	dir = sys_open_beneath(mount, ".", O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0)
		return dir;
	result = set_acl(dir, "system.posix_acl_access", relay, 5);
	if (result == 0)
		result = set_acl(dir, "system.posix_acl_default", relay, 7);
	if (result == 0)
		*ret_fd = fd_take(&mount);
	return result;
}

int sockets_new_connection(int sockets, uint32_t incarnation)
{
	char name[48];

	snprintf(name, sizeof(name), "connection-%u.json", incarnation);
	/* An earlier incarnation may have left anything at all under this name. */
	if (unlinkat(sockets, name, 0) < 0 && errno != ENOENT)
		return -errno;
	return sys_open_beneath(sockets, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
}

/* The directory is the cell's: the file is made anew under a name that nothing is behind, and
 * never followed. Whoever is faster than this only spoils a file of his own. */
int sockets_put_resolvers(int sockets, const struct egress_policy *policy, int owner)
{
	CLEANUP_FD int fd = -1;
	char text[EGRESS_RESOLV_MAX] = "";
	ssize_t written;
	size_t len;

	if (policy)
		egress_resolv_conf(policy, text);
	if (unlinkat(sockets, RESOLV_CONF, 0) < 0 && errno != ENOENT)
		return -errno;
	len = strlen(text);
	if (len == 0)
		return 0;
	fd = sys_open_beneath(sockets, RESOLV_CONF, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fd;
	if (owner >= 0 && fchown(fd, (uid_t)owner, (gid_t)owner) < 0)
		return -errno;
	written = write(fd, text, len);
	if (written < 0)
		return -errno;
	return written == (ssize_t)len ? 0 : -EIO;
}
