/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/test_machine.h"

#include "hostd/cell/landlock.h"
#include "hostd/cell/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TREE "anchorhold-test"


/* Where cgroup2 is mounted: not always at /sys/fs/cgroup. */
static int open_cgroup2(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[1024], point[256];
	int fd = -1;

	while (file && fd < 0 && fgets(line, sizeof(line), file))
		if (strstr(line, " - cgroup2 ") &&
		    sscanf(line, "%*s %*s %*s %*s %255s", point) == 1)
			fd = open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (file)
		fclose(file);
	return fd;
}

static bool has_controllers(int cgroup)
{
	char text[256];

	return file_read(cgroup, "cgroup.controllers", text, sizeof(text)) == 0 &&
	       strstr(text, "cpu") && strstr(text, "memory") && strstr(text, "pids") &&
	       strstr(text, "io");
}

static bool find_machine(struct machine *machine)
{
	machine->cgroup_root = open_cgroup2();
	if (geteuid() != 0 || machine->cgroup_root < 0)
		return false;
	if (mkdirat(machine->cgroup_root, TREE, 0755) < 0 && errno != EEXIST)
		return false;
	machine->cells = openat(machine->cgroup_root, TREE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (has_controllers(machine->cells))
		file_write(machine->cells, "cgroup.subtree_control", "+cpu +memory +pids +io");
	else
		machine->lacking |= CELL_LACK_CONTROLLERS;
	if (landlock_check() < 0)
		machine->lacking |= CELL_LACK_LANDLOCK;
	return machine->cells >= 0;
}

static void copy(int from, int root, const char *path)
{
	int to = openat(root, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	char block[65536];
	ssize_t n;

	lseek(from, 0, SEEK_SET);
	while ((n = read(from, block, sizeof(block))) > 0)
		if (write(to, block, (size_t)n) != n)
			abort();
	close(to);
}

static const char *const directories[] = {
	"proc", "dev", "tmp", "home", "home/user", "run", "run/kernel", "work", "etc", "usr",
	"usr/bin", "usr/lib", "usr/lib/anchorhold",
};

static bool build_environment(struct machine *machine, const char *init, const char *probe)
{
	int init_fd = open(init, O_RDONLY | O_CLOEXEC);
	int probe_fd = open(probe, O_RDONLY | O_CLOEXEC);
	int root;

	snprintf(machine->directory, sizeof(machine->directory), "%.32s/test-cell-XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (init_fd < 0 || probe_fd < 0 || !mkdtemp(machine->directory))
		return false;
	chmod(machine->directory, 0755);
	root = open(machine->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		mkdirat(root, directories[i], 0755);
	copy(init_fd, root, "usr/lib/anchorhold/cell-init");
	copy(probe_fd, root, "usr/bin/cell-probe");
	copy(probe_fd, root, "etc/script");
	close(openat(root, "unlisted", O_WRONLY | O_CREAT, 0644));
	close(init_fd);
	close(probe_fd);
	machine->environment = root;
	return true;
}

int open_machine(struct machine *machine, int argc, char **argv)
{
	*machine = (struct machine){.cgroup_root = -1, .cells = -1, .environment = -1};
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 3)
		return 2;
	if (!find_machine(machine)) {
		printf("skipped: needs root and a cgroup2 tree\n");
		return SKIP;
	}
	return build_environment(machine, argv[1], argv[2]) ? 0 : 1;
}

void remove_environment(struct machine *machine)
{
	static const char *const files[] = {"usr/lib/anchorhold/cell-init", "usr/bin/cell-probe",
					    "etc/script", "unlisted"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlinkat(machine->environment, files[i], 0);
	for (size_t i = sizeof(directories) / sizeof(directories[0]); i-- > 0;)
		unlinkat(machine->environment, directories[i], AT_REMOVEDIR);
	rmdir(machine->directory);
	close(machine->environment);
	close(machine->cells);
	unlinkat(machine->cgroup_root, TREE, AT_REMOVEDIR);
	close(machine->cgroup_root);
}

unsigned count_lines(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned count = 0;
	int c;

	while (file && (c = getc(file)) != EOF)
		count += c == '\n';
	if (file)
		fclose(file);
	return count;
}

unsigned count_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}
