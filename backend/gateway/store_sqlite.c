/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store in one SQLite file. Every statement is a constant with bound parameters: no text
 * from a client or a node ever becomes SQL. The file's application id and user version say
 * whose it is and of which schema; anything else is refused before a row is read.
 */
#include "backend/gateway/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define APPLICATION_ID 0x416e6368 /* "Anch" */
#define SCHEMA_VERSION 1
#define EVENTS_SWEEP 1024 /* old events are deleted once in so many insertions */

struct store {
	sqlite3 *db;
};

static const char SCHEMA[] =
	"BEGIN;"
	"PRAGMA application_id = 1097753448;"
	"PRAGMA user_version = 1;"
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
	" language TEXT NOT NULL, version TEXT NOT NULL, interrupt_message INTEGER NOT NULL);"
	"COMMIT;";

_Static_assert(APPLICATION_ID == 1097753448, "the schema's text says the same");
_Static_assert(SCHEMA_VERSION == 1, "the schema's text says the same");

const char *store_error(const struct store *store)
{
	return sqlite3_errmsg(store->db);
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
		r = sqlite3_exec(db, SCHEMA, NULL, NULL, NULL);
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
	if (version != SCHEMA_VERSION) {
		snprintf(ret_error, error_size,
			 "%s has schema version %lld, this gateway knows %d", path,
			 (long long)version, SCHEMA_VERSION);
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
	r = version_check(store->db, path, ret_error, error_size);
	if (r < 0) {
		store_close(store);
		return r;
	}
	sqlite3_busy_timeout(store->db, 2000);
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

/*
 * Binds `format`'s parameters in order: s a string, i an int64_t, b a blob (pointer, size_t).
 * NULL where the statement cannot be prepared; the error then stands in the connection.
 */
static sqlite3_stmt *prepare(struct store *store, const char *sql, const char *format, ...)
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

/* Runs a statement that yields no rows. */
static int run(sqlite3_stmt *stmt)
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

/* Steps to the next row: 1 a row, 0 no more, -EIO. */
static int next(sqlite3_stmt *stmt)
{
	int r = stmt == NULL ? SQLITE_ERROR : sqlite3_step(stmt);

	return r == SQLITE_ROW ? 1 : r == SQLITE_DONE ? 0 : -EIO;
}

static void text(sqlite3_stmt *stmt, int column, char *ret_text, size_t size)
{
	const unsigned char *value = sqlite3_column_text(stmt, column);

	snprintf(ret_text, size, "%s", value == NULL ? "" : (const char *)value);
}

int store_token_add(struct store *store, const uint8_t hash[STORE_HASH_LEN],
		    const struct store_owner *owner)
{
	return run(prepare(store, "INSERT INTO tokens (hash, owner, admin, added) VALUES (?,?,?,?)",
			   "bsii", (const void *)hash, (size_t)STORE_HASH_LEN, owner->name,
			   (int64_t)owner->admin, (int64_t)time(NULL)));
}

int store_token_find(struct store *store, const uint8_t hash[STORE_HASH_LEN],
		     struct store_owner *ret_owner)
{
	sqlite3_stmt *stmt =
		prepare(store, "SELECT owner, admin FROM tokens WHERE hash = ? AND revoked = 0",
			"b", (const void *)hash, (size_t)STORE_HASH_LEN);
	int r = next(stmt);

	if (r == 1) {
		text(stmt, 0, ret_owner->name, sizeof(ret_owner->name));
		ret_owner->admin = sqlite3_column_int(stmt, 1) != 0;
	}
	sqlite3_finalize(stmt);
	return r == 1 ? 0 : r == 0 ? -ENOENT : r;
}

int store_node_add(struct store *store, const char *name, const char *public_key)
{
	return run(prepare(store, "INSERT INTO nodes (name, public_key, added) VALUES (?,?,?)",
			   "ssi", name, public_key, (int64_t)time(NULL)));
}

#define NODE_COLUMNS "SELECT name, public_key, added, revoked FROM nodes "

static void node_read(sqlite3_stmt *stmt, struct store_node *ret_node)
{
	text(stmt, 0, ret_node->name, sizeof(ret_node->name));
	text(stmt, 1, ret_node->public_key, sizeof(ret_node->public_key));
	ret_node->added = sqlite3_column_int64(stmt, 2);
	ret_node->revoked = sqlite3_column_int(stmt, 3) != 0;
}

static int node_one(sqlite3_stmt *stmt, struct store_node *ret_node)
{
	int r = next(stmt);

	if (r == 1)
		node_read(stmt, ret_node);
	sqlite3_finalize(stmt);
	return r == 1 ? 0 : r == 0 ? -ENOENT : r;
}

int store_node_find(struct store *store, const char *name, struct store_node *ret_node)
{
	return node_one(prepare(store, NODE_COLUMNS "WHERE name = ?", "s", name), ret_node);
}

int store_node_by_key(struct store *store, const char *public_key, struct store_node *ret_node)
{
	return node_one(prepare(store, NODE_COLUMNS "WHERE public_key = ?", "s", public_key),
			ret_node);
}

int store_node_walk(struct store *store, bool (*each)(void *ctx, const struct store_node *node),
		    void *ctx)
{
	sqlite3_stmt *stmt = prepare(store, NODE_COLUMNS "ORDER BY name", "");
	struct store_node node;
	int r;

	while ((r = next(stmt)) == 1) {
		node_read(stmt, &node);
		if (!each(ctx, &node))
			break;
	}
	sqlite3_finalize(stmt);
	return r < 0 ? r : 0;
}

int store_event_add(struct store *store, const struct store_event *event)
{
	int r = run(prepare(store,
			    "INSERT OR IGNORE INTO events"
			    " (node, boot, seq, time_ms, kernel, kind, project, text)"
			    " VALUES (?,?,?,?,?,?,?,?)",
			    "sbiissss", event->node, (const void *)event->boot_id, (size_t)16,
			    (int64_t)event->seq, (int64_t)event->time_ms, event->kernel,
			    event->kind, event->project, event->text));
	int64_t last = sqlite3_last_insert_rowid(store->db);

	if (r == 0 && last % EVENTS_SWEEP == 0 && last > STORE_EVENTS_MAX)
		r = run(prepare(store, "DELETE FROM events WHERE id < ?", "i",
				last - STORE_EVENTS_MAX));
	return r;
}

int store_event_walk(struct store *store, int64_t after, int limit,
		     bool (*each)(void *ctx, const struct store_event *event), void *ctx)
{
	sqlite3_stmt *stmt =
		prepare(store,
			"SELECT id, node, seq, time_ms, kernel, kind, project, text FROM events"
			" WHERE id > ? ORDER BY id LIMIT ?",
			"ii", after, (int64_t)limit);
	int r;

	while ((r = next(stmt)) == 1) {
		struct store_event event = {
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
	return run(prepare(store, "INSERT OR REPLACE INTO kernels VALUES (?,?,?,?,?,?)", "sssssi",
			   kernel->id, kernel->environment, kernel->node, kernel->owner,
			   kernel->project, kernel->created));
}

int store_kernel_remove(struct store *store, const char *id)
{
	return run(prepare(store, "DELETE FROM kernels WHERE id = ?", "s", id));
}

int store_kernel_walk(struct store *store,
		      bool (*each)(void *ctx, const struct store_kernel *kernel), void *ctx)
{
	sqlite3_stmt *stmt = prepare(
		store, "SELECT id, environment, node, owner, project, created FROM kernels", "");
	struct store_kernel kernel;
	int r;

	while ((r = next(stmt)) == 1) {
		text(stmt, 0, kernel.id, sizeof(kernel.id));
		text(stmt, 1, kernel.environment, sizeof(kernel.environment));
		text(stmt, 2, kernel.node, sizeof(kernel.node));
		text(stmt, 3, kernel.owner, sizeof(kernel.owner));
		text(stmt, 4, kernel.project, sizeof(kernel.project));
		kernel.created = sqlite3_column_int64(stmt, 5);
		if (!each(ctx, &kernel))
			break;
	}
	sqlite3_finalize(stmt);
	return r < 0 ? r : 0;
}

int store_environment_put(struct store *store, const struct store_environment *environment)
{
	return run(prepare(store, "INSERT OR REPLACE INTO environments VALUES (?,?,?,?,?)", "ssssi",
			   environment->name, environment->display_name, environment->language,
			   environment->version, (int64_t)environment->interrupt_message));
}

int store_environment_walk(struct store *store,
			   bool (*each)(void *ctx, const struct store_environment *environment),
			   void *ctx)
{
	sqlite3_stmt *stmt = prepare(store,
				     "SELECT name, display_name, language, version,"
				     " interrupt_message FROM environments ORDER BY name",
				     "");
	struct store_environment environment;
	int r;

	while ((r = next(stmt)) == 1) {
		text(stmt, 0, environment.name, sizeof(environment.name));
		text(stmt, 1, environment.display_name, sizeof(environment.display_name));
		text(stmt, 2, environment.language, sizeof(environment.language));
		text(stmt, 3, environment.version, sizeof(environment.version));
		environment.interrupt_message = sqlite3_column_int(stmt, 4) != 0;
		if (!each(ctx, &environment))
			break;
	}
	sqlite3_finalize(stmt);
	return r < 0 ? r : 0;
}
