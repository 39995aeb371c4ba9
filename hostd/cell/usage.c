/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/usage.h"

#include "hostd/cell/sys.h"
#include "hostd/cell/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define TEXT_MAX 4096u

static int read_line(const char *path, char *ret, size_t size)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, ret, size - 1);
	if (len <= 0)
		return -EIO;
	ret[len] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	return 0;
}

int usage_disk(const char *directory, char *ret, size_t size)
{
	char path[96], text[32];
	struct stat st;

	if (stat(directory, &st) < 0)
		return -errno;
	/* A partition's folder lies in its disk's. */
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", major(st.st_dev),
		 minor(st.st_dev));
	snprintf(text, sizeof(text), "/sys/dev/block/%u:%u", major(st.st_dev), minor(st.st_dev));
	if (access(text, F_OK) < 0)
		return -ENODEV;
	snprintf(path + strlen(text), sizeof(path) - strlen(text), "%s",
		 access(path, F_OK) == 0 ? "/../dev" : "/dev");
	if (read_line(path, text, sizeof(text)) < 0 || strlen(text) >= size)
		return -ENODEV;
	snprintf(ret, size, "%s", text);
	return 0;
}

/* The line of text that begins with `word `; NULL where there is none. */
static const char *line_of(const char *text, const char *word)
{
	size_t len = strlen(word);

	while (text && *text) {
		if (strncmp(text, word, len) == 0 && text[len] == ' ')
			return text;
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return NULL;
}

/* The number after " key" and the separator, in one line. */
static uint64_t number_in(const char *line, const char *key, char separator)
{
	const char *end = line ? strchr(line, '\n') : NULL;
	size_t len = strlen(key);

	if (line && !end)
		end = line + strlen(line);
	for (const char *at = line; at && at + len + 1 < end; at++)
		if (at[0] == ' ' && strncmp(at + 1, key, len) == 0 && at[1 + len] == separator)
			return strtoull(at + len + 2, NULL, 10);
	return 0;
}

uint64_t usage_io_field(const char *text, const char *disk, const char *key)
{
	return disk[0] ? number_in(line_of(text, disk), key, '=') : 0;
}

uint64_t usage_pressure_total(const char *text, const char *kind)
{
	return number_in(line_of(text, kind), "total", '=');
}

static uint64_t field(const char *text, const char *key)
{
	const char *line = line_of(text, key);

	return line ? strtoull(line + strlen(key) + 1, NULL, 10) : 0;
}

/* What a cell is read from. */
struct source {
	int cgroup;
	struct usage_files *files;
	const char *disk;
};

static const char *text_of(const struct source *from, const char *file, char text[TEXT_MAX])
{
	if (file_read(from->cgroup, file, text, TEXT_MAX) < 0)
		text[0] = '\0';
	return text;
}

/* The kernel tells these anew, and whole, whenever they are read from their beginning. */
static const char *text_kept(const struct source *from, int *fd, const char *file,
			     char text[TEXT_MAX])
{
	ssize_t len = -1;

	if (*fd < 0)
		*fd = sys_open_beneath(from->cgroup, file, O_RDONLY, 0);
	if (*fd >= 0)
		len = pread(*fd, text, TEXT_MAX - 1, 0);
	text[len < 0 ? 0 : len] = '\0';
	return text;
}

static uint64_t number_of(const struct source *from, const char *file)
{
	char text[TEXT_MAX];

	return strtoull(text_of(from, file, text), NULL, 10);
}

static void read_cpu(const struct source *from, struct cell_usage *usage)
{
	char text[TEXT_MAX];

	text_kept(from, &from->files->cpu, "cpu.stat", text);
	usage->cpu_usec = field(text, "usage_usec");
	usage->throttled_usec = field(text, "throttled_usec");
	usage->throttled_periods = field(text, "nr_throttled");
}

static void read_stall(const struct source *from, struct cell_usage *usage)
{
	char text[TEXT_MAX];

	text_kept(from, &from->files->stall, "memory.pressure", text);
	usage->memory_stall_usec = usage_pressure_total(text, "full");
}

static void read_io(const struct source *from, struct cell_usage *usage)
{
	char text[TEXT_MAX];

	usage->io_stall_usec = usage_pressure_total(text_of(from, "io.pressure", text), "some");
	text_of(from, "io.stat", text);
	usage->io_read_bytes = usage_io_field(text, from->disk, "rbytes");
	usage->io_write_bytes = usage_io_field(text, from->disk, "wbytes");
	usage->io_reads = usage_io_field(text, from->disk, "rios");
	usage->io_writes = usage_io_field(text, from->disk, "wios");
}

static void read_memory(const struct source *from, struct cell_usage *usage)
{
	usage->memory_bytes = number_of(from, "memory.current");
	usage->memory_peak_bytes = number_of(from, "memory.peak");
}

static void read_events(const struct source *from, struct cell_usage *usage)
{
	char text[TEXT_MAX];

	text_of(from, "memory.events", text);
	usage->oom = field(text, "oom");
	usage->oom_kills = field(text, "oom_kill");
	usage->pids_refused = field(text_of(from, "pids.events", text), "max");
}

static void read_pids(const struct source *from, struct cell_usage *usage)
{
	usage->pids = number_of(from, "pids.current");
}

void usage_read(int cgroup, struct usage_files *files, const char *disk, unsigned parts,
		struct cell_usage *usage)
{
	const struct source from = {cgroup, files, disk};
	static const struct {
		enum cell_usage_part part;
		void (*read)(const struct source *from, struct cell_usage *usage);
	} readers[] = {
		{CELL_USAGE_CPU, read_cpu},	  {CELL_USAGE_STALL, read_stall},
		{CELL_USAGE_IO, read_io},	  {CELL_USAGE_MEMORY, read_memory},
		{CELL_USAGE_EVENTS, read_events}, {CELL_USAGE_PIDS, read_pids},
	};

	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (parts & readers[i].part)
			readers[i].read(&from, usage);
}

void usage_close(struct usage_files *files)
{
	fd_close(&files->cpu);
	fd_close(&files->stall);
}
