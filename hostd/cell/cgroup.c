/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/cgroup.h"

#include "hostd/cell/sys.h"
#include "hostd/cell/util.h"

#include <dirent.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define REMOVE_TIMEOUT_MS 5000u
#define POLL_MS 20

void cgroup_name(char ret_name[CGROUP_UUID_LEN], const uint8_t id[CELL_ID_LEN])
{
	char *at = ret_name;

	for (unsigned i = 0; i < CELL_ID_LEN; i++)
		at += sprintf(at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
}

static int make(int parent, const char *name, int *ret_fd)
{
	int fd;

	if (mkdirat(parent, name, 0755) < 0)
		return -errno;
	fd = sys_open_beneath(parent, name, O_PATH | O_DIRECTORY, 0);
	if (fd < 0) {
		(void)unlinkat(parent, name, AT_REMOVEDIR);
		return fd;
	}
	*ret_fd = fd;
	return 0;
}

static int make_tree(struct cgroup *cgroup, const uint8_t id[CELL_ID_LEN], unsigned lacking)
{
	char name[CGROUP_UUID_LEN];
	int result;

	cgroup_name(name, id);
	result = make(cgroup->cells, name, &cgroup->base);
	if (result < 0)
		return result;
	memcpy(cgroup->name, name, sizeof(name));
	if (!(lacking & CELL_LACK_CONTROLLERS))
		result = file_write(cgroup->base, "cgroup.subtree_control", "+cpu +memory +pids +io");
	if (result == 0)
		result = make(cgroup->base, "relay", &cgroup->relay);
	if (result == 0)
		result = make(cgroup->base, "cell", &cgroup->cell);
	return result;
}

int cgroup_new(int cells, const uint8_t id[CELL_ID_LEN], const struct cell_limits *limits,
	       const char *disk, unsigned lacking, struct cgroup *ret_cgroup,
	       struct cell_error *ret_error)
{
	struct cgroup cgroup = {.cells = cells, .base = -1, .relay = -1, .cell = -1};
	int result = make_tree(&cgroup, id, lacking);

	if (result < 0)
		step_fail(ret_error, "cgroup: make", result);
	else if (!(lacking & CELL_LACK_CONTROLLERS))
		result = cgroup_limit(&cgroup, limits, disk, ret_error);
	if (result < 0) {
		cgroup_remove(&cgroup);
		return result;
	}
	*ret_cgroup = cgroup;
	return 0;
}

int cgroup_kill(int cgroup)
{
	return file_write(cgroup, "cgroup.kill", "1");
}

static int remove_one(int parent, const char *name)
{
	return unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

/* Children first. EBUSY means a process in one of them still ends. */
static int remove_tree(int cells, const char *name, int base)
{
	static const char *const children[] = {"relay", "cell"};

	for (size_t i = 0; i < sizeof(children) / sizeof(children[0]); i++) {
		int result = remove_one(base, children[i]);

		if (result < 0)
			return result;
	}
	return remove_one(cells, name);
}

/* cgroup.events changes, with POLLPRI, when the last process is gone. */
static void wait_change(int base)
{
	CLEANUP_FD int events = sys_open_beneath(base, "cgroup.events", O_RDONLY, 0);
	struct pollfd poll_fd = {.fd = events, .events = POLLPRI};
	char text[64];

	if (events >= 0)
		(void)!read(events, text, sizeof(text));
	(void)poll(&poll_fd, 1, POLL_MS);
}

static int kill_and_remove(int cells, const char *name, int base)
{
	uint64_t deadline = clock_ms() + REMOVE_TIMEOUT_MS;
	int result = remove_tree(cells, name, base);

	if (result == -EBUSY) {
		result = cgroup_kill(base);
		if (result < 0)
			return result;
		result = remove_tree(cells, name, base);
	}
	while (result == -EBUSY && clock_ms() < deadline) {
		wait_change(base);
		result = remove_tree(cells, name, base);
	}
	return result;
}

void cgroup_close(struct cgroup *cgroup)
{
	fd_close(&cgroup->base);
	fd_close(&cgroup->relay);
	fd_close(&cgroup->cell);
}

void cgroup_remove_cell(const struct cgroup *cgroup)
{
	if (cgroup->name[0])
		(void)remove_one(cgroup->base, "cell");
}

int cgroup_remove(struct cgroup *cgroup)
{
	int result = 0;

	if (cgroup->name[0])
		result = kill_and_remove(cgroup->cells, cgroup->name, cgroup->base);
	cgroup_close(cgroup);
	cgroup->name[0] = '\0';
	return result;
}

uint64_t cgroup_oom_kills(const struct cgroup *cgroup)
{
	return file_read_field(cgroup->cell, "memory.events", "oom_kill");
}

/* Of all of them first, so that they end at the same time and one that does not keeps no other. */
static int sweep_kill(int cells, const char *name, int base)
{
	return cgroup_kill(base);
}

static int sweep_one(int cells, const char *name,
		     int (*act)(int cells, const char *name, int base))
{
	CLEANUP_FD int base = sys_open_beneath(cells, name, O_PATH | O_DIRECTORY, 0);

	if (base == -ENOTDIR) /* the interface files */
		return 0;
	return base < 0 ? base : act(cells, name, base);
}

static int sweep(int cells, cgroup_known *known, void *ctx,
		 int (*act)(int cells, const char *name, int base))
{
	int fd = sys_open_beneath(cells, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int result = 0;

	if (!dir) {
		result = fd < 0 ? fd : -errno;
		fd_close(&fd);
		return result;
	}
	while ((entry = readdir(dir))) {
		int one = 0;

		if (entry->d_name[0] != '.' && !(known && known(ctx, entry->d_name)))
			one = sweep_one(cells, entry->d_name, act);
		if (result == 0)
			result = one;
	}
	closedir(dir);
	return result;
}

int cgroup_sweep(int cells, cgroup_known *known, void *ctx)
{
	(void)sweep(cells, known, ctx, sweep_kill); /* what fails here fails there */
	return sweep(cells, known, ctx, kill_and_remove);
}
