/* SPDX-License-Identifier: Apache-2.0 */
#include "init/lastwords.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"

#define RECORD_MAX (256u * 1024u)

const char *lastwords_tail(const char *text, size_t len, unsigned max)
{
	size_t begin = len > 0 && text[len - 1] == '\n' ? len - 1 : len;

	while (begin > 0 && max > 0)
		if (text[--begin] == '\n' && --max == 0)
			return text + begin + 1;
	return text + begin;
}

static void say_record(struct log *log, const char *name, const char *path)
{
	char *text;
	const char *line;
	size_t len;

	if (conf_read_file(path, RECORD_MAX, &text, &len))
		return;
	line = lastwords_tail(text, len, LASTWORDS_LINES);
	while (line < text + len) {
		size_t line_len = strcspn(line, "\n"); /* text ends in a NUL of its own */

		log_line(log, LOG_WARNING, "last words (%s): %.*s", name,
			 (int)(line_len < 200 ? line_len : 200), line);
		line += line_len + 1;
	}
	free(text);
}

void lastwords_say(struct log *log)
{
	DIR *dir = opendir(LASTWORDS_FOLDER);
	struct dirent *entry;
	char path[300];

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), LASTWORDS_FOLDER "/%s", entry->d_name);
		/* console-ramoops is the end of the last run, crash or not: kept out of the way. */
		if (strncmp(entry->d_name, "dmesg-", 6) == 0)
			say_record(log, entry->d_name, path);
		else
			unlink(path);
	}
	if (dir)
		closedir(dir);
}
