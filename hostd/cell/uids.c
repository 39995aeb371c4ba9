/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/uids.h"

#include "hostd/cell/sys.h"
#include "hostd/cell/util.h"

#include <ctype.h>
#include <dirent.h>
#include <linux/quota.h>
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
	bool *left = context;
	unsigned slot;

	for (int i = 0; i < 4; i++)
		if (slot_of(uid[i], &slot))
			left[slot] = true;
}

/* ---- System V objects, of this IPC namespace: a cell's own ended with it ---- */

/* Columns of uid, gid, cuid, cgid begin at this one; the kernel's formats differ. */
static const struct {
	const char *path;
	unsigned column;
} sysv[] = {{"sysvipc/shm", 7}, {"sysvipc/sem", 4}, {"sysvipc/msg", 7}};

static void mark_line(bool *left, const char *line, unsigned column)
{
	unsigned long uid[4] = {0};
	char *end;

	for (unsigned i = 0; *line && i < column + 4; i++) {
		unsigned long value = strtoul(line, &end, 10);

		if (end == line)
			return; /* the heading */
		if (i >= column)
			uid[i - column] = value;
		line = end;
	}
	mark(left, uid);
}

static int mark_sysv(int proc, bool *left)
{
	for (size_t i = 0; i < sizeof(sysv) / sizeof(sysv[0]); i++) {
		CLEANUP_FD int fd = sys_open_beneath(proc, sysv[i].path, O_RDONLY, 0);
		FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
		char line[512];

		if (fd == -ENOENT) /* a kernel without them, or a procfs that a test made */
			continue;
		if (!file)
			return fd < 0 ? fd : -errno;
		(void)fd_take(&fd); /* the stream's now */
		while (fgets(line, sizeof(line), file))
			mark_line(left, line, sysv[i].column);
		(void)fclose(file);
	}
	return 0;
}

/* ---- files on the disk: the quota of each user says so, without a look at the tree ---- */

static int mark_files(int disk, bool *left)
{
	uint32_t uid = UIDS_RELAY_BASE;

	while (disk >= 0) {
		struct if_nextdqblk block = {0};
		unsigned slot;
		int result = sys_result(syscall(SYS_quotactl_fd, disk,
						QCMD(Q_GETNEXTQUOTA, USRQUOTA), uid, &block));

		if (result == -ENOENT)
			return 0; /* no further user has any */
		if (result < 0)
			return result;
		if (slot_of(block.dqb_id, &slot) && block.dqb_curinodes > 0)
			left[slot] = true;
		uid = block.dqb_id + 1;
	}
	return 0;
}

/* What of any slot's uids is left, whatever kind it is. */
static int find_left(const struct uids *uids, bool left[CELL_SLOTS_MAX])
{
	int result;

	memset(left, 0, CELL_SLOTS_MAX * sizeof(*left));
	result = each_process(uids->proc, mark, left);
	if (result == 0)
		result = mark_sysv(uids->proc, left);
	return result < 0 ? result : mark_files(uids->disk, left);
}

int uids_init(struct uids *uids, int proc)
{
	memset(uids, 0, sizeof(*uids));
	uids->proc = proc;
	uids->disk = -1;
	return find_left(uids, uids->taken);
}

int uids_disk(struct uids *uids, int disk)
{
	uids->disk = disk;
	return mark_files(disk, uids->taken);
}

/* A used slot costs that look; it happens only after 4096 cells. */
static bool left_over(const struct uids *uids, unsigned slot)
{
	bool left[CELL_SLOTS_MAX];

	if (!uids->used[slot])
		return false;
	return find_left(uids, left) < 0 || left[slot];
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

int uids_again(struct uids *uids)
{
	return find_left(uids, uids->taken);
}

void uids_mark(struct uids *uids, unsigned slot)
{
	uids->taken[slot] = uids->used[slot] = true;
	/* Those before it were handed out before it, most likely: they come last. */
	if (slot >= uids->next)
		uids->next = (slot + 1) % CELL_SLOTS_MAX;
}
