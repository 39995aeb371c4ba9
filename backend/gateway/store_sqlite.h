/* SPDX-License-Identifier: Apache-2.0 */
/* What store_sqlite.c (the file) and store_rows.c (its tables) share. */
#ifndef ANCHORHOLD_GATEWAY_STORE_SQLITE_H
#define ANCHORHOLD_GATEWAY_STORE_SQLITE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "backend/gateway/store.h"

struct store {
	sqlite3 *db;
};

/*
 * Binds `format`'s parameters in order: s a string, i an int64_t, b a blob (pointer, size_t).
 * NULL where the statement cannot be prepared; the error then stands in the connection.
 */
sqlite3_stmt *store_prepare(struct store *store, const char *sql, const char *format, ...);

/* Runs a statement that yields no rows, and frees it; stmt may be NULL. 0, -EEXIST, -EIO. */
int store_run(sqlite3_stmt *stmt);

/* Steps to the next row: 1 a row, 0 no more, -EIO. stmt may be NULL. */
int store_next(sqlite3_stmt *stmt);

/* One transaction, with the write lock from its beginning. r < 0 undoes it; its result or r. */
int store_begin(struct store *store);
int store_end(struct store *store, int r);

/* Between `true` and `false` a change is on the disk when it is committed. */
int store_durable(struct store *store, bool on);

/* A text column, cut to size. */
void store_text(sqlite3_stmt *stmt, int column, char *ret_text, size_t size);

#endif
