/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/environment.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/value.h"
#include "hostd/image.h"
#include "hostd/log.h"
#include "hostd/verity.h"

static int key_read(const char *path, uint8_t ret_key[MANIFEST_KEY_LEN])
{
	char *text = NULL;
	size_t len = 0;
	int r = conf_read_file(path, 256, &text, &len);

	if (r < 0)
		return r;
	while (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	r = value_hex(text, ret_key, MANIFEST_KEY_LEN);
	free(text);
	return r;
}

static int manifest_read(const char *folder, const char *name,
			 const uint8_t key[MANIFEST_KEY_LEN], struct manifest *ret_manifest)
{
	struct conf_error error = {0};
	char path[512];
	char *text = NULL;
	char *signature = NULL;
	size_t len = 0;
	size_t signature_len = 0;
	int r;

	snprintf(path, sizeof(path), "%s/%s/manifest.sig", folder, name);
	r = conf_read_file(path, MANIFEST_SIGNATURE_LEN, &signature, &signature_len);
	if (r == 0 && signature_len != MANIFEST_SIGNATURE_LEN)
		r = -EBADMSG;
	snprintf(path, sizeof(path), "%s/%s/manifest", folder, name);
	if (r == 0)
		r = conf_read_file(path, CONF_FILE_MAX, &text, &len);
	if (r == 0) {
		r = manifest_open(text, len, (const uint8_t *)signature, key, ret_manifest,
				  &error);
		/* A signed manifest in another's folder would be started in its place. */
		if (r == 0 && strcmp(ret_manifest->name, name) != 0)
			r = conf_fault(&error, "its name is not its folder's");
	}
	if (r < 0)
		log_error(r, "environment %.63s: %s", name, error.text);
	free(text);
	free(signature);
	return r;
}

/* The hash names the mount: what is kept under it is this image, checked as it is read. */
static void mount_name(const struct manifest *manifest, char ret[FDSTORE_NAME_MAX])
{
	int at = snprintf(ret, FDSTORE_NAME_MAX, "e");

	for (size_t i = 0; i < (FDSTORE_NAME_MAX - 2) / 2; i++)
		at += snprintf(ret + at, FDSTORE_NAME_MAX - (size_t)at, "%02x",
			       manifest->root_hash[i]);
}

static bool same_mount(int root_fd, const char *point)
{
	struct stat kept;
	struct stat now;

	return fstat(root_fd, &kept) == 0 && lstat(point, &now) == 0 &&
	       kept.st_dev == now.st_dev && kept.st_ino == now.st_ino;
}

static bool take_mount(struct store *store, const struct manifest *manifest, const char *point,
		       int *ret_root)
{
	char name[FDSTORE_NAME_MAX];

	mount_name(manifest, name);
	if (!store || store_take(store, name, ret_root, 1) < 0)
		return false;
	if (same_mount(*ret_root, point))
		return true;
	close(*ret_root);
	*ret_root = -1;
	return false;
}

static void keep_mount(struct store *store, const struct manifest *manifest, int root_fd)
{
	char name[FDSTORE_NAME_MAX];

	mount_name(manifest, name);
	if (store && store_put(store, name, &root_fd, 1) < 0)
		log_info("environment %s: not kept for another monitor", manifest->name);
}

/*
 * A mount that an earlier monitor of this boot made is used again where it is of this image, else
 * taken off. Its device cannot be while cells have it mounted, so each monitor has a name of its own
 * for it, and a device goes with its last mount.
 */
static int mount_it(const char *folder, const char *mounts, const struct manifest *manifest,
		    struct store *store, int *ret_root)
{
	char point[512];
	char shown[LINK_NAME_MAX + 4];
	char device[LINK_NAME_MAX + 16];
	const char *step = "";
	const struct image_place place = {
		.folder = folder, .point = point, .device = device, .shown = shown};
	int r;

	snprintf(shown, sizeof(shown), "env-%s", manifest->name);
	snprintf(device, sizeof(device), "%s-%d", shown, (int)getpid());
	snprintf(point, sizeof(point), "%s/%s", mounts, manifest->name);
	if (take_mount(store, manifest, point, ret_root))
		return 0;
	mkdir(mounts, 0755);
	mkdir(point, 0755);
	umount2(point, MNT_DETACH | UMOUNT_NOFOLLOW);
	r = image_mount(&place, manifest, ret_root, &step);
	if (r < 0) {
		log_error(r, "environment %s: %s", manifest->name, step);
		return r;
	}
	verity_remove(device);
	keep_mount(store, manifest, *ret_root);
	return 0;
}

static void open_one(const char *folder, const char *mounts, const char *name,
		     const uint8_t key[MANIFEST_KEY_LEN], struct environments *list)
{
	struct environment *environment = calloc(1, sizeof(*environment));

	if (!environment)
		return;
	environment->root_fd = -1;
	if (manifest_read(folder, name, key, &environment->manifest) < 0 ||
	    mount_it(folder, mounts, &environment->manifest, list->store,
		     &environment->root_fd) < 0) {
		free(environment);
		return;
	}
	list->list[list->count++] = environment;
}

int environments_open(const char *folder, const char *key_file, const char *mounts,
		      struct environments *ret_list)
{
	uint8_t key[MANIFEST_KEY_LEN];
	struct dirent *entry;
	DIR *dir;
	int r;

	*ret_list = (struct environments){.store = ret_list->store};
	r = key_read(key_file, key);
	if (r < 0) {
		log_error(r, "%s", key_file);
		return r;
	}
	dir = opendir(folder);
	if (!dir) {
		r = -errno;
		log_error(r, "%s", folder);
		return r;
	}
	while ((entry = readdir(dir)) && ret_list->count < LINK_ENVIRONMENTS_MAX) {
		char name[LINK_NAME_MAX];

		if (value_name(entry->d_name, name, sizeof(name)) == 0)
			open_one(folder, mounts, name, key, ret_list);
	}
	closedir(dir);
	return 0;
}

void environments_close(struct environments *list)
{
	for (size_t i = 0; i < list->count; i++) {
		close(list->list[i]->root_fd);
		free(list->list[i]);
	}
	list->count = 0;
}

const struct environment *environment_find(const struct environments *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->list[i]->manifest.name, name) == 0)
			return list->list[i];
	return NULL;
}
