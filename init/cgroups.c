/* SPDX-License-Identifier: Apache-2.0 */
#include "init/cgroups.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "init/files.h"

/* In order. A row without a value is a folder to make. */
static const struct row {
	const char *path, *value;
} rows[] = {
	{CGROUP_ROOT "/init", NULL},
	{CGROUP_ROOT "/init/cgroup.procs", "0"}, /* first: a folder with processes cannot delegate */
	{CGROUP_ROOT "/cgroup.subtree_control", "+cpu +memory +pids +io +cpuset"},
	{CGROUP_DHCP, NULL},
	{CGROUP_DHCP "/memory.max", "8M"},
	{CGROUP_DHCP "/pids.max", "4"},
	{CGROUP_HOSTD, NULL},
	{CGROUP_HOSTD "/memory.min", "16M"}, /* cells under pressure never push out their keeper */
	{CGROUP_HOSTD "/cgroup.subtree_control", "+cpu +memory +pids"},
	{CGROUP_MONITOR, NULL},
	{CGROUP_MONITOR "/memory.min", "8M"},
	{CGROUP_HOSTD "/link", NULL},
	{CGROUP_HOSTD "/link/memory.min", "8M"},
	{CGROUP_CELLS, NULL},
	{CGROUP_CELLS "/cgroup.subtree_control", "+cpu +memory +pids +io +cpuset"},
};

int cgroups_make(struct log *log)
{
	int last = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int err = 0;

		if (rows[i].value)
			err = file_set(rows[i].path, rows[i].value);
		else if (mkdir(rows[i].path, 0755) < 0 && errno != EEXIST)
			err = -errno;
		if (err) {
			log_line(log, LOG_ERROR, "cgroups: %s: %s", rows[i].path, strerror(-err));
			last = err;
		}
	}
	return last;
}
