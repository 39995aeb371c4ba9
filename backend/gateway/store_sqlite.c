/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store in one SQLite file. Every statement is a constant with bound parameters: no text
 * from a client or a node ever becomes SQL. The file's application id and user version say
 * whose it is and of which schema; anything else is refused before a row is read.
 */
#include "backend/gateway/store_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define APPLICATION_ID 0x416e6368 /* "Anch" */
#define SCHEMA_VERSION 3

static const char SCHEMA_1[] =
	"PRAGMA application_id = 1097753448;"
	"CREATE TABLE tokens (hash BLOB PRIMARY KEY, owner TEXT NOT NULL, admin INTEGER NOT NULL,"
	" added INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE nodes (name TEXT PRIMARY KEY, public_key TEXT NOT NULL UNIQUE,"
	" added INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, node TEXT NOT NULL,"
	" boot BLOB NOT NULL, seq INTEGER NOT NULL, time_ms INTEGER NOT NULL, kernel TEXT NOT NULL,"
	" kind TEXT NOT NULL, project TEXT NOT NULL, text TEXT NOT NULL, UNIQUE (node, boot, seq));"
	"CREATE TABLE kernels (id TEXT PRIMARY KEY, environment TEXT NOT NULL, node TEXT NOT NULL,"
	" owner TEXT NOT NULL, project TEXT NOT NULL, created INTEGER NOT NULL);"
	"CREATE TABLE environments (name TEXT PRIMARY KEY, display_name TEXT NOT NULL,"
	" language TEXT NOT NULL, version TEXT NOT NULL, interrupt_message INTEGER NOT NULL);";

/*
 * From one version to the next; a new database is made as version 1 and takes the same steps, so
 * that one of any age ends as the same tables.
 */
static const char *const STEP[SCHEMA_VERSION] = {
	[1] = "CREATE TABLE projects (name TEXT PRIMARY KEY, settings TEXT NOT NULL,"
	      " changed INTEGER NOT NULL);"
	      "CREATE TABLE cuts (what INTEGER NOT NULL, name TEXT NOT NULL, since INTEGER NOT NULL,"
	      " PRIMARY KEY (what, name));"
	      "ALTER TABLE kernels ADD COLUMN settings TEXT NOT NULL DEFAULT '';"
	      "ALTER TABLE kernels ADD COLUMN network_max INTEGER NOT NULL DEFAULT 2;",
	/* A node of before has no ticket yet: its next join is its first. */
	[2] = "ALTER TABLE nodes ADD COLUMN next_key TEXT NOT NULL DEFAULT '';"
	      "ALTER TABLE nodes ADD COLUMN locked INTEGER NOT NULL DEFAULT 0;"
	      "ALTER TABLE nodes ADD COLUMN open INTEGER NOT NULL DEFAULT 0;"
	      "ALTER TABLE nodes ADD COLUMN joined INTEGER NOT NULL DEFAULT 0;"
	      "ALTER TABLE nodes ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;"
	      "ALTER TABLE nodes ADD COLUMN issued INTEGER NOT NULL DEFAULT 0;"
	      "CREATE INDEX nodes_next_key ON nodes (next_key);"
	      "CREATE TABLE enrolments (handle BLOB PRIMARY KEY, hash BLOB NOT NULL,"
	      " name TEXT NOT NULL UNIQUE, expires INTEGER NOT NULL, tries INTEGER NOT NULL);"
	      "CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL);",
};

_Static_assert(APPLICATION_ID == 1097753448, "the schema's text says the same");

const char *store_error(const struct store *store)
{
	return sqlite3_errmsg(store->db);
}

/* All steps to this version in the transaction that the caller ends. */
static int steps(sqlite3 *db, int64_t from)
{
	char version[48];
	int r = SQLITE_OK;

	for (int64_t at = from; at < SCHEMA_VERSION && r == SQLITE_OK; at++)
		r = sqlite3_exec(db, STEP[at], NULL, NULL, NULL);
	snprintf(version, sizeof(version), "PRAGMA user_version = %d;", SCHEMA_VERSION);
	if (r == SQLITE_OK)
		r = sqlite3_exec(db, version, NULL, NULL, NULL);
	return r;
}

int store_create(const char *path)
{
	sqlite3 *db = NULL;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return -errno;
	close(fd);
	r = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_exec(db, "BEGIN;", NULL, NULL, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_exec(db, SCHEMA_1, NULL, NULL, NULL);
	if (r == SQLITE_OK)
		r = steps(db, 1);
	if (r == SQLITE_OK)
		r = sqlite3_exec(db, "COMMIT;", NULL, NULL, NULL);
	sqlite3_close(db);
	if (r != SQLITE_OK) {
		unlink(path);
		return -EIO;
	}
	return 0;
}

static int pragma(sqlite3 *db, const char *sql, int64_t *ret_value)
{
	sqlite3_stmt *stmt = NULL;
	int r = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	if (r == SQLITE_OK && (r = sqlite3_step(stmt)) == SQLITE_ROW)
		*ret_value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return r == SQLITE_ROW ? 0 : -EIO;
}

/*
 * The version is read again under the write lock: another process may have been first. What fails
 * leaves the database as it was.
 */
static int migrate(sqlite3 *db, const char *path, char *ret_error, size_t error_size)
{
	int64_t version = 0;
	int r = sqlite3_exec(db, "BEGIN IMMEDIATE;", NULL, NULL, NULL);

	if (r == SQLITE_OK && pragma(db, "PRAGMA user_version", &version) < 0)
		r = SQLITE_ERROR;
	if (r == SQLITE_OK && version < SCHEMA_VERSION)
		r = steps(db, version);
	if (r == SQLITE_OK)
		r = sqlite3_exec(db, "COMMIT;", NULL, NULL, NULL);
	if (r == SQLITE_OK)
		return 0;
	snprintf(ret_error, error_size, "%s cannot be brought to schema version %d: %s", path,
		 SCHEMA_VERSION, sqlite3_errmsg(db));
	sqlite3_exec(db, "ROLLBACK;", NULL, NULL, NULL);
	return -EIO;
}

static int version_check(sqlite3 *db, const char *path, char *ret_error, size_t error_size)
{
	int64_t application = 0, version = 0;

	if (pragma(db, "PRAGMA application_id", &application) < 0 ||
	    pragma(db, "PRAGMA user_version", &version) < 0) {
		snprintf(ret_error, error_size, "%s is not a database: %s", path,
			 sqlite3_errmsg(db));
		return -EPROTO;
	}
	if (application != APPLICATION_ID) {
		snprintf(ret_error, error_size, "%s is not a database of anchorhold-gateway", path);
		return -EPROTO;
	}
	if (version >= 1 && version < SCHEMA_VERSION)
		return migrate(db, path, ret_error, error_size);
	if (version != SCHEMA_VERSION) {
		snprintf(ret_error, error_size, "%s has schema version %lld, this gateway knows %d",
			 path, (long long)version, SCHEMA_VERSION);
		return -EPROTO;
	}
	return 0;
}

int store_open(const char *path, struct store **ret_store, char *ret_error, size_t error_size)
{
	struct store *store;
	int r;

	if (access(path, F_OK) < 0) {
		r = -errno;
		snprintf(ret_error, error_size, "database %s: %s (make one with --init)", path,
			 strerror(errno));
		return r;
	}
	store = calloc(1, sizeof(*store));
	if (store == NULL)
		return -ENOMEM;
	if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
		snprintf(ret_error, error_size, "database %s: %s", path, sqlite3_errmsg(store->db));
		store_close(store);
		return -EIO;
	}
	sqlite3_busy_timeout(store->db, 2000);
	r = version_check(store->db, path, ret_error, error_size);
	if (r < 0) {
		store_close(store);
		return r;
	}
	/* WAL: a token added by a second process does not wait for this one, nor the reverse. */
	if (sqlite3_exec(store->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;", NULL,
			 NULL, NULL) != SQLITE_OK) {
		snprintf(ret_error, error_size, "database %s: %s", path, sqlite3_errmsg(store->db));
		store_close(store);
		return -EIO;
	}
	*ret_store = store;
	return 0;
}

void store_close(struct store *store)
{
	if (store == NULL)
		return;
	sqlite3_close(store->db);
	free(store);
}

sqlite3_stmt *store_prepare(struct store *store, const char *sql, const char *format, ...)
{
	sqlite3_stmt *stmt = NULL;
	va_list args;
	int at = 1;

	if (sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return NULL;
	va_start(args, format);
	for (const char *f = format; *f != '\0'; f++, at++) {
		if (*f == 's') {
			sqlite3_bind_text(stmt, at, va_arg(args, const char *), -1,
					  SQLITE_TRANSIENT);
		} else if (*f == 'i') {
			sqlite3_bind_int64(stmt, at, va_arg(args, int64_t));
		} else {
			const void *blob = va_arg(args, const void *);

			sqlite3_bind_blob(stmt, at, blob, (int)va_arg(args, size_t),
					  SQLITE_TRANSIENT);
		}
	}
	va_end(args);
	return stmt;
}

int store_run(sqlite3_stmt *stmt)
{
	int r;

	if (stmt == NULL)
		return -EIO;
	r = sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	if (r == SQLITE_DONE)
		return 0;
	return (r & 0xff) == SQLITE_CONSTRAINT ? -EEXIST : -EIO;
}

int store_next(sqlite3_stmt *stmt)
{
	int r = stmt == NULL ? SQLITE_ERROR : sqlite3_step(stmt);

	return r == SQLITE_ROW ? 1 : r == SQLITE_DONE ? 0 : -EIO;
}

int store_begin(struct store *store)
{
	return sqlite3_exec(store->db, "BEGIN IMMEDIATE;", NULL, NULL, NULL) == SQLITE_OK ? 0 : -EIO;
}

int store_end(struct store *store, int r)
{
	if (r == 0 && sqlite3_exec(store->db, "COMMIT;", NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	sqlite3_exec(store->db, "ROLLBACK;", NULL, NULL, NULL);
	return r < 0 ? r : -EIO;
}

int store_durable(struct store *store, bool on)
{
	const char *sql = on ? "PRAGMA synchronous = FULL;" : "PRAGMA synchronous = NORMAL;";

	return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -EIO;
}

void store_text(sqlite3_stmt *stmt, int column, char *ret_text, size_t size)
{
	const unsigned char *value = sqlite3_column_text(stmt, column);

	snprintf(ret_text, size, "%s", value == NULL ? "" : (const char *)value);
}
