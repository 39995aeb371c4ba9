/* SPDX-License-Identifier: Apache-2.0 */
/* Environments of hostd-dev: kernels of this machine, not signed, not read-only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostd/environment.h"

/* argv is split at spaces; {connection_file} is replaced by the cell. */
static const struct {
	const char *name;
	const char *display_name;
	const char *language;
	const char *argv;
	bool interrupt_message;
} rows[] = {
	{"python", "Python 3 (ipykernel)", "python",
	 "/usr/bin/python3 -m ipykernel_launcher -f {connection_file}", false},
	{"lua", "Lua 5.4", "lua", "", true}, /* the program is ANCHORHOLD_DEV_LUA */
};

static void split(struct manifest *manifest)
{
	size_t count = 0;
	char *rest = NULL;

	for (char *word = strtok_r(manifest->argv_text, " ", &rest);
	     word && count < MANIFEST_ARGS_MAX; word = strtok_r(NULL, " ", &rest))
		manifest->argv[count++] = word;
}

int environments_open(const char *folder, const char *key_file, const char *mounts,
		      struct environments *ret_list)
{
	const char *lua = getenv("ANCHORHOLD_DEV_LUA");

	memset(ret_list, 0, sizeof(*ret_list));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct environment *environment;
		struct manifest *manifest;

		if (strcmp(rows[i].name, "lua") == 0 && !lua)
			continue;
		environment = calloc(1, sizeof(*environment));
		if (!environment)
			return -1;
		manifest = &environment->manifest;
		environment->root_fd = -1;
		snprintf(manifest->name, sizeof(manifest->name), "%s", rows[i].name);
		snprintf(manifest->display_name, sizeof(manifest->display_name), "%s",
			 rows[i].display_name);
		snprintf(manifest->language, sizeof(manifest->language), "%s", rows[i].language);
		snprintf(manifest->version, sizeof(manifest->version), "dev");
		manifest->interrupt_message = rows[i].interrupt_message;
		if (rows[i].interrupt_message)
			snprintf(manifest->argv_text, sizeof(manifest->argv_text),
				 "%s {connection_file}", lua);
		else
			snprintf(manifest->argv_text, sizeof(manifest->argv_text), "%s",
				 rows[i].argv);
		split(manifest);
		ret_list->list[ret_list->count++] = environment;
	}
	return 0;
}

void environments_close(struct environments *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->list[i]);
	list->count = 0;
}

const struct environment *environment_find(const struct environments *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->list[i]->manifest.name, name) == 0)
			return list->list[i];
	return NULL;
}
