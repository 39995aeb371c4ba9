/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One-time secrets. A secret's first LINK_HANDLE_LEN bytes are its handle, by which its row is
 * found; the whole is kept as a hash. Who does not know a handle cannot spend its tries.
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "backend/gateway/store_sqlite.h"
#include "link/secret.h"
#include "link/wire.h"

#define TRIES_MAX 5

_Static_assert(LINK_SECRET_LEN == 32 && STORE_HASH_LEN == crypto_hash_sha256_BYTES, "as in store.h");

struct row {
	uint8_t hash[STORE_HASH_LEN];
	char name[STORE_NAME_MAX];
	int64_t expires, tries;
};

int store_enrol_add(struct store *store, const char *name, const uint8_t secret[32],
		    int64_t expires)
{
	uint8_t hash[STORE_HASH_LEN];
	struct store_node node;
	int r = store_durable(store, true);

	crypto_hash_sha256(hash, secret, LINK_SECRET_LEN);
	if (r == 0)
		r = store_begin(store);
	if (r == 0) {
		r = store_node_find(store, name, &node);
		r = r == 0 && !node.revoked ? -EEXIST : r == -ENOENT ? 0 : r;
		if (r == 0)
			r = store_run(store_prepare(
				store, "INSERT OR REPLACE INTO enrolments VALUES (?,?,?,?,0)",
				"bbsi", (const void *)secret, (size_t)LINK_HANDLE_LEN,
				(const void *)hash, (size_t)STORE_HASH_LEN, name, expires));
		r = store_end(store, r);
	}
	store_durable(store, false);
	return r;
}

static int row_read(struct store *store, const uint8_t *handle, struct row *ret_row)
{
	sqlite3_stmt *stmt = store_prepare(
		store, "SELECT hash, name, expires, tries FROM enrolments WHERE handle = ?", "b",
		(const void *)handle, (size_t)LINK_HANDLE_LEN);
	int r = store_next(stmt);

	if (r == 1 && sqlite3_column_bytes(stmt, 0) == STORE_HASH_LEN) {
		memcpy(ret_row->hash, sqlite3_column_blob(stmt, 0), STORE_HASH_LEN);
		store_text(stmt, 1, ret_row->name, sizeof(ret_row->name));
		ret_row->expires = sqlite3_column_int64(stmt, 2);
		ret_row->tries = sqlite3_column_int64(stmt, 3);
	}
	sqlite3_finalize(stmt);
	return r == 1 ? 0 : r == 0 ? -ENOENT : r;
}

static int judge(const struct row *row, const char *name, const uint8_t *secret, int64_t now)
{
	uint8_t hash[STORE_HASH_LEN];

	if (row->expires <= now || row->tries >= TRIES_MAX)
		return -ENOENT;
	crypto_hash_sha256(hash, secret, LINK_SECRET_LEN);
	if (!secret_equal(hash, row->hash, sizeof(hash)) || strcmp(name, row->name) != 0)
		return -EKEYREJECTED;
	return 0;
}

/* A revoked node of that name makes room: it is another machine, or has another key at least. */
static int register_key(struct store *store, const char *name, const char *public_key)
{
	int r = store_run(store_prepare(store, "DELETE FROM nodes WHERE name = ? AND revoked = 1",
					"s", name));

	if (r == 0)
		r = store_node_add(store, name, public_key);
	if (r == 0)
		r = store_run(store_prepare(store, "DELETE FROM enrolments WHERE name = ?", "s",
					    name));
	return r;
}

/* The count of wrong tries is kept, although nothing else of such a try is. */
static int use(struct store *store, const char *name, const uint8_t *secret,
	       const char *public_key, int64_t now, int *ret_judged)
{
	struct store_node node;
	struct row row = {.expires = 0};
	int r = row_read(store, secret, &row);

	if (r < 0)
		return r;
	*ret_judged = judge(&row, name, secret, now);
	if (*ret_judged == -EKEYREJECTED)
		return store_run(store_prepare(
			store, "UPDATE enrolments SET tries = tries + 1 WHERE handle = ?", "b",
			(const void *)secret, (size_t)LINK_HANDLE_LEN));
	if (*ret_judged < 0)
		return *ret_judged;
	r = store_node_by_key(store, public_key, &node);
	if (r != -ENOENT)
		return r == 0 ? -EEXIST : r;
	return register_key(store, name, public_key);
}

int store_enrol_use(struct store *store, const char *name, const uint8_t secret[32],
		    const char *public_key, int64_t now)
{
	int judged = 0, r = store_durable(store, true);

	if (r == 0)
		r = store_begin(store);
	if (r == 0)
		r = store_end(store, use(store, name, secret, public_key, now, &judged));
	store_durable(store, false);
	return r < 0 ? r : judged;
}

int store_enrol_walk(struct store *store, int64_t now,
		     bool (*each)(void *ctx, const struct store_enrolment *row), void *ctx)
{
	sqlite3_stmt *stmt = store_prepare(store,
					   "SELECT name, expires FROM enrolments"
					   " WHERE expires > ? AND tries < 5 ORDER BY name",
					   "i", now);
	struct store_enrolment row;
	int r;

	_Static_assert(TRIES_MAX == 5, "the statement says the same");
	while ((r = store_next(stmt)) == 1) {
		store_text(stmt, 0, row.name, sizeof(row.name));
		row.expires = sqlite3_column_int64(stmt, 1);
		if (!each(ctx, &row))
			break;
	}
	sqlite3_finalize(stmt);
	return r < 0 ? r : 0;
}

static bool see(void *ctx, const struct store_enrolment *row)
{
	*(bool *)ctx = true;
	return false;
}

bool store_enrol_any(struct store *store, int64_t now)
{
	bool any = false;

	return store_enrol_walk(store, now, see, &any) == 0 && any;
}
