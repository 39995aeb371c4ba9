/* SPDX-License-Identifier: Apache-2.0 */
/* The store's tables. Every statement is a constant with bound parameters. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "backend/gateway/store_sqlite.h"

int store_token_add(struct store *store, const uint8_t hash[STORE_HASH_LEN],
		    const struct store_owner *owner)
{
	return store_run(store_prepare(
		store, "INSERT INTO tokens (hash, owner, admin, added) VALUES (?,?,?,?)", "bsii",
		(const void *)hash, (size_t)STORE_HASH_LEN, owner->name, (int64_t)owner->admin,
		(int64_t)time(NULL)));
}

int store_token_find(struct store *store, const uint8_t hash[STORE_HASH_LEN],
		     struct store_owner *ret_owner)
{
	sqlite3_stmt *stmt = store_prepare(
		store, "SELECT owner, admin FROM tokens WHERE hash = ? AND revoked = 0", "b",
		(const void *)hash, (size_t)STORE_HASH_LEN);
	int r = store_next(stmt);

	if (r == 1) {
		store_text(stmt, 0, ret_owner->name, sizeof(ret_owner->name));
		ret_owner->admin = sqlite3_column_int(stmt, 1) != 0;
	}
	sqlite3_finalize(stmt);
	return r == 1 ? 0 : r == 0 ? -ENOENT : r;
}

/*
 * Who sends most loses its own oldest, and nobody else's: an event goes by how many newer ones of
 * its node there are. The gateway's own count as a node's.
 */
static int events_level(struct store *store)
{
	sqlite3_stmt *stmt = store_prepare(store, "SELECT count(*) FROM events", "");
	int r = store_next(stmt);
	int64_t more = r == 1 ? sqlite3_column_int64(stmt, 0) - STORE_EVENTS_MAX : 0;

	sqlite3_finalize(stmt);
	if (r < 0 || more <= 0)
		return r < 0 ? r : 0;
	return store_run(store_prepare(
		store,
		"DELETE FROM events WHERE id IN (SELECT id FROM (SELECT id, row_number()"
		" OVER (PARTITION BY node ORDER BY id DESC) AS newer FROM events)"
		" ORDER BY newer DESC, id LIMIT ?)",
		"i", more));
}

int store_event_add(struct store *store, const struct store_event *event)
{
	int r = store_run(store_prepare(store,
					"INSERT OR IGNORE INTO events"
					" (node, boot, seq, time_ms, kernel, kind, project, text)"
					" VALUES (?,?,?,?,?,?,?,?)",
					"sbiissss", event->node, (const void *)event->boot_id,
					(size_t)16, (int64_t)event->seq, (int64_t)event->time_ms,
					event->kernel, event->kind, event->project, event->text));

	/* Not for one that was there already: that costs its sender nothing, and could be often. */
	if (r == 0 && sqlite3_changes(store->db) == 1 &&
	    sqlite3_last_insert_rowid(store->db) % STORE_EVENTS_SWEEP == 0)
		r = events_level(store);
	return r;
}

int store_event_before(struct store *store, int64_t count, int64_t *ret_id)
{
	sqlite3_stmt *stmt = store_prepare(
		store, "SELECT id FROM events ORDER BY id DESC LIMIT 1 OFFSET ?", "i", count);
	int r = store_next(stmt);

	*ret_id = r == 1 ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_finalize(stmt);
	return r < 0 ? r : 0;
}

int store_event_walk(struct store *store, int64_t after, int limit,
		     bool (*each)(void *ctx, const struct store_event *event), void *ctx)
{
	sqlite3_stmt *stmt = store_prepare(
		store,
		"SELECT id, node, seq, time_ms, kernel, kind, project, text, boot FROM events"
		" WHERE id > ? ORDER BY id LIMIT ?",
		"ii", after, (int64_t)limit);
	int r;

	while ((r = store_next(stmt)) == 1) {
		static const uint8_t unknown[16];
		const uint8_t *boot_id = sqlite3_column_blob(stmt, 8);
		struct store_event event = {
			.boot_id = boot_id && sqlite3_column_bytes(stmt, 8) == 16 ? boot_id
										  : unknown,
			.id = sqlite3_column_int64(stmt, 0),
			.node = (const char *)sqlite3_column_text(stmt, 1),
			.seq = (uint64_t)sqlite3_column_int64(stmt, 2),
			.time_ms = (uint64_t)sqlite3_column_int64(stmt, 3),
			.kernel = (const char *)sqlite3_column_text(stmt, 4),
			.kind = (const char *)sqlite3_column_text(stmt, 5),
			.project = (const char *)sqlite3_column_text(stmt, 6),
			.text = (const char *)sqlite3_column_text(stmt, 7),
		};

		if (!each(ctx, &event))
			break;
	}
	sqlite3_finalize(stmt);
	return r < 0 ? r : 0;
}

int store_kernel_put(struct store *store, const struct store_kernel *kernel)
{
	return store_run(store_prepare(store,
				       "INSERT OR REPLACE INTO kernels"
				       " (id, environment, node, owner, project, created, settings,"
				       " network_max) VALUES (?,?,?,?,?,?,?,?)",
				       "sssssisi", kernel->id, kernel->environment, kernel->node,
				       kernel->owner, kernel->project, kernel->created,
				       kernel->settings, kernel->network_max));
}

int store_kernel_remove(struct store *store, const char *id)
{
	return store_run(store_prepare(store, "DELETE FROM kernels WHERE id = ?", "s", id));
}

int store_kernel_walk(struct store *store,
		      bool (*each)(void *ctx, const struct store_kernel *kernel), void *ctx)
{
	sqlite3_stmt *stmt = store_prepare(
		store,
		"SELECT id, environment, node, owner, project, created, settings, network_max"
		" FROM kernels",
		"");
	struct store_kernel kernel;
	int r;

	while ((r = store_next(stmt)) == 1) {
		store_text(stmt, 0, kernel.id, sizeof(kernel.id));
		store_text(stmt, 1, kernel.environment, sizeof(kernel.environment));
		store_text(stmt, 2, kernel.node, sizeof(kernel.node));
		store_text(stmt, 3, kernel.owner, sizeof(kernel.owner));
		store_text(stmt, 4, kernel.project, sizeof(kernel.project));
		kernel.created = sqlite3_column_int64(stmt, 5);
		kernel.settings = (const char *)sqlite3_column_text(stmt, 6);
		kernel.network_max = sqlite3_column_int64(stmt, 7);
		if (!each(ctx, &kernel))
			break;
	}
	sqlite3_finalize(stmt);
	return r < 0 ? r : 0;
}

int store_environment_put(struct store *store, const struct store_environment *environment)
{
	return store_run(store_prepare(
		store, "INSERT OR REPLACE INTO environments VALUES (?,?,?,?,?)", "ssssi",
		environment->name, environment->display_name, environment->language,
		environment->version, (int64_t)environment->interrupt_message));
}

int store_environment_walk(struct store *store,
			   bool (*each)(void *ctx, const struct store_environment *environment),
			   void *ctx)
{
	sqlite3_stmt *stmt = store_prepare(store,
					   "SELECT name, display_name, language, version,"
					   " interrupt_message FROM environments ORDER BY name",
					   "");
	struct store_environment environment;
	int r;

	while ((r = store_next(stmt)) == 1) {
		store_text(stmt, 0, environment.name, sizeof(environment.name));
		store_text(stmt, 1, environment.display_name, sizeof(environment.display_name));
		store_text(stmt, 2, environment.language, sizeof(environment.language));
		store_text(stmt, 3, environment.version, sizeof(environment.version));
		environment.interrupt_message = sqlite3_column_int(stmt, 4) != 0;
		if (!each(ctx, &environment))
			break;
	}
	sqlite3_finalize(stmt);
	return r < 0 ? r : 0;
}
