/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cells that come and go, and what is there before and after: this process's descriptors, the
 * cgroups, and the kernel's own objects by its slabs, which count those of every namespace.
 * A control leaves one thing behind on purpose, as PROGRAM: mount, cgroup, netns, userns or fd.
 */
#include "hostd/bench/bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostd/bench/spawn.h"
#include "hostd/cell/host.h"

#define WARM 20u
#define LEFT 16u /* of what a control leaves: more than what a slab counts too many */
#define SETTLE_TRIES 20 /* of half a second: what ends by RCU and by work queues */

static const char *const caches[] = {
	"mnt_cache", "net_namespace", "user_namespace", "uts_namespace", "task_struct",
	"mm_struct", "sock_inode_cache", "shmem_inode_cache", "kernfs_node_cache", "proc_inode_cache",
	"dentry", "cred",
};

#define CACHES (sizeof(caches) / sizeof(caches[0]))

struct count {
	unsigned long fds, cgroups, available_kib, slots, cache[CACHES];
};

static unsigned long entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned long count = 0;

	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.' && (entry->d_type == DT_DIR || path[1] == 'p');
	if (dir)
		closedir(dir);
	return count;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fprintf(stderr, "bench-cell: %s: %s\n", path, strerror(errno));
	close(fd);
}

static void read_slabs(struct count *count)
{
	FILE *file = fopen("/proc/slabinfo", "re");
	char line[512], name[64];
	unsigned long active;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63s %lu", name, &active) != 2)
			continue;
		for (size_t i = 0; i < CACHES; i++)
			if (strcmp(name, caches[i]) == 0)
				count->cache[i] = active;
	}
	if (file)
		fclose(file);
}

/* Objects that a CPU holds in reserve count as active: shrinking gives them back. */
static void shrink(void)
{
	char path[96];

	write_file("/proc/sys/vm/drop_caches", "3");
	for (size_t i = 0; i < CACHES; i++) {
		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", caches[i]);
		if (access(path, W_OK) == 0)
			write_file(path, "1");
	}
}

static void take(struct ours *ours, struct count *count)
{
	FILE *file;
	char line[128];

	*count = (struct count){0};
	shrink();
	read_slabs(count);
	count->fds = entries("/proc/self/fd");
	count->cgroups = entries(ours->cells);
	for (size_t i = 0; i < CELL_SLOTS_MAX; i++)
		count->slots += ours->host->uids.taken[i];
	file = fopen("/proc/meminfo", "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %lu", &count->available_kib) == 1)
			break;
	if (file)
		fclose(file);
}

/* Left behind for as long as this process lives, or the mounts do. */
static int leave(const char *what, const char *cells, unsigned number)
{
	char path[256];

	if (strcmp(what, "fd") == 0)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (strcmp(what, "mount") == 0)
		return mount("left", "/run", "tmpfs", 0, NULL);
	if (strcmp(what, "cgroup") == 0) {
		snprintf(path, sizeof(path), "%s/left-%u", cells, number);
		return mkdir(path, 0755);
	}
	if (strcmp(what, "netns") == 0 || strcmp(what, "userns") == 0) {
		int flag = strcmp(what, "netns") == 0 ? CLONE_NEWNET : CLONE_NEWUSER;
		pid_t pid = fork();

		if (pid == 0) {
			if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || unshare(flag) < 0)
				_exit(1);
			for (;;)
				pause();
		}
		return pid;
	}
	fprintf(stderr, "bench-cell: no control is named '%s'\n", what);
	return -1;
}

static int cycle(struct ours *ours, unsigned times)
{
	for (unsigned n = 0; n < times; n++) {
		struct one *one = NULL;

		/* Every other one is prepared, and each fourth of these is never asked for. */
		if (n % 2 == 0 && one_prepare(ours, &one) < 0)
			return -1;
		if (n % 8 != 6 && (one_start(ours, &one) < 0 || one_await(one) < 0))
			return -1;
		if (one_remove(one) < 0)
			return -1;
	}
	return 0;
}

/* What goes by RCU or a work queue is waited for; what is really left stays whatever one waits. */
static void take_settled(struct ours *ours, const struct count *before, struct count *after)
{
	for (int i = 0; i < SETTLE_TRIES; i++) {
		usleep(500000);
		take(ours, after);
		if (after->cache[0] <= before->cache[0] && after->cache[1] <= before->cache[1] &&
		    after->cache[2] <= before->cache[2] && after->cache[4] <= before->cache[4])
			return;
	}
}

static void put(const char *name, unsigned long before, unsigned long after)
{
	char text[64];

	snprintf(text, sizeof(text), "leaks.%s.before", name);
	figure(text, (double)before, "count");
	snprintf(text, sizeof(text), "leaks.%s.after", name);
	figure(text, (double)after, "count");
}

int bench_leaks(struct ours *ours, unsigned times)
{
	const char *control = ours->control;
	struct count before, after;

	if (cycle(ours, WARM) < 0)
		return -1;
	sleep(2);
	take(ours, &before);
	if (cycle(ours, times) < 0)
		return -1;
	for (unsigned n = 0; control && n < LEFT; n++)
		if (leave(control, ours->cells, n) < 0)
			return -1;
	take_settled(ours, &before, &after);
	put("fds", before.fds, after.fds);
	put("cgroups", before.cgroups, after.cgroups);
	put("slots", before.slots, after.slots);
	put("available_kib", before.available_kib, after.available_kib);
	for (size_t i = 0; i < CACHES; i++)
		put(caches[i], before.cache[i], after.cache[i]);
	return 0;
}
