/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/value.h"
#include "hostd/log.h"
#include "hostd/plain/plain.h"

/* Beside the folder of the signed ones, whatever that is called. */
static void trees_path(const char *folder, char *ret, size_t size)
{
	const char *slash = strrchr(folder, '/');

	snprintf(ret, size, "%.*s/" TREES_FOLDER, slash ? (int)(slash - folder) : 0, folder);
}

/* What a manifest says of an image, for one that is about none and says nothing. */
#define NO_IMAGE                                                                                   \
	"\ndata_blocks = 1\nsalt = 00\nroot_hash = "                                               \
	"0000000000000000000000000000000000000000000000000000000000000000\n"

static int read_manifest(const char *path, struct manifest *ret_manifest, struct conf_error *error)
{
	char *text = NULL, *whole = NULL;
	size_t len = 0;
	int r = conf_read_file(path, CONF_FILE_MAX, &text, &len);

	if (r < 0)
		return r;
	if (asprintf(&whole, "%s%s", text, strstr(text, "root_hash") ? "" : NO_IMAGE) < 0)
		r = -ENOMEM;
	else
		r = manifest_parse(whole, strlen(whole), ret_manifest, error);
	free(text);
	free(whole);
	return r;
}

static int open_tree(const char *folder, const char *name, struct environment *environment)
{
	struct conf_error error = {0};
	char path[2 * PLAIN_PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/%s/manifest", folder, name);
	r = read_manifest(path, &environment->manifest, &error);
	if (r == 0 && strcmp(environment->manifest.name, name) != 0)
		r = conf_fault(&error, "its name is not its folder's");
	if (r < 0) {
		log_error(r, "tree %.63s: %s", name, error.text);
		return r;
	}
	snprintf(path, sizeof(path), "%s/%s/root", folder, name);
	environment->root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (environment->root_fd < 0) {
		r = -errno;
		log_error(r, "%s", path);
	}
	return r;
}

static void add_tree(const char *folder, const char *name, struct environments *list)
{
	struct environment *environment = calloc(1, sizeof(*environment));

	if (!environment)
		return;
	if (open_tree(folder, name, environment) < 0) {
		free(environment);
		return;
	}
	if (environment_find(list, name)) {
		log_info("tree %s: there is a signed environment of that name", name);
		close(environment->root_fd);
		free(environment);
		return;
	}
	list->list[list->count++] = environment;
}

int trees_open(const char *folder, const char *key_file, const char *mounts,
	       struct environments *ret_list)
{
	char path[PLAIN_PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	memset(ret_list, 0, sizeof(*ret_list));
	if (access(folder, F_OK) == 0)
		(void)environments_open(folder, key_file, mounts, ret_list);
	trees_path(folder, path, sizeof(path));
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) && ret_list->count < LINK_ENVIRONMENTS_MAX) {
		char name[LINK_NAME_MAX];

		if (value_name(entry->d_name, name, sizeof(name)) == 0)
			add_tree(path, name, ret_list);
	}
	if (dir)
		closedir(dir);
	return 0;
}

bool trees_any(const char *folder)
{
	char path[PLAIN_PATH_MAX];
	struct dirent *entry;
	bool any = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%.400s/" TREES_FOLDER, folder);
	dir = opendir(path);
	while (dir && !any && (entry = readdir(dir)))
		any = entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return any;
}
