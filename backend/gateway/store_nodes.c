/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes: their keys, whether they may come, and the count of their joins. */
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <time.h>

#include "backend/gateway/join.h"
#include "backend/gateway/store_sqlite.h"

int store_node_add(struct store *store, const char *name, const char *public_key)
{
	return store_run(store_prepare(store,
				       "INSERT INTO nodes (name, public_key, added) VALUES (?,?,?)",
				       "ssi", name, public_key, (int64_t)time(NULL)));
}

#define NODE_COLUMNS "SELECT name, public_key, added, revoked, next_key, locked, issued FROM nodes "

static void node_read(sqlite3_stmt *stmt, struct store_node *ret_node)
{
	store_text(stmt, 0, ret_node->name, sizeof(ret_node->name));
	store_text(stmt, 1, ret_node->public_key, sizeof(ret_node->public_key));
	ret_node->added = sqlite3_column_int64(stmt, 2);
	ret_node->revoked = sqlite3_column_int(stmt, 3) != 0;
	store_text(stmt, 4, ret_node->next_key, sizeof(ret_node->next_key));
	ret_node->locked = sqlite3_column_int(stmt, 5) != 0;
	ret_node->joins = (uint64_t)sqlite3_column_int64(stmt, 6);
}

static int node_one(sqlite3_stmt *stmt, struct store_node *ret_node)
{
	int r = store_next(stmt);

	if (r == 1)
		node_read(stmt, ret_node);
	sqlite3_finalize(stmt);
	return r == 1 ? 0 : r == 0 ? -ENOENT : r;
}

int store_node_find(struct store *store, const char *name, struct store_node *ret_node)
{
	return node_one(store_prepare(store, NODE_COLUMNS "WHERE name = ?", "s", name), ret_node);
}

int store_node_by_key(struct store *store, const char *public_key, struct store_node *ret_node)
{
	return node_one(store_prepare(store, NODE_COLUMNS "WHERE public_key = ? OR (next_key = ? AND next_key <> '')",
				      "ss", public_key, public_key),
			ret_node);
}

int store_node_walk(struct store *store, bool (*each)(void *ctx, const struct store_node *node),
		    void *ctx)
{
	sqlite3_stmt *stmt = store_prepare(store, NODE_COLUMNS "ORDER BY name", "");
	struct store_node node;
	int r;

	while ((r = store_next(stmt)) == 1) {
		node_read(stmt, &node);
		if (!each(ctx, &node))
			break;
	}
	sqlite3_finalize(stmt);
	return r < 0 ? r : 0;
}

/* ---- what must outlast a power cut ---- */

/* Of UPDATEs: -ENOENT where none was changed. */
static int changed(struct store *store, int r)
{
	return r == 0 && sqlite3_changes(store->db) == 0 ? -ENOENT : r;
}

static int update(struct store *store, const char *sql, const char *name)
{
	int r = store_durable(store, true);

	if (r == 0)
		r = changed(store, store_run(store_prepare(store, sql, "s", name)));
	store_durable(store, false);
	return r;
}

int store_node_revoke(struct store *store, const char *name)
{
	return update(store, "UPDATE nodes SET revoked = 1 WHERE name = ?", name);
}

int store_node_lock(struct store *store, const char *name)
{
	return update(store, "UPDATE nodes SET locked = 1, open = 0 WHERE name = ?", name);
}

int store_node_unlock(struct store *store, const char *name)
{
	return update(store, "UPDATE nodes SET locked = 0, open = 1 WHERE name = ?", name);
}

int store_node_promote(struct store *store, const char *name)
{
	return update(store,
		      "UPDATE nodes SET public_key = next_key, next_key = ''"
		      " WHERE name = ? AND next_key <> ''",
		      name);
}

int store_node_next_key(struct store *store, const char *name, const char *key)
{
	struct store_node node;
	int r = store_node_by_key(store, key, &node);

	if (r != -ENOENT)
		return r == 0 ? -EEXIST : r;
	r = store_durable(store, true);
	if (r == 0)
		r = changed(store, store_run(store_prepare(
					   store, "UPDATE nodes SET next_key = ? WHERE name = ?",
					   "ss", key, name)));
	store_durable(store, false);
	return r;
}

/* ---- joins ---- */

static int join_read(struct store *store, const char *name, struct join *ret_join)
{
	sqlite3_stmt *stmt = store_prepare(store,
					   "SELECT joined, pending, issued, open, locked, revoked"
					   " FROM nodes WHERE name = ?",
					   "s", name);
	int r = store_next(stmt);

	if (r == 1) {
		ret_join->current = (uint64_t)sqlite3_column_int64(stmt, 0);
		ret_join->pending = (uint64_t)sqlite3_column_int64(stmt, 1);
		ret_join->issued = (uint64_t)sqlite3_column_int64(stmt, 2);
		ret_join->open = sqlite3_column_int(stmt, 3) != 0;
		ret_join->locked = sqlite3_column_int(stmt, 4) != 0;
		if (sqlite3_column_int(stmt, 5) != 0)
			r = -EPERM;
	}
	sqlite3_finalize(stmt);
	return r == 1 ? 0 : r == 0 ? -ENOENT : r;
}

static int join_write(struct store *store, const char *name, const struct join *join)
{
	return store_run(store_prepare(store,
				       "UPDATE nodes SET joined = ?, pending = ?, issued = ?,"
				       " open = ?, locked = ? WHERE name = ?",
				       "iiiiis", (int64_t)join->current, (int64_t)join->pending,
				       (int64_t)join->issued, (int64_t)join->open,
				       (int64_t)join->locked, name));
}

/*
 * Nothing here is lost by a power cut of the gateway that would hurt: a node then comes with a
 * number above all that are known, which only the signature can have given it (join.h).
 */
int store_node_join(struct store *store, const char *name, uint64_t joins, uint64_t counter,
		    bool tag_ok, uint64_t *ret_next)
{
	struct join join = {0};
	int judged = 0, r = store_begin(store);

	if (r < 0)
		return r;
	r = join_read(store, name, &join);
	if (r == 0 && join.issued != joins && !join.locked)
		r = -EAGAIN;
	if (r == 0) {
		judged = join_present(&join, counter, tag_ok);
		r = join_write(store, name, &join);
	}
	r = store_end(store, r);
	*ret_next = join.pending;
	return r < 0 ? r : judged;
}

int store_node_joined(struct store *store, const char *name, uint64_t counter)
{
	struct join join = {0};
	int r = store_begin(store);

	if (r < 0)
		return r;
	r = join_read(store, name, &join);
	if (r == 0 && join_ack(&join, counter))
		r = join_write(store, name, &join);
	return store_end(store, r);
}

static int ticket_key_read(struct store *store, uint8_t ret_key[32])
{
	sqlite3_stmt *stmt = store_prepare(store, "SELECT value FROM secrets WHERE name = 'ticket'",
					   "");
	int r = store_next(stmt);

	if (r == 1 && sqlite3_column_bytes(stmt, 0) == 32)
		memcpy(ret_key, sqlite3_column_blob(stmt, 0), 32);
	else if (r == 1)
		r = -EIO;
	sqlite3_finalize(stmt);
	return r == 1 ? 0 : r == 0 ? -ENOENT : r;
}

int store_ticket_key(struct store *store, uint8_t ret_key[32])
{
	int r = ticket_key_read(store, ret_key);

	if (r != -ENOENT)
		return r;
	randombytes_buf(ret_key, 32);
	/* Another gateway may be first: its key is then ours. */
	r = store_durable(store, true);
	if (r == 0)
		r = store_run(store_prepare(store, "INSERT OR IGNORE INTO secrets VALUES ('ticket', ?)",
					    "b", (const void *)ret_key, (size_t)32));
	store_durable(store, false);
	return r < 0 ? r : ticket_key_read(store, ret_key);
}

bool store_changed(struct store *store, int64_t *seen)
{
	sqlite3_stmt *stmt = store_prepare(store, "PRAGMA data_version", "");
	int64_t version = *seen;
	bool other;

	if (store_next(stmt) == 1)
		version = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	other = *seen != 0 && version != *seen;
	*seen = version;
	return other;
}
