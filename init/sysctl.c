/* SPDX-License-Identifier: Apache-2.0 */
#include "init/sysctl.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "init/files.h"

static bool is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

int sysctl_path(const char *name, char ret_path[SYSCTL_PATH_MAX])
{
	static const char root[] = "/proc/sys/";
	size_t used = sizeof(root) - 1;

	memcpy(ret_path, root, sizeof(root));
	for (const char *c = name; *c; c++) {
		bool dot = *c == '.';

		/* Never an empty word: no absolute path, and no way up. */
		if ((!dot && !is_word_byte(*c)) || (dot && ret_path[used - 1] == '/') ||
		    used + 1 >= SYSCTL_PATH_MAX)
			return -EINVAL;
		ret_path[used++] = dot ? '/' : *c;
	}
	ret_path[used] = '\0';
	return ret_path[used - 1] == '/' ? -EINVAL : 0;
}

int sysctl_split(char *line, char **ret_name, char **ret_value)
{
	char *equals = strchr(line, '='), *end = equals;

	if (!equals)
		return -EINVAL;
	while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	*ret_name = line;
	*ret_value = equals + 1 + strspn(equals + 1, " \t");
	return end == line || **ret_value == '\0' ? -EINVAL : 0;
}

static int apply_line(char *line)
{
	char path[SYSCTL_PATH_MAX], *name, *value;

	if (sysctl_split(line, &name, &value) || sysctl_path(name, path))
		return -EINVAL;
	return file_set(path, value);
}

int sysctl_apply(struct log *log, const char *path)
{
	char line[LINE_MAX_LEN], *text;
	const char *rest;
	unsigned number = 0;
	size_t len;
	int more, err, last = conf_read_file(path, 65536, &text, &len);

	if (last) {
		log_line(log, LOG_ERROR, "sysctl: %s: %s", path, strerror(-last));
		return last;
	}
	rest = text;
	while ((more = line_next(&rest, &len, &number, line)) != 0) {
		err = more < 0 ? more : apply_line(line);
		if (err) {
			log_line(log, LOG_WARNING, "sysctl: %s line %u: %s", path, number,
				 strerror(-err));
			last = err;
		}
	}
	free(text);
	return last;
}
