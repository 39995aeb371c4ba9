/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostd/plain/plain.h"

#define LINE_LEN 1024
#define REMOVE_TRIES 100 /* of 20 ms */

/* monitor.c puts "/hostd/monitor" behind it in 128 bytes. */
#define TREE_LEN_MAX 100u

/* Where cgroup2 is mounted: not always at /sys/fs/cgroup. */
static int find_mount(char *ret, size_t size)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[LINE_LEN], point[256] = "";

	if (!file)
		return -errno;
	while (!point[0] && fgets(line, sizeof(line), file))
		if (!strstr(line, " - cgroup2 ") ||
		    sscanf(line, "%*s %*s %*s %*s %255s", point) != 1)
			point[0] = '\0';
	fclose(file);
	snprintf(ret, size, "%s", point);
	return point[0] ? 0 : -ENOENT;
}

static int find_home(struct plain_cgroups *cgroups)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[LINE_LEN];
	int r = -ENOENT;

	if (!file)
		return -errno;
	while (r < 0 && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "0::", 3) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		r = snprintf(cgroups->home, sizeof(cgroups->home), "%.250s%.250s", cgroups->mount,
			     line + 3) > 0 ? 0 : -EINVAL;
	}
	fclose(file);
	return r;
}

int plain_cgroups_find(int folder_fd, struct plain_cgroups *ret_cgroups)
{
	struct stat st;
	int len, r = find_mount(ret_cgroups->mount, sizeof(ret_cgroups->mount));

	if (r == 0)
		r = find_home(ret_cgroups);
	if (r < 0)
		return r;
	if (fstat(folder_fd, &st) < 0)
		return -errno;
	len = snprintf(ret_cgroups->tree, TREE_LEN_MAX, "%.250s/anchorhold-plain-%llx-%llu",
		       ret_cgroups->mount, (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino);
	return len < 0 || (size_t)len >= TREE_LEN_MAX ? -ENAMETOOLONG : 0;
}

static int read_text(const char *folder, const char *name, char *ret, size_t size)
{
	char path[PLAIN_PATH_MAX + 64];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, ret, size - 1);
	if (fd >= 0)
		close(fd);
	ret[len > 0 ? len : 0] = '\0';
	return len < 0 ? -errno : 0;
}

static int write_text(const char *folder, const char *name, const char *text)
{
	char path[PLAIN_PATH_MAX + 64];
	int fd, r = 0;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		r = -errno;
	close(fd);
	return r;
}

/* To enable one that is not would change the machine for everybody. */
void plain_cgroups_missing(const struct plain_cgroups *cgroups, char *ret, size_t size)
{
	static const char *const needed[] = {"cpu", "memory", "pids", "io"};
	char has[256], *rest = has;
	bool found[4] = {false};
	size_t at = 0;

	ret[0] = '\0';
	(void)read_text(cgroups->mount, "cgroup.subtree_control", has, sizeof(has));
	for (char *word; (word = strsep(&rest, " \n"));)
		for (size_t i = 0; i < 4; i++)
			found[i] |= strcmp(word, needed[i]) == 0;
	for (size_t i = 0; i < 4 && at < size; i++)
		if (!found[i])
			at += (size_t)snprintf(ret + at, size - at, "%s%s", at ? " " : "",
					       needed[i]);
}

int plain_cgroups_make(const struct plain_cgroups *cgroups, bool controllers)
{
	static const char *const folders[] = {"", "/hostd", "/hostd/monitor", "/hostd/link",
					      "/cells"};
	static const char *const delegating[] = {"", "/hostd", "/cells"};
	char path[PLAIN_PATH_MAX + 64];
	int r = 0;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", cgroups->tree, folders[i]);
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	for (size_t i = 0; controllers && r == 0 && i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", cgroups->tree, delegating[i]);
		r = write_text(path, "cgroup.subtree_control", "+cpu +memory +pids +io");
	}
	return r;
}

int plain_cgroups_remove(const struct plain_cgroups *cgroups)
{
	static const char *const folders[] = {"/cells", "/hostd/link", "/hostd/monitor", "/hostd",
					      ""};
	char path[PLAIN_PATH_MAX + 64];
	int r = write_text(cgroups->home, "cgroup.procs", "0");

	for (size_t i = 0; r == 0 && i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", cgroups->tree, folders[i]);
		for (int try = 0; rmdir(path) < 0 && errno != ENOENT; try++) {
			if (errno != EBUSY || try == REMOVE_TRIES)
				return -errno;
			usleep(20000); /* a killed worker is still on its way out */
		}
	}
	return r;
}
