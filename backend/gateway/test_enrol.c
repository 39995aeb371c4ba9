/* SPDX-License-Identifier: Apache-2.0 */
/* One-time secrets, joins and keys in the store, over its closing at any point. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/gateway/store.h"
#include "link/check.h"

#define NOW 1000

static char path[128];

/* Over a connection that is new. */
static int join(struct store *store, const char *name, uint64_t counter, bool tag_ok,
		uint64_t *ret_next)
{
	struct store_node node = {.joins = 0};

	(void)store_node_find(store, name, &node);
	return store_node_join(store, name, node.joins, counter, tag_ok, ret_next);
}

static struct store *again(struct check *check, struct store *store)
{
	char error[256];

	store_close(store);
	store = NULL;
	CHECK_EQ(check, store_open(path, &store, error, sizeof(error)), 0);
	if (store == NULL)
		exit(1);
	return store;
}

static bool count(void *ctx, const struct store_enrolment *row)
{
	++*(int *)ctx;
	return true;
}

static int awaited(struct store *store, int64_t now)
{
	int rows = 0;

	return store_enrol_walk(store, now, count, &rows) == 0 ? rows : -1;
}

static void test_once(struct check *check, struct store *store)
{
	uint8_t secret[32];
	struct store_node node;

	randombytes_buf(secret, sizeof(secret));
	CHECK(check, !store_enrol_any(store, NOW));
	CHECK_EQ(check, store_enrol_add(store, "one", secret, NOW + 10), 0);
	CHECK(check, store_enrol_any(store, NOW) && !store_enrol_any(store, NOW + 10));
	CHECK_EQ(check, store_enrol_use(store, "one", secret, "K1", NOW + 10), -ENOENT);
	CHECK_EQ(check, store_enrol_use(store, "one", secret, "K1", NOW), 0);
	CHECK_EQ(check, store_node_by_key(store, "K1", &node), 0);
	CHECK(check, strcmp(node.name, "one") == 0 && !node.revoked && !node.locked);
	CHECK_EQ(check, store_enrol_use(store, "one", secret, "K2", NOW), -ENOENT);
	CHECK(check, !store_enrol_any(store, NOW));
	CHECK_EQ(check, store_enrol_add(store, "one", secret, NOW + 10), -EEXIST);
}

/* Five wrong tries end a secret; tries at another handle do not touch it. */
static void test_tries(struct check *check, struct store *store)
{
	uint8_t secret[32], wrong[32], stranger[32];

	randombytes_buf(secret, sizeof(secret));
	memcpy(wrong, secret, sizeof(wrong));
	wrong[31] ^= 1;
	randombytes_buf(stranger, sizeof(stranger));
	CHECK_EQ(check, store_enrol_add(store, "two", secret, NOW + 10), 0);
	for (int i = 0; i < 20; i++)
		CHECK_EQ(check, store_enrol_use(store, "two", stranger, "K3", NOW), -ENOENT);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(check, store_enrol_use(store, "two", wrong, "K3", NOW), -EKEYREJECTED);
	CHECK(check, store_enrol_any(store, NOW));
	CHECK_EQ(check, store_enrol_use(store, "other", secret, "K3", NOW), -EKEYREJECTED);
	CHECK_EQ(check, store_enrol_use(store, "two", secret, "K3", NOW), -ENOENT);
	CHECK(check, !store_enrol_any(store, NOW));
	/* A new secret takes the old one's place. */
	CHECK_EQ(check, store_enrol_add(store, "two", secret, NOW + 10), 0);
	CHECK_EQ(check, store_enrol_add(store, "two", stranger, NOW + 10), 0);
	CHECK_EQ(check, awaited(store, NOW), 1);
	CHECK_EQ(check, store_enrol_use(store, "two", secret, "K3", NOW), -ENOENT);
	CHECK_EQ(check, store_enrol_use(store, "two", stranger, "K1", NOW), -EEXIST);
	CHECK_EQ(check, store_enrol_use(store, "two", stranger, "K3", NOW), 0);
}

static bool file_holds(const char *name, const uint8_t *bytes, size_t len)
{
	static uint8_t content[1 << 20];
	FILE *file = fopen(name, "rb");
	size_t size = file == NULL ? 0 : fread(content, 1, sizeof(content), file);

	if (file != NULL)
		fclose(file);
	return memmem(content, size, bytes, len) != NULL;
}

/* Only the hash is kept; the handle alone, which is public, shows that this would find it. */
static void test_hashed(struct check *check, struct store *store)
{
	uint8_t secret[32];
	char wal[160];

	randombytes_buf(secret, sizeof(secret));
	snprintf(wal, sizeof(wal), "%s-wal", path);
	CHECK_EQ(check, store_enrol_add(store, "three", secret, NOW + 10), 0);
	CHECK(check, file_holds(path, secret, 8) || file_holds(wal, secret, 8));
	CHECK(check, !file_holds(path, secret + 8, 24) && !file_holds(wal, secret + 8, 24));
}

static void test_revoked(struct check *check, struct store *store)
{
	uint8_t secret[32];
	struct store_node node;
	uint64_t next;

	randombytes_buf(secret, sizeof(secret));
	CHECK_EQ(check, store_node_revoke(store, "none"), -ENOENT);
	CHECK_EQ(check, join(store, "one", 0, false, &next), 0);
	CHECK_EQ(check, store_node_joined(store, "one", next), 0);
	CHECK_EQ(check, store_node_revoke(store, "one"), 0);
	CHECK_EQ(check, join(store, "one", next, true, &next), -EPERM);
	CHECK_EQ(check, store_node_by_key(store, "K1", &node), 0);
	CHECK(check, node.revoked);
	/* The name may be given again, to another key; the old one is unknown then. */
	CHECK_EQ(check, store_enrol_add(store, "one", secret, NOW + 10), 0);
	CHECK_EQ(check, store_enrol_use(store, "one", secret, "K9", NOW), 0);
	CHECK_EQ(check, store_node_by_key(store, "K1", &node), -ENOENT);
	CHECK_EQ(check, join(store, "one", 0, false, &next), 0);
}

/* The store is closed and opened between any two steps of each join. */
static void test_joins(struct check *check, struct store *store)
{
	uint64_t ticket = 0, next = 0, other;

	for (int turn = 0; turn < 9; turn++) {
		store = again(check, store);
		CHECK_EQ(check, join(store, "two", ticket, ticket != 0, &next), 0);
		store = again(check, store);
		if (turn % 3 == 0)
			continue; /* never stored */
		ticket = next;
		if (turn % 3 == 1)
			continue; /* never acknowledged */
		CHECK_EQ(check, store_node_joined(store, "two", ticket), 0);
	}
	/* What comes over a connection from before the last join is late, not stale. */
	CHECK_EQ(check, store_node_join(store, "two", next - 1, ticket - 1, true, &other), -EAGAIN);
	CHECK_EQ(check, join(store, "two", ticket - 1, true, &other), -ESTALE);
	store = again(check, store);
	CHECK_EQ(check, join(store, "two", ticket, true, &other), -EPERM);
	CHECK_EQ(check, store_node_unlock(store, "two"), 0);
	CHECK_EQ(check, join(store, "two", ticket - 1, true, &other), 0);
	CHECK_EQ(check, store_node_joined(store, "two", other), 0);
	CHECK_EQ(check, join(store, "two", ticket, true, &other), -ESTALE);
	CHECK_EQ(check, join(store, "none", 0, false, &other), -ENOENT);
	store_close(store);
}

static void test_rotation(struct check *check, struct store *store)
{
	struct store_node node;

	CHECK_EQ(check, store_node_next_key(store, "none", "N1"), -ENOENT);
	CHECK_EQ(check, store_node_next_key(store, "two", "K9"), -EEXIST);
	CHECK_EQ(check, store_node_promote(store, "two"), -ENOENT);
	CHECK_EQ(check, store_node_next_key(store, "two", "N1"), 0);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(check, store_node_by_key(store, i ? "N1" : "K3", &node), 0);
		CHECK(check, strcmp(node.name, "two") == 0 && strcmp(node.next_key, "N1") == 0);
	}
	CHECK_EQ(check, store_node_promote(store, "two"), 0);
	CHECK_EQ(check, store_node_by_key(store, "K3", &node), -ENOENT);
	CHECK_EQ(check, store_node_by_key(store, "N1", &node), 0);
	CHECK(check, node.next_key[0] == '\0');
	CHECK_EQ(check, store_node_by_key(store, "", &node), -ENOENT);
}

static void test_others(struct check *check, struct store *store)
{
	int64_t seen = 0;
	struct store *other = NULL;
	uint8_t one[32], two[32];
	char error[256];

	CHECK(check, !store_changed(store, &seen));
	CHECK_EQ(check, store_node_lock(store, "one"), 0);
	CHECK(check, !store_changed(store, &seen)); /* our own change */
	CHECK_EQ(check, store_open(path, &other, error, sizeof(error)), 0);
	CHECK_EQ(check, store_node_unlock(other, "one"), 0);
	CHECK(check, store_changed(store, &seen) && !store_changed(store, &seen));
	CHECK_EQ(check, store_ticket_key(other, one), 0);
	CHECK_EQ(check, store_ticket_key(store, two), 0);
	CHECK(check, memcmp(one, two, sizeof(one)) == 0 && !sodium_is_zero(one, sizeof(one)));
	store_close(other);
}

int main(void)
{
	char folder[] = "/tmp/anchorhold-enrol-XXXXXX", side[160];
	struct check check = {0};
	struct store *store = NULL;

	if (sodium_init() < 0 || mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/enrol.db", folder);
	CHECK_EQ(&check, store_create(path), 0);
	store = again(&check, NULL);
	test_once(&check, store);
	test_tries(&check, store);
	test_hashed(&check, store);
	test_revoked(&check, store);
	test_rotation(&check, store);
	test_others(&check, store);
	test_joins(&check, store);
	snprintf(side, sizeof(side), "%s-wal", path);
	unlink(side);
	snprintf(side, sizeof(side), "%s-shm", path);
	unlink(side);
	unlink(path);
	CHECK_EQ(&check, rmdir(folder), 0);
	return CHECK_DONE(&check);
}
