/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's last words: what it left in memory when it crashed goes into the journal, and from
 * the memory only when it is on the disk there. A power cut in between leaves it in both: what the
 * journal has already is not told again.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "hostd/crash.h"
#include "hostd/log.h"
#include "hostd/monitor.h"

static bool is_told(struct monitor *monitor, const char *cause, uint64_t time_ms)
{
	struct link_event event = {0};

	while (event_next(&monitor->events, event.seq, &event))
		if (event.time_ms == time_ms && strcmp(event.kind, "kernel.crash") == 0 &&
		    strcmp(event.text, cause) == 0)
			return true;
	return false;
}

/* When it was, by the clock of that boot. */
static uint64_t crashed_ms(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_mtime > 0 ? (uint64_t)st.st_mtime * 1000 : 0;
}

static void tell(struct monitor *monitor, const struct crash *crash, uint64_t time_ms)
{
	if (is_told(monitor, crash->cause, time_ms))
		return;
	monitor_event_at(monitor, time_ms, "kernel.crash", crash->cause);
	for (size_t i = 0; i < crash->count; i++)
		monitor_event_at(monitor, time_ms, "kernel.words", crash->lines[i]);
}

static void record_take(struct monitor *monitor, const char *path)
{
	struct crash crash;
	char *text;
	size_t len;

	if (conf_read_file(path, CRASH_RECORD_MAX, &text, &len) < 0)
		return;
	if (crash_read(text, len, &crash) == 0)
		tell(monitor, &crash, crashed_ms(path));
	free(text);
	if (monitor->events.folder < 0 || event_journal_sync(&monitor->events) < 0)
		return;
	if (unlink(path) < 0)
		log_info("%s stays: it is told again at the next start", path);
}

void crash_start(struct monitor *monitor)
{
	const char *folder = monitor->paths->pstore;
	DIR *dir = folder ? opendir(folder) : NULL;
	struct dirent *entry;
	char path[512];

	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "dmesg-", 6) != 0)
			continue;
		snprintf(path, sizeof(path), "%.200s/%s", folder, entry->d_name);
		record_take(monitor, path);
	}
	if (dir)
		closedir(dir);
}
