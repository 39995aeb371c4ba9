/* SPDX-License-Identifier: Apache-2.0 */
/* The tree as an earlier monitor left it: taken over by name, cleared of who should not be there. */
#include "hostd/cell/cgroup.h"

#include "hostd/cell/sys.h"
#include "hostd/cell/util.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>

static int open_part(int parent, const char *name, int *ret_fd)
{
	*ret_fd = sys_open_beneath(parent, name, O_PATH | O_DIRECTORY, 0);
	return *ret_fd < 0 ? *ret_fd : 0;
}

int cgroup_adopt(int cells, const uint8_t id[CELL_ID_LEN], struct cgroup *ret_cgroup)
{
	struct cgroup cgroup = {.cells = cells, .base = -1, .relay = -1, .cell = -1};
	int result;

	cgroup_name(cgroup.name, id);
	result = open_part(cells, cgroup.name, &cgroup.base);
	if (result == 0)
		result = open_part(cgroup.base, "relay", &cgroup.relay);
	if (result == 0)
		result = open_part(cgroup.base, "cell", &cgroup.cell);
	if (result == 0) {
		*ret_cgroup = cgroup;
		return 0;
	}
	cgroup_close(&cgroup);
	return result;
}

/* Calls `seen` with each process; a negative return ends it and is returned. */
static int each(int cgroup, int (*seen)(pid_t pid, pid_t wanted), pid_t wanted)
{
	int fd = sys_open_beneath(cgroup, "cgroup.procs", O_RDONLY, 0);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char line[24];
	int result = 0;

	if (!file) {
		result = fd < 0 ? fd : -errno;
		fd_close(&fd);
		return result;
	}
	while (result == 0 && fgets(line, sizeof(line), file))
		result = seen((pid_t)strtol(line, NULL, 10), wanted);
	(void)fclose(file);
	return result;
}

static int is_it(pid_t pid, pid_t wanted)
{
	return pid == wanted ? -EEXIST : 0;
}

bool cgroup_holds(int cgroup, pid_t pid)
{
	return pid > 0 && each(cgroup, is_it, pid) == -EEXIST;
}

static int kill_other(pid_t pid, pid_t wanted)
{
	if (pid > 0 && pid != wanted)
		(void)kill(pid, SIGKILL);
	return 0;
}

/* Their numbers are their own while they are in the list of a cgroup that nobody else joins. */
int cgroup_clear(int cgroup, pid_t except)
{
	return each(cgroup, kill_other, except);
}
