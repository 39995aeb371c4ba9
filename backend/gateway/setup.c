/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/gateway/access.h"
#include "backend/gateway/log.h"
#include "link/secret.h"

#define KEY_FILE_MAX 64u
#define FIRST_OWNER "admin"

#define KEY ".key"
#define NEXT_KEY ".key.next"

static int key_path(const char *database, const char *suffix, char ret_path[PATH_MAX])
{
	return snprintf(ret_path, PATH_MAX, "%s%s", database, suffix) < PATH_MAX ? 0
									      : -ENAMETOOLONG;
}

static int key_write(const char *path, struct curve_key *ret_public)
{
	char text[CURVE_TEXT_LEN + 2];
	struct curve_pair pair;
	ssize_t written = -1;
	int fd, r = curve_pair_make(&pair);

	if (r < 0)
		return r;
	*ret_public = pair.public_key;
	curve_key_format(&pair.secret_key, text);
	curve_pair_wipe(&pair);
	text[CURVE_TEXT_LEN] = '\n';
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		written = write(fd, text, CURVE_TEXT_LEN + 1);
	r = fd < 0 ? -errno : written == (ssize_t)CURVE_TEXT_LEN + 1 && fsync(fd) == 0 ? 0 : -EIO;
	secret_wipe(text, sizeof(text));
	if (fd >= 0)
		close(fd);
	return r;
}

static int key_read(const char *database, const char *suffix, struct curve_pair *ret_pair,
		    char *ret_error, size_t error_size)
{
	char path[PATH_MAX], text[KEY_FILE_MAX];
	struct curve_key secret;
	struct stat status;
	ssize_t len = -1;
	int fd = -1, r = key_path(database, suffix, path);

	curve_pair_wipe(ret_pair);
	if (r == 0 && (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		r = -errno;
	/* A key others can read is no key. */
	if (r == 0 && fstat(fd, &status) == 0 && (status.st_mode & 077) != 0)
		r = -EPERM;
	if (r == 0 && (len = read(fd, text, sizeof(text))) < 0)
		r = -errno;
	if (fd >= 0)
		close(fd);
	if (r == 0)
		r = curve_key_parse(text, (size_t)len, &secret);
	if (r == 0)
		r = curve_pair_from_secret(&secret, ret_pair);
	secret_wipe(text, sizeof(text));
	secret_wipe(&secret, sizeof(secret));
	if (r < 0)
		snprintf(ret_error, error_size, "%s%s: %s", database, suffix,
			 r == -EPERM	      ? "others may read it; chmod 600"
			 : r == -EBADMSG      ? "it holds no key: 40 characters of Z85 are wanted"
			 : r == -EKEYREJECTED ? "its key is a published or a weak one"
					      : strerror(-r));
	return r;
}

int setup_key_read(const char *database, struct curve_pair *ret_pair, char *ret_error,
		   size_t error_size)
{
	return key_read(database, KEY, ret_pair, ret_error, error_size);
}

int setup_next_key_read(const char *database, struct curve_key *ret_key, char *ret_error,
			size_t error_size)
{
	struct curve_pair pair;
	int r = key_read(database, NEXT_KEY, &pair, ret_error, error_size);

	*ret_key = pair.public_key;
	curve_pair_wipe(&pair);
	return r == -ENOENT ? 0 : r;
}

int setup_next_key(const struct options *options)
{
	char path[PATH_MAX], text[CURVE_TEXT_LEN + 1];
	struct curve_key key;
	int r = key_path(options->database, NEXT_KEY, path);

	if (r == 0)
		r = key_write(path, &key);
	if (r < 0) {
		log_line("%s" NEXT_KEY ": %s", options->database,
			 r == -EEXIST ? "it exists; --use-next-key takes it" : strerror(-r));
		return 2;
	}
	curve_key_format(&key, text);
	printf("key: %s\n", text);
	return fflush(stdout) == 0 ? 0 : 1;
}

/* The rename is the change: before it the old key is the gateway's, after it the new one. */
int setup_use_next_key(const struct options *options)
{
	char path[PATH_MAX] = "", next[PATH_MAX] = "", error[512] = "its name is too long";
	struct curve_pair pair;
	int r = key_path(options->database, KEY, path);

	if (r == 0)
		r = key_path(options->database, NEXT_KEY, next);
	if (r == 0)
		r = key_read(options->database, NEXT_KEY, &pair, error, sizeof(error));
	curve_pair_wipe(&pair);
	if (r == 0 && rename(next, path) < 0)
		snprintf(error, sizeof(error), "%s: %s", next, strerror(r = errno));
	if (r == 0)
		return 0;
	log_line("%s", error);
	return 2;
}

static int token_print(struct store *store, const struct store_owner *owner)
{
	char token[IDS_TOKEN_LEN + 1];

	if (access_token_make(store, owner, token) < 0) {
		log_line("the token cannot be stored: %s", store_error(store));
		return 1;
	}
	printf("token: %s\n", token);
	secret_wipe(token, sizeof(token));
	return fflush(stdout) == 0 ? 0 : 1;
}

int setup_add_token(const struct options *options, struct store *store)
{
	struct store_owner owner = {.admin = options->admin};

	if (!ids_name_ok(options->owner)) {
		log_line("--add-token: '%s' is not a name: 1 to 63 of a-z, 0-9 and -, not "
			 "beginning with -",
			 options->owner);
		return 2;
	}
	snprintf(owner.name, sizeof(owner.name), "%s", options->owner);
	return token_print(store, &owner);
}

int setup_init(const struct options *options)
{
	struct store_owner owner = {.name = FIRST_OWNER, .admin = true};
	char path[PATH_MAX], error[512];
	struct store *store;
	struct curve_key key;
	int code, r = key_path(options->database, KEY, path);

	/* The key first: were it there already, a new database would hide that. */
	if (r == 0)
		r = key_write(path, &key);
	if (r < 0) {
		log_line("%s" KEY ": %s", options->database,
			 r == -EEXIST ? "it exists; nothing is overwritten" : strerror(-r));
		return 2;
	}
	r = store_create(options->database);
	if (r < 0) {
		unlink(path);
		log_line("%s: %s", options->database,
			 r == -EEXIST ? "it exists; nothing is overwritten" : strerror(-r));
		return 2;
	}
	if (store_open(options->database, &store, error, sizeof(error)) < 0) {
		log_line("%s", error);
		return 1;
	}
	code = token_print(store, &owner);
	store_close(store);
	return code;
}
