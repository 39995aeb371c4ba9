/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/value.h"
#include "link/secret.h"

#define TICKET "node.ticket"
#define PINS "gateway.keys"
#define TEXT_MAX 256u
#define NEXT ".next"
#define UNFINISHED ".new"

/* ---- files ---- */

int identity_open(const char *key, struct identity *ret_identity)
{
	const char *slash = strrchr(key, '/');
	char folder[256];
	int len = slash ? (int)(slash - key) : 1;

	if (snprintf(folder, sizeof(folder), "%.*s", len, slash ? key : ".") >=
		    (int)sizeof(folder) ||
	    snprintf(ret_identity->key, sizeof(ret_identity->key), "%s", slash ? slash + 1 : key) >=
		    (int)sizeof(ret_identity->key))
		return -ENAMETOOLONG;
	ret_identity->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return ret_identity->folder < 0 ? -errno : 0;
}

void identity_close(struct identity *identity)
{
	if (identity->folder >= 0)
		close(identity->folder);
	identity->folder = -1;
}

/* A name with a suffix. Both are short: identity_open has looked. */
static void name_of(const char *name, const char *suffix, char ret_name[96])
{
	snprintf(ret_name, 96, "%s%s", name, suffix);
}

static int write_all(int fd, const char *text)
{
	size_t len = strlen(text);
	ssize_t written = write(fd, text, len);

	if (written < 0)
		return -errno;
	if ((size_t)written != len)
		return -ENOSPC;
	return fsync(fd) < 0 ? -errno : 0;
}

/* The folder is synced too: a rename that was reported is there after a power cut. */
static int file_keep(const struct identity *identity, const char *name, const char *text)
{
	char unfinished[96];
	int fd, r;

	name_of(name, UNFINISHED, unfinished);
	(void)unlinkat(identity->folder, unfinished, 0);
	fd = openat(identity->folder, unfinished,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text);
	close(fd);
	if (r == 0 && renameat(identity->folder, unfinished, identity->folder, name) < 0)
		r = -errno;
	if (r == 0 && fsync(identity->folder) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(identity->folder, unfinished, 0);
	return r;
}

/* What others may read is no secret: -EPERM. */
static int file_read(const struct identity *identity, const char *name, char ret_text[TEXT_MAX])
{
	struct stat status;
	ssize_t len;
	int r = 0, fd = openat(identity->folder, name,
			       O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		r = -errno;
	else if (!S_ISREG(status.st_mode) || (status.st_mode & 077) != 0)
		r = -EPERM;
	len = r == 0 ? read(fd, ret_text, TEXT_MAX - 1) : 0;
	if (len < 0)
		r = -errno;
	close(fd);
	ret_text[r == 0 ? len : 0] = '\0';
	return r;
}

/* ---- keys ---- */

static int key_read(struct identity *identity, const char *name, struct curve_pair *ret_pair)
{
	struct curve_key secret = {{0}};
	char text[TEXT_MAX];
	int r = file_read(identity, name, text);

	if (r == 0)
		r = curve_key_parse(text, strlen(text), &secret);
	if (r == 0)
		r = curve_pair_from_secret(&secret, ret_pair);
	secret_wipe(text, sizeof(text));
	secret_wipe(&secret, sizeof(secret));
	return r;
}

static int key_make(struct identity *identity, const char *name, struct curve_pair *ret_pair)
{
	char text[CURVE_TEXT_LEN + 2];
	int r = curve_pair_make(ret_pair);

	if (r < 0)
		return r;
	curve_key_format(&ret_pair->secret_key, text);
	text[CURVE_TEXT_LEN] = '\n';
	text[CURVE_TEXT_LEN + 1] = '\0';
	r = file_keep(identity, name, text);
	secret_wipe(text, sizeof(text));
	if (r < 0)
		curve_pair_wipe(ret_pair);
	return r;
}

int identity_key(struct identity *identity, struct curve_pair *ret_pair, bool *ret_made)
{
	int r = key_read(identity, identity->key, ret_pair);

	*ret_made = r == -ENOENT;
	return *ret_made ? key_make(identity, identity->key, ret_pair) : r;
}

int identity_next(struct identity *identity, struct curve_pair *ret_pair)
{
	char name[96];

	name_of(identity->key, NEXT, name);
	return key_read(identity, name, ret_pair);
}

int identity_make_next(struct identity *identity, struct curve_pair *ret_pair)
{
	char name[96];

	name_of(identity->key, NEXT, name);
	return key_make(identity, name, ret_pair);
}

int identity_promote(struct identity *identity)
{
	char name[96];

	name_of(identity->key, NEXT, name);
	if (renameat(identity->folder, name, identity->folder, identity->key) < 0)
		return -errno;
	return fsync(identity->folder) < 0 ? -errno : 0;
}

/* ---- the ticket: its number and its tag, in hex ---- */

void identity_ticket(struct identity *identity, struct link_ticket *ret_ticket)
{
	char text[TEXT_MAX], tag[2 * LINK_TAG_LEN + 1];
	unsigned long long counter = 0;
	int end = 0;

	*ret_ticket = (struct link_ticket){.counter = 0};
	if (file_read(identity, TICKET, text) < 0 ||
	    sscanf(text, "%19llu %64[0-9a-f]\n%n", &counter, tag, &end) != 2 ||
	    text[end] != '\0' || value_hex(tag, ret_ticket->tag, LINK_TAG_LEN) != 0)
		return;
	ret_ticket->counter = counter;
}

int identity_keep_ticket(struct identity *identity, const struct link_ticket *ticket)
{
	char text[TEXT_MAX];
	int at = snprintf(text, sizeof(text), "%llu ", (unsigned long long)ticket->counter);

	for (size_t i = 0; i < LINK_TAG_LEN; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%02x", ticket->tag[i]);
	snprintf(text + at, sizeof(text) - (size_t)at, "\n");
	return file_keep(identity, TICKET, text);
}

/* ---- the gateways' keys: node.conf's, for which they stand, then one or two ---- */

void identity_pins(struct identity *identity, const char *conf_key, char keys[2][IPC_KEY_LEN + 1])
{
	char text[TEXT_MAX], of[IPC_KEY_LEN + 1], pins[2][IPC_KEY_LEN + 1] = {"", ""};
	struct curve_key key;

	if (file_read(identity, PINS, text) < 0 ||
	    sscanf(text, "%40s %40s %40s", of, pins[0], pins[1]) < 2 || strcmp(of, conf_key) != 0)
		return;
	for (size_t i = 0; i < 2 && (i == 0 || pins[i][0] != '\0'); i++)
		if (curve_key_parse(pins[i], strlen(pins[i]), &key) < 0)
			return;
	memcpy(keys, pins, sizeof(pins));
}

int identity_keep_pins(struct identity *identity, const char *conf_key,
		       char keys[2][IPC_KEY_LEN + 1])
{
	char text[TEXT_MAX];

	snprintf(text, sizeof(text), "%s\n%s\n%s\n", conf_key, keys[0], keys[1]);
	return file_keep(identity, PINS, text);
}
