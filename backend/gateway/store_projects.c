/* SPDX-License-Identifier: Apache-2.0 */
/* The store's tables of projects and of what is cut off. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/gateway/store_sqlite.h"

int store_project_put(struct store *store, const char *name, const char *settings)
{
	return store_run(store_prepare(store, "INSERT OR REPLACE INTO projects VALUES (?,?,?)",
				       "ssi", name, settings, (int64_t)time(NULL)));
}

int store_project_get(struct store *store, const char *name, char **ret_settings)
{
	sqlite3_stmt *stmt = store_prepare(store, "SELECT settings FROM projects WHERE name = ?",
					   "s", name);
	int r = store_next(stmt);

	if (r == 1) {
		*ret_settings = strdup((const char *)sqlite3_column_text(stmt, 0));
		r = *ret_settings == NULL ? -ENOMEM : 1;
	}
	sqlite3_finalize(stmt);
	return r == 1 ? 0 : r == 0 ? -ENOENT : r;
}

int store_project_walk(struct store *store,
		       bool (*each)(void *ctx, const char *name, const char *settings), void *ctx)
{
	sqlite3_stmt *stmt = store_prepare(
		store, "SELECT name, settings FROM projects ORDER BY name", "");
	int r;

	while ((r = store_next(stmt)) == 1)
		if (!each(ctx, (const char *)sqlite3_column_text(stmt, 0),
			  (const char *)sqlite3_column_text(stmt, 1)))
			break;
	sqlite3_finalize(stmt);
	return r < 0 ? r : 0;
}

int store_cut_set(struct store *store, enum store_cut what, const char *name, bool on)
{
	if (!on)
		return store_run(store_prepare(store,
					       "DELETE FROM cuts WHERE what = ? AND name = ?", "is",
					       (int64_t)what, name));
	return store_run(store_prepare(store, "INSERT OR REPLACE INTO cuts VALUES (?,?,?)", "isi",
				       (int64_t)what, name, (int64_t)time(NULL)));
}

int store_cut_walk(struct store *store,
		   bool (*each)(void *ctx, enum store_cut what, const char *name), void *ctx)
{
	sqlite3_stmt *stmt = store_prepare(store, "SELECT what, name FROM cuts ORDER BY what, name",
					   "");
	int r;

	while ((r = store_next(stmt)) == 1)
		if (!each(ctx, (enum store_cut)sqlite3_column_int(stmt, 0),
			  (const char *)sqlite3_column_text(stmt, 1)))
			break;
	sqlite3_finalize(stmt);
	return r < 0 ? r : 0;
}
