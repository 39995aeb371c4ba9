/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostd/cell/landlock.h"
#include "hostd/cell/uids.h"
#include "hostd/plain/plain.h"
#include "hostd/role.h"
#include "hostd/workspace.h"

#define LINE_LEN 512

static void look_controllers(struct lacks *lacks, const struct plain_cgroups *cgroups)
{
	char missing[PLAIN_TEXT_MAX];

	plain_cgroups_missing(cgroups, missing, sizeof(missing));
	if (missing[0])
		lacks_add(lacks, LACK_CONTROLLERS, "%.120s: not in cgroup.subtree_control: %s",
			  cgroups->mount, missing);
}

static bool has_file_system(const char *name)
{
	char line[LINE_LEN];
	bool found = false;
	FILE *file = fopen("/proc/filesystems", "re");

	while (file && !found && fgets(line, sizeof(line), file)) {
		const char *tab = strchr(line, '\t'); /* what needs no device has a word before */

		line[strcspn(line, "\n")] = '\0';
		found = tab && strcmp(tab + 1, name) == 0;
	}
	if (file)
		fclose(file);
	return found;
}

/* A machine that could verify, with an environment that nobody signed, lacks it too. */
static void look_verity(struct lacks *lacks, const char *folder)
{
	static const char *const devices[] = {"/dev/mapper/control", "/dev/loop-control"};

	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		if (access(devices[i], R_OK | W_OK) < 0)
			lacks_add(lacks, LACK_VERITY, "%s: %s", devices[i], strerror(errno));
	if (!has_file_system("erofs"))
		lacks_add(lacks, LACK_VERITY, "erofs: not in /proc/filesystems");
	if (trees_any(folder))
		lacks_add(lacks, LACK_VERITY, "%.120s/" TREES_FOLDER ": signed by nobody", folder);
}

static void look_quota(struct lacks *lacks, const char *folder)
{
	struct workspaces workspaces = {.dir = -1};
	char path[PLAIN_PATH_MAX];
	const char *step = "";
	int r;

	snprintf(path, sizeof(path), "%s/workspaces", folder);
	r = workspaces_open(path, &workspaces, &step);
	if (r == 0) {
		workspaces_close(&workspaces);
		return;
	}
	lacks_add(lacks, LACK_QUOTA, "%s: %s", step, strerror(-r));
	(void)rmdir(path); /* made by the look; one that is in use is not empty */
}

/* Every uid that hostd hands out, and whose they are. */
static const struct {
	unsigned first, last;
	const char *what;
} ranges[] = {
	{ROLE_LINK_UID, ROLE_LINK_UID, "the link"},
	{ROLE_RELAY_UID_FIRST, ROLE_RELAY_UID_LAST, "the relays"},
	{UIDS_CELL_BASE, UIDS_CELL_BASE + CELL_SLOTS_MAX - 1, "the cells"},
};

static void overlap(struct lacks *lacks, const char *file, const char *name, unsigned long first,
		    unsigned long count)
{
	const unsigned long last = first + count - 1;

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (count > 0 && first <= ranges[i].last && last >= ranges[i].first)
			lacks_add(lacks, LACK_UIDS, "%s: %.32s has what is for %s: %lu to %lu",
				  file, name, ranges[i].what, first, last);
}

/* NAME:x:UID:... or, of ranges, NAME:FIRST:COUNT. A file that is not there names nobody. */
static void look_file(struct lacks *lacks, const char *path, bool of_ranges)
{
	FILE *file = fopen(path, "re");
	char line[LINE_LEN];

	while (file && fgets(line, sizeof(line), file)) {
		char *rest = line;
		const char *name = strsep(&rest, ":");
		const char *second = strsep(&rest, ":");
		const char *third = strsep(&rest, ":\n");

		if (!third)
			continue;
		if (of_ranges)
			overlap(lacks, path, name, strtoul(second, NULL, 10),
				strtoul(third, NULL, 10));
		else
			overlap(lacks, path, name, strtoul(third, NULL, 10), 1);
	}
	if (file)
		fclose(file);
}

static void look_uids(struct lacks *lacks)
{
	look_file(lacks, "/etc/passwd", false);
	look_file(lacks, "/etc/group", false);
	look_file(lacks, "/etc/subuid", true);
	look_file(lacks, "/etc/subgid", true);
}

static void look_swap(struct lacks *lacks)
{
	FILE *file = fopen("/proc/swaps", "re");
	char line[LINE_LEN];

	/* The first line is a heading. */
	if (!file || !fgets(line, sizeof(line), file)) {
		if (file)
			fclose(file);
		return;
	}
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, " \t\n")] = '\0';
		lacks_add(lacks, LACK_SWAP, "%.128s is in use", line);
	}
	fclose(file);
}

void machine_look(struct lacks *lacks, const char *folder, const struct plain_cgroups *cgroups)
{
	if (landlock_check() < 0)
		lacks_add(lacks, LACK_LANDLOCK, "not of the ABI that cells are built on");
	look_controllers(lacks, cgroups);
	lacks_add(lacks, LACK_FIREWALL, "this program makes and changes no rule of the machine's");
	look_verity(lacks, folder);
	look_quota(lacks, folder);
	look_uids(lacks);
	look_swap(lacks);
}
