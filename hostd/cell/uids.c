/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/uids.h"

#include "hostd/cell/sys.h"
#include "hostd/cell/util.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_MAX 4096u

typedef void uids_seen(void *context, const unsigned long uid[4]);

/*
 * Calls `seen` with the four uids of every process. The owner of /proc/PID would be cheaper
 * but is root for one that is not dumpable, so the status file is what counts. A process that
 * ends meanwhile is none.
 */
static int each_process(int proc, uids_seen *seen, void *context)
{
	int fd = sys_open_beneath(proc, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	char path[64], text[STATUS_MAX];

	if (!dir) {
		int result = fd < 0 ? fd : -errno;

		fd_close(&fd);
		return result;
	}
	while ((entry = readdir(dir))) {
		unsigned long uid[4];
		const char *line;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "%.20s/status", entry->d_name);
		if (file_read(proc, path, text, sizeof(text)) < 0)
			continue;
		line = strstr(text, "\nUid:");
		if (line && sscanf(line, " Uid: %lu %lu %lu %lu", &uid[0], &uid[1], &uid[2],
				   &uid[3]) == 4)
			seen(context, uid);
	}
	closedir(dir);
	return 0;
}

static bool slot_of(unsigned long uid, unsigned *ret_slot)
{
	if (uid >= UIDS_CELL_BASE && uid - UIDS_CELL_BASE < CELL_SLOTS_MAX)
		*ret_slot = (unsigned)(uid - UIDS_CELL_BASE);
	else if (uid >= UIDS_RELAY_BASE && uid - UIDS_RELAY_BASE < CELL_SLOTS_MAX)
		*ret_slot = (unsigned)(uid - UIDS_RELAY_BASE);
	else
		return false;
	return true;
}

static void mark(void *context, const unsigned long uid[4])
{
	bool *live = context;
	unsigned slot;

	for (int i = 0; i < 4; i++)
		if (slot_of(uid[i], &slot))
			live[slot] = true;
}

int uids_init(struct uids *uids, int proc)
{
	memset(uids, 0, sizeof(*uids));
	uids->proc = proc;
	return each_process(proc, mark, uids->taken);
}

/* A used slot costs a walk over /proc; that happens only after 4096 cells. */
static bool left_over(const struct uids *uids, unsigned slot)
{
	bool live[CELL_SLOTS_MAX] = {false};

	if (!uids->used[slot])
		return false;
	return each_process(uids->proc, mark, live) < 0 || live[slot];
}

int uids_take(struct uids *uids, unsigned *ret_slot)
{
	for (unsigned i = 0; i < CELL_SLOTS_MAX; i++) {
		unsigned slot = (uids->next + i) % CELL_SLOTS_MAX;

		if (uids->taken[slot] || left_over(uids, slot))
			continue;
		uids->taken[slot] = uids->used[slot] = true;
		uids->next = (slot + 1) % CELL_SLOTS_MAX;
		*ret_slot = slot;
		return 0;
	}
	return -EUSERS;
}

void uids_give(struct uids *uids, unsigned slot)
{
	uids->taken[slot] = false;
}
