/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests ask of the kernel that no applet does. For the test image alone.
 *
 *   look resident FILE    how many of its pages are in the page cache
 *   look cookie PID       its core-scheduling cookie, hashed by the kernel; 0: none
 *   look project FILE     the id that its blocks and inodes count under
 *   look claim FILE ID    make them count under another
 *   look space FILE       its file system: blocks, their size, inodes
 *   look inherit FILE     let what is made in the directory count elsewhere
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PAGE 4096u

static int fail(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	return 1;
}

static int resident(const char *path, const char *unused)
{
	unsigned long pages, count = 0;
	unsigned char *present;
	struct stat st;
	void *map;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	(void)unused;
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(path);
	pages = ((unsigned long)st.st_size + PAGE - 1) / PAGE;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	present = calloc(pages + 1, 1);
	if (map == MAP_FAILED || !present || mincore(map, (size_t)st.st_size, present) < 0)
		return fail("mincore");
	for (unsigned long i = 0; i < pages; i++)
		count += present[i] & 1;
	printf("%lu\n", count);
	return 0;
}

static int space(const char *path, const char *unused)
{
	struct statvfs fs;

	(void)unused;
	if (statvfs(path, &fs) < 0)
		return fail(path);
	printf("%llu %lu %llu\n", (unsigned long long)fs.f_blocks, fs.f_frsize,
	       (unsigned long long)fs.f_files);
	return 0;
}

static int cookie(const char *pid, const char *unused)
{
	unsigned long long value = 0;

	(void)unused;
	/* PR_SCHED_CORE, PR_SCHED_CORE_GET, of a thread */
	if (prctl(62, 0, atoi(pid), 0, &value) < 0)
		return fail("prctl");
	printf("%llx\n", value);
	return 0;
}

static int project(const char *path, const char *unused)
{
	struct fsxattr attributes;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	(void)unused;
	if (fd < 0 || ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0)
		return fail(path);
	printf("%u\n", attributes.fsx_projid);
	return 0;
}

static int claim(const char *path, const char *id)
{
	struct fsxattr attributes;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0)
		return fail(path);
	attributes.fsx_projid = (unsigned)strtoul(id, NULL, 10);
	return ioctl(fd, FS_IOC_FSSETXATTR, &attributes) < 0 ? fail("FSSETXATTR") : 0;
}

static int inherit(const char *path, const char *unused)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int flags;

	(void)unused;
	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return fail(path);
	flags &= ~FS_PROJINHERIT_FL;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0 ? fail("SETFLAGS") : 0;
}

static const struct {
	const char *name;
	int words;
	int (*run)(const char *first, const char *second);
} verbs[] = {
	{"resident", 3, resident}, {"cookie", 3, cookie},   {"project", 3, project},
	{"claim", 4, claim},	   {"inherit", 3, inherit}, {"space", 3, space},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[1], verbs[i].name) == 0 && argc == verbs[i].words)
			return verbs[i].run(argv[2], argv[argc - 1]);
	fputs("usage: look resident|project|inherit|space FILE | cookie PID | claim FILE ID\n", stderr);
	return 2;
}
