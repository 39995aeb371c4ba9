/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a node itself: made once, for its owner's eyes, whole or not at all. */
#include "hostd/identity.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#include "link/check.h"

#define PUBLISHED "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6\n"

#define TAG "0011223344556677889900112233445566778899001122334455667788990011"

static char folder[64], key_path[96];

static void put(const char *name, const char *text, mode_t mode)
{
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	if (file == NULL)
		abort();
	fputs(text, file);
	fchmod(fileno(file), mode);
	fclose(file);
}

static void clean(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		closedir(dir);
}

/* All files of the folder have mode 0600; their number. */
static int files(struct check *check)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	struct stat status;
	int count = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		CHECK_EQ(check, fstatat(dirfd(dir), entry->d_name, &status, 0), 0);
		CHECK_EQ(check, status.st_mode & 07777, 0600);
	}
	if (dir != NULL)
		closedir(dir);
	return count;
}

static void test_made_once(struct check *check, struct identity *identity)
{
	struct curve_pair first, second;
	bool made = false;

	umask(0);
	CHECK_EQ(check, identity_key(identity, &first, &made), 0);
	CHECK(check, made);
	CHECK_EQ(check, identity_key(identity, &second, &made), 0);
	CHECK(check, !made && memcmp(&first, &second, sizeof(first)) == 0);
	CHECK_EQ(check, files(check), 1);
	clean();
	CHECK_EQ(check, identity_key(identity, &second, &made), 0);
	CHECK(check, made && memcmp(&first, &second, sizeof(first)) != 0);
	clean();
}

static void test_refused(struct check *check, struct identity *identity)
{
	static const struct {
		const char *text;
		mode_t mode;
		int want;
	} rows[] = {
		{PUBLISHED, 0600, -EKEYREJECTED},
		{"0000000000000000000000000000000000000000\n", 0600, -EKEYREJECTED},
		{"", 0600, -EBADMSG},
		{"not a key\n", 0600, -EBADMSG},
		{PUBLISHED, 0640, -EPERM},
		{PUBLISHED, 0604, -EPERM},
	};
	struct curve_pair pair;
	bool made = false;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put("node.key", rows[i].text, rows[i].mode);
		CHECK_EQ(check, identity_key(identity, &pair, &made), rows[i].want);
		CHECK(check, !made); /* never made anew in its place */
	}
	clean();
	CHECK_EQ(check, symlink("/etc/passwd", key_path), 0);
	CHECK_EQ(check, identity_key(identity, &pair, &made), -ELOOP);
	clean();
}

static void test_next(struct check *check, struct identity *identity)
{
	struct curve_pair own, next, again;
	bool made;

	CHECK_EQ(check, identity_key(identity, &own, &made), 0);
	CHECK_EQ(check, identity_next(identity, &next), -ENOENT);
	CHECK_EQ(check, identity_promote(identity), -ENOENT);
	CHECK_EQ(check, identity_make_next(identity, &next), 0);
	CHECK_EQ(check, identity_next(identity, &again), 0);
	CHECK(check, memcmp(&next, &again, sizeof(next)) == 0);
	CHECK_EQ(check, identity_key(identity, &again, &made), 0);
	CHECK(check, memcmp(&own, &again, sizeof(own)) == 0);
	CHECK_EQ(check, files(check), 2);
	CHECK_EQ(check, identity_promote(identity), 0);
	CHECK_EQ(check, identity_key(identity, &again, &made), 0);
	CHECK(check, memcmp(&next, &again, sizeof(next)) == 0 && !made);
	CHECK_EQ(check, identity_next(identity, &again), -ENOENT);
	clean();
}

static void test_tickets(struct check *check, struct identity *identity)
{
	static const char *const bad[] = {"",	   "7",	     "7 00", "x 00", "-1 00",
					  "7 " TAG "0\n", "7 z" TAG "\n", "7 " TAG "\n8\n"};
	struct link_ticket ticket = {.counter = INT64_MAX, .tag = {1, 0xff}}, got;

	identity_ticket(identity, &got);
	CHECK_EQ(check, got.counter, 0);
	CHECK_EQ(check, identity_keep_ticket(identity, &ticket), 0);
	identity_ticket(identity, &got);
	CHECK(check, got.counter == INT64_MAX && memcmp(got.tag, ticket.tag, LINK_TAG_LEN) == 0);
	CHECK_EQ(check, files(check), 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put("node.ticket", bad[i], 0600);
		identity_ticket(identity, &got);
		CHECK_EQ(check, got.counter, 0);
	}
	clean();
}

/*
 * The power goes at any point of keeping a ticket: what a process limited to so many bytes leaves
 * is what a disk has by then. The old ticket is there, or the new one; never half of one.
 */
static void test_cut(struct check *check, struct identity *identity)
{
	const struct link_ticket old = {.counter = 1, .tag = {1}}, fresh = {.counter = 22, .tag = {2}};
	struct rlimit before, limit;
	struct link_ticket got;
	unsigned kept_old = 0, kept_new = 0;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	for (rlim_t bytes = 0; bytes < 80; bytes++) {
		CHECK_EQ(check, identity_keep_ticket(identity, &old), 0);
		put("node.ticket.new", "a part of an earlier try", 0600);
		limit = (struct rlimit){bytes, before.rlim_max};
		setrlimit(RLIMIT_FSIZE, &limit);
		int r = identity_keep_ticket(identity, &fresh);
		setrlimit(RLIMIT_FSIZE, &before);
		identity_ticket(identity, &got);
		CHECK_EQ(check, got.counter, r == 0 ? 22 : 1);
		kept_old += got.counter == 1;
		kept_new += got.counter == 22;
	}
	CHECK(check, kept_old > 60 && kept_new > 0);
	/* A file that was begun and not finished is nothing. */
	put("node.ticket.new", "99 ", 0600);
	identity_ticket(identity, &got);
	CHECK_EQ(check, got.counter, 22);
	clean();
}

static void test_pins(struct check *check, struct identity *identity)
{
	char conf[41], other[41], keys[2][IPC_KEY_LEN + 1], kept[2][IPC_KEY_LEN + 1] = {"", ""};
	struct curve_pair pair[3];

	for (int i = 0; i < 3; i++)
		CHECK_EQ(check, curve_pair_make(&pair[i]), 0);
	curve_key_format(&pair[0].public_key, conf);
	curve_key_format(&pair[1].public_key, kept[0]);
	curve_key_format(&pair[2].public_key, other);
	memset(keys, 0, sizeof(keys));
	memcpy(keys[0], conf, sizeof(conf));
	identity_pins(identity, conf, keys);
	CHECK(check, strcmp(keys[0], conf) == 0 && keys[1][0] == '\0');
	CHECK_EQ(check, identity_keep_pins(identity, conf, kept), 0);
	identity_pins(identity, conf, keys);
	CHECK(check, memcmp(keys, kept, sizeof(keys)) == 0);
	memcpy(kept[1], other, sizeof(other));
	CHECK_EQ(check, identity_keep_pins(identity, conf, kept), 0);
	identity_pins(identity, conf, keys);
	CHECK(check, memcmp(keys, kept, sizeof(keys)) == 0);
	/* Another node.conf: what was kept for the one before is void. */
	memcpy(keys[0], other, sizeof(other));
	identity_pins(identity, other, keys);
	CHECK(check, strcmp(keys[0], other) == 0);
	put("gateway.keys", PUBLISHED PUBLISHED PUBLISHED, 0600);
	identity_pins(identity, conf, keys);
	CHECK(check, strcmp(keys[0], other) == 0);
	clean();
}

int main(void)
{
	struct check check = {0};
	struct identity identity;

	snprintf(folder, sizeof(folder), "/tmp/anchorhold-identity-XXXXXX");
	if (sodium_init() < 0 || mkdtemp(folder) == NULL)
		return 1;
	snprintf(key_path, sizeof(key_path), "%s/node.key", folder);
	CHECK_EQ(&check, identity_open("/nowhere/node.key", &identity), -ENOENT);
	CHECK_EQ(&check, identity_open(key_path, &identity), 0);
	test_made_once(&check, &identity);
	test_refused(&check, &identity);
	test_next(&check, &identity);
	test_tickets(&check, &identity);
	test_cut(&check, &identity);
	test_pins(&check, &identity);
	identity_close(&identity);
	CHECK_EQ(&check, rmdir(folder), 0);
	return CHECK_DONE(&check);
}
