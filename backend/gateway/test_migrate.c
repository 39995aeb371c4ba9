/* SPDX-License-Identifier: Apache-2.0 */
/* A database of version 1, as that version made it, is brought up to date and loses nothing. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/gateway/store.h"
#include "link/check.h"

/* Version 1 to the letter. It stays as it is, whatever becomes of the schema. */
static const char VERSION_1[] =
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
	" language TEXT NOT NULL, version TEXT NOT NULL, interrupt_message INTEGER NOT NULL);";

/* What makes it version 2, to the letter. */
static const char VERSION_2[] =
	"CREATE TABLE projects (name TEXT PRIMARY KEY, settings TEXT NOT NULL,"
	" changed INTEGER NOT NULL);"
	"CREATE TABLE cuts (what INTEGER NOT NULL, name TEXT NOT NULL, since INTEGER NOT NULL,"
	" PRIMARY KEY (what, name));"
	"ALTER TABLE kernels ADD COLUMN settings TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE kernels ADD COLUMN network_max INTEGER NOT NULL DEFAULT 2;"
	"INSERT INTO projects VALUES ('p', '{}', 1);"
	"PRAGMA user_version = 2;";

static const char ROWS[] =
	"INSERT INTO tokens VALUES (zeroblob(32), 'admin', 1, 5, 0);"
	"INSERT INTO nodes VALUES ('one', 'KEY1', 6, 0), ('two', 'KEY2', 7, 1);"
	"INSERT INTO events VALUES (41, 'one', zeroblob(16), 3, 8, '', 'node.up', '', 'it is up');"
	"INSERT INTO kernels VALUES ('i', 'python', 'one', 'admin', 'admin', 9);"
	"INSERT INTO environments VALUES ('python', 'Python 3', 'python', '3.11', 1);";

static void sql(struct check *check, const char *path, const char *text)
{
	sqlite3 *db = NULL;

	CHECK_EQ(check, sqlite3_open(path, &db), SQLITE_OK);
	CHECK_EQ(check, sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static int number(const char *path, const char *text)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;
	int value = -1;

	if (sqlite3_open(path, &db) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, text, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return value;
}

static bool see_event(void *ctx, const struct store_event *event)
{
	if (event->id == 41 && strcmp(event->text, "it is up") == 0)
		++*(int *)ctx;
	return true;
}

static bool see_kernel(void *ctx, const struct store_kernel *kernel)
{
	if (strcmp(kernel->id, "i") == 0 && kernel->created == 9 && kernel->settings[0] == '\0' &&
	    kernel->network_max == 2)
		++*(int *)ctx;
	return true;
}

static void all_is_there(struct check *check, struct store *store)
{
	static const uint8_t HASH[STORE_HASH_LEN];
	struct store_owner owner;
	struct store_node node;
	int seen = 0;

	CHECK_EQ(check, store_token_find(store, HASH, &owner), 0);
	CHECK(check, owner.admin && strcmp(owner.name, "admin") == 0);
	CHECK_EQ(check, store_node_by_key(store, "KEY2", &node), 0);
	CHECK(check, node.revoked && node.added == 7);
	CHECK_EQ(check, store_event_walk(store, 0, 10, see_event, &seen), 0);
	CHECK_EQ(check, seen, 1);
	CHECK_EQ(check, store_kernel_walk(store, see_kernel, &seen), 0);
	CHECK_EQ(check, seen, 2);
}

static void test_from_1(struct check *check, const char *path)
{
	struct store *store = NULL;
	char error[256] = "", *settings = NULL;

	sql(check, path, VERSION_1);
	sql(check, path, ROWS);
	for (int turn = 0; turn < 2; turn++) {
		CHECK_EQ(check, store_open(path, &store, error, sizeof(error)), 0);
		if (store == NULL)
			return;
		all_is_there(check, store);
		CHECK_EQ(check, store_project_put(store, "p", "{}"), 0);
		CHECK_EQ(check, store_project_get(store, "p", &settings), 0);
		free(settings);
		store_close(store);
		store = NULL;
		CHECK_EQ(check, number(path, "PRAGMA user_version"), 3);
		CHECK_EQ(check, number(path, "SELECT count(*) FROM nodes WHERE next_key = '' AND"
					     " joined + pending + issued + open + locked = 0"),
			 2);
	}
	/* Ids of events go on where they were: what follows them by id misses none. */
	CHECK_EQ(check, number(path, "SELECT seq FROM sqlite_sequence WHERE name = 'events'"), 41);
}

/* Version 2 is what version 1's step made: its own step alone is taken. */
static void test_from_2(struct check *check, const char *path)
{
	struct store *store = NULL;
	char error[256] = "";
	uint64_t next = 0;

	sql(check, path, VERSION_1);
	sql(check, path, ROWS);
	sql(check, path, VERSION_2);
	CHECK_EQ(check, store_open(path, &store, error, sizeof(error)), 0);
	if (store == NULL)
		return;
	CHECK_EQ(check, number(path, "PRAGMA user_version"), 3);
	CHECK_EQ(check, number(path, "SELECT count(*) FROM projects WHERE settings = '{}'"), 1);
	CHECK_EQ(check, store_node_join(store, "one", 0, 0, false, &next), 0);
	CHECK_EQ(check, next, 1);
	CHECK_EQ(check, store_node_join(store, "two", 0, 0, false, &next), -EPERM);
	CHECK_EQ(check, store_enrol_walk(store, 0, NULL, NULL), 0);
	store_close(store);
}

/* A step that fails leaves version 1 as it was, for the gateway of before. */
static void test_failing(struct check *check, const char *path)
{
	struct store *store = NULL;
	char error[256] = "";

	sql(check, path, VERSION_1);
	sql(check, path, ROWS);
	sql(check, path, "CREATE TABLE cuts (somebody INTEGER);");
	CHECK_EQ(check, store_open(path, &store, error, sizeof(error)), -EIO);
	CHECK(check, strstr(error, path) != NULL && strstr(error, "cuts") != NULL);
	CHECK_EQ(check, number(path, "PRAGMA user_version"), 1);
	CHECK_EQ(check, number(path, "SELECT count(*) FROM sqlite_master WHERE name = 'projects'"),
		 0);
	CHECK_EQ(check, number(path, "SELECT count(*) FROM nodes"), 2);
	sql(check, path, "DROP TABLE cuts;");
	CHECK_EQ(check, store_open(path, &store, error, sizeof(error)), 0);
	store_close(store);
}

/* A new database has the same tables as one that came a long way. */
static void test_same(struct check *check, const char *old, const char *fresh)
{
	static const char COLUMNS[] =
		"SELECT count(*) FROM sqlite_master m, pragma_table_info(m.name) c, "
		"other.sqlite_master n, pragma_table_info(n.name, 'other') d "
		"WHERE m.type = 'table' AND m.name = n.name AND c.name = d.name AND "
		"c.type = d.type AND c.\"notnull\" = d.\"notnull\" AND c.pk = d.pk";
	static const char ALL[] = "SELECT count(*) FROM sqlite_master m, pragma_table_info(m.name) c "
				  "WHERE m.type = 'table'";
	char attach[600];
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;

	CHECK_EQ(check, store_create(fresh), 0);
	CHECK_EQ(check, number(fresh, "PRAGMA user_version"), 3);
	CHECK_EQ(check, number(fresh, ALL), number(old, ALL));
	CHECK_EQ(check, sqlite3_open(old, &db), SQLITE_OK);
	snprintf(attach, sizeof(attach), "ATTACH '%s' AS other", fresh);
	CHECK_EQ(check, sqlite3_exec(db, attach, NULL, NULL, NULL), SQLITE_OK);
	CHECK_EQ(check, sqlite3_prepare_v2(db, COLUMNS, -1, &stmt, NULL), SQLITE_OK);
	CHECK_EQ(check, sqlite3_step(stmt), SQLITE_ROW);
	CHECK_EQ(check, sqlite3_column_int(stmt, 0), number(old, ALL));
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

int main(void)
{
	static const char *const FILES[] = {"old.db", "failing.db", "fresh.db", "two.db"};
	char folder[] = "/tmp/anchorhold-migrate-XXXXXX", path[4][128], side[160];
	struct check check = {0};

	if (mkdtemp(folder) == NULL)
		return 1;
	for (size_t i = 0; i < 4; i++)
		snprintf(path[i], sizeof(path[i]), "%s/%s", folder, FILES[i]);
	test_from_1(&check, path[0]);
	test_failing(&check, path[1]);
	test_from_2(&check, path[3]);
	test_same(&check, path[0], path[2]);
	for (size_t i = 0; i < 4; i++) {
		unlink(path[i]);
		snprintf(side, sizeof(side), "%s-wal", path[i]);
		unlink(side);
		snprintf(side, sizeof(side), "%s-shm", path[i]);
		unlink(side);
	}
	CHECK_EQ(&check, rmdir(folder), 0);
	return CHECK_DONE(&check);
}
