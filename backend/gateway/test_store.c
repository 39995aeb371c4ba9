/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/gateway/access.h"
#include "backend/gateway/store.h"
#include "link/check.h"

static struct store *store_for_test(struct check *check, const char *path)
{
	struct store *store = NULL;
	char error[256];

	CHECK_EQ(check, store_open(path, &store, error, sizeof(error)), 0);
	if (store == NULL) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
	return store;
}

static void sql(const char *path, const char *text)
{
	sqlite3 *db;

	sqlite3_open(path, &db);
	sqlite3_exec(db, text, NULL, NULL, NULL);
	sqlite3_close(db);
}

static void test_open(struct check *check, const char *folder)
{
	char path[512], other[512], error[256];
	struct store *store = NULL;
	struct stat status;
	FILE *file;

	snprintf(path, sizeof(path), "%s/open.db", folder);
	snprintf(other, sizeof(other), "%s/other.db", folder);
	CHECK_EQ(check, store_open(path, &store, error, sizeof(error)), -ENOENT);
	CHECK(check, strstr(error, path) != NULL);
	CHECK_EQ(check, store_create(path), 0);
	CHECK(check, stat(path, &status) == 0 && (status.st_mode & 0777) == 0600);
	CHECK_EQ(check, store_create(path), -EEXIST);
	store_close(store_for_test(check, path));
	sql(path, "PRAGMA user_version = 99");
	CHECK_EQ(check, store_open(path, &store, error, sizeof(error)), -EPROTO);
	CHECK(check, strstr(error, "99") != NULL);
	sql(other, "CREATE TABLE x (y)");
	CHECK_EQ(check, store_open(other, &store, error, sizeof(error)), -EPROTO);
	file = fopen(other, "w");
	CHECK(check, file != NULL);
	if (file == NULL)
		return;
	fputs("this is no database, however long it may be made to look like one", file);
	fclose(file);
	CHECK_EQ(check, store_open(other, &store, error, sizeof(error)), -EPROTO);
	CHECK_EQ(check, store_create("/nowhere/at/all.db"), -ENOENT);
	store_close(NULL);
}

static void test_tokens(struct check *check, struct store *store)
{
	struct store_owner admin = {.name = "admin", .admin = true}, bob = {.name = "bob"}, found;
	char one[IDS_TOKEN_LEN + 1], two[IDS_TOKEN_LEN + 1];
	uint8_t hash[STORE_HASH_LEN] = {1};

	CHECK_EQ(check, access_token_make(store, &admin, one), 0);
	CHECK_EQ(check, access_token_make(store, &bob, two), 0);
	CHECK(check, strcmp(one, two) != 0);
	CHECK_EQ(check, access_token(store, one, &found), 0);
	CHECK(check, found.admin && strcmp(found.name, "admin") == 0);
	CHECK_EQ(check, access_token(store, two, &found), 0);
	CHECK(check, !found.admin && strcmp(found.name, "bob") == 0);
	one[0] = one[0] == '0' ? '1' : '0';
	CHECK_EQ(check, access_token(store, one, &found), -EACCES);
	CHECK_EQ(check, access_token(store, "", &found), -EACCES);
	CHECK_EQ(check, access_token(store, "' OR 1=1 --", &found), -EACCES);
	CHECK_EQ(check, store_token_add(store, hash, &bob), 0);
	CHECK_EQ(check, store_token_add(store, hash, &bob), -EEXIST);
	CHECK(check, access_may(&admin, "bob") && access_may(&bob, "bob"));
	CHECK(check,
	      !access_may(&bob, "admin") && !access_may(&bob, "") && !access_may(&bob, "bo"));
}

static bool count(void *ctx, const struct store_node *node)
{
	(void)node;
	(*(int *)ctx)++;
	return true;
}

static void test_nodes(struct check *check, struct store *store)
{
	struct store_node node;
	int rows = 0;

	CHECK_EQ(check, store_node_add(store, "one", "KEY1"), 0);
	CHECK_EQ(check, store_node_add(store, "two", "KEY2"), 0);
	CHECK_EQ(check, store_node_add(store, "one", "KEY3"), -EEXIST);
	CHECK_EQ(check, store_node_add(store, "three", "KEY1"), -EEXIST);
	CHECK_EQ(check, store_node_by_key(store, "KEY2", &node), 0);
	CHECK(check, strcmp(node.name, "two") == 0 && !node.revoked);
	CHECK_EQ(check, store_node_by_key(store, "KEY", &node), -ENOENT);
	CHECK_EQ(check, store_node_find(store, "one", &node), 0);
	CHECK_EQ(check, store_node_find(store, "no'; DROP TABLE nodes; --", &node), -ENOENT);
	CHECK_EQ(check, store_node_walk(store, count, &rows), 0);
	CHECK_EQ(check, rows, 2);
}

struct seen {
	int rows;
	int64_t last;
	char text[64];
};

static bool see(void *ctx, const struct store_event *event)
{
	struct seen *seen = ctx;

	seen->rows++;
	seen->last = event->id;
	snprintf(seen->text, sizeof(seen->text), "%s", event->text);
	return true;
}

static void test_events(struct check *check, struct store *store)
{
	static const uint8_t BOOT[16] = {1}, OTHER[16] = {2};
	struct store_event event = {.node = "one",
				    .boot_id = BOOT,
				    .seq = 1,
				    .time_ms = 5,
				    .kernel = "",
				    .kind = "limit.memory",
				    .project = "p",
				    .text = "first"};
	struct seen seen = {0};
	int64_t before = 7;

	CHECK_EQ(check, store_event_before(store, 0, &before), 0);
	CHECK_EQ(check, before, 0);
	CHECK_EQ(check, store_event_add(store, &event), 0);
	CHECK_EQ(check, store_event_add(store, &event), 0);
	event.boot_id = OTHER;
	event.text = "second";
	CHECK_EQ(check, store_event_add(store, &event), 0);
	CHECK_EQ(check, store_event_before(store, 0, &before), 0);
	CHECK_EQ(check, store_event_walk(store, 0, 10, see, &seen), 0);
	CHECK_EQ(check, seen.rows, 2);
	CHECK_EQ(check, before, seen.last);
	CHECK(check, strcmp(seen.text, "second") == 0);
	CHECK_EQ(check, store_event_walk(store, seen.last, 10, see, &seen), 0);
	CHECK_EQ(check, seen.rows, 2);
	CHECK_EQ(check, store_event_walk(store, 0, 1, see, &seen), 0);
	CHECK_EQ(check, seen.rows, 3);
	CHECK_EQ(check, store_event_before(store, 1, &before), 0);
	CHECK_EQ(check, before, seen.last);
	CHECK_EQ(check, store_event_before(store, 2, &before), 0);
	CHECK_EQ(check, before, 0);
}

/* ---- too many events ---- */

struct kept {
	int quiet, own, loud, louder;
	int64_t first_loud, first_louder, last;
};

static bool keep_event(void *ctx, const struct store_event *event)
{
	struct kept *kept = ctx;

	kept->last = event->id;
	if (strcmp(event->node, "quiet") == 0)
		kept->quiet++;
	else if (event->node[0] == '\0')
		kept->own++;
	else if (strcmp(event->node, "loud") == 0 && kept->loud++ == 0)
		kept->first_loud = event->id;
	else if (strcmp(event->node, "louder") == 0 && kept->louder++ == 0)
		kept->first_louder = event->id;
	return true;
}

static struct kept kept_of(struct check *check, struct store *store)
{
	struct kept kept = {0};

	CHECK_EQ(check, store_event_walk(store, 0, 2 * STORE_EVENTS_MAX, keep_event, &kept), 0);
	return kept;
}

static void events_fill(const char *path, const char *node, int64_t first, int64_t last)
{
	char text[400];

	snprintf(text, sizeof(text),
		 "WITH RECURSIVE n(i) AS (VALUES(%lld) UNION ALL SELECT i + 1 FROM n WHERE i < %lld)"
		 " INSERT INTO events SELECT i, '%s', zeroblob(16), i, 1, '', 'kind', '', 'text'"
		 " FROM n",
		 (long long)first, (long long)last, node);
	sql(path, text);
}

/* Two that flood, after 50 events of a node's and 30 of the gateway's own, which stay. */
static void test_too_many_events(struct check *check, const char *path)
{
	static const uint8_t BOOT[16] = {3};
	const struct store_event event = {.node = "loud", .boot_id = BOOT, .seq = 1, .kernel = "",
					  .kind = "kind", .project = "", .text = "text"};
	const int64_t end = (int64_t)16 * STORE_EVENTS_SWEEP;
	struct store *store;
	struct kept kept;

	CHECK_EQ(check, store_create(path), 0);
	events_fill(path, "quiet", 1, 50);
	events_fill(path, "", 51, 80);
	events_fill(path, "louder", 81, 70080);
	events_fill(path, "loud", 70081, end - 1);
	store = store_for_test(check, path);
	kept = kept_of(check, store);
	/* They would be gone if the newest were kept, whosever they are. */
	CHECK(check, kept.last - STORE_EVENTS_MAX > 80);
	CHECK_EQ(check, kept.louder, 70000);
	CHECK_EQ(check, store_event_add(store, &event), 0);
	kept = kept_of(check, store);
	CHECK_EQ(check, kept.last, end);
	CHECK_EQ(check, kept.quiet, 50);
	CHECK_EQ(check, kept.own, 30);
	CHECK_EQ(check, kept.loud, (STORE_EVENTS_MAX - 80) / 2);
	CHECK_EQ(check, kept.louder, (STORE_EVENTS_MAX - 80) / 2);
	/* Of each the newest. */
	CHECK_EQ(check, kept.first_loud, end + 1 - kept.loud);
	CHECK_EQ(check, kept.first_louder, 70081 - kept.louder);
	/* The same one again is not stored, and costs no look. */
	events_fill(path, "loud", end - kept.loud - 100, end - kept.loud);
	CHECK_EQ(check, store_event_add(store, &event), 0);
	CHECK_EQ(check, kept_of(check, store).loud, kept.loud + 101);
	store_close(store);
}

static bool keep_kernel(void *ctx, const struct store_kernel *kernel)
{
	*(struct store_kernel *)ctx = *kernel;
	/* It lives for this call only. */
	((struct store_kernel *)ctx)->settings = strstr(kernel->settings, "memory") ? "found" : "";
	return true;
}

static void test_kernels(struct check *check, struct store *store)
{
	struct store_kernel kernel = {.id = "i",
				      .environment = "e",
				      .node = "one",
				      .owner = "o",
				      .project = "p",
				      .created = 7,
				      .settings = "{\"memory_mib\":5}",
				      .network_max = 1},
			    found = {0};

	CHECK_EQ(check, store_kernel_put(store, &kernel), 0);
	memcpy(kernel.node, "two", 4);
	CHECK_EQ(check, store_kernel_put(store, &kernel), 0);
	CHECK_EQ(check, store_kernel_walk(store, keep_kernel, &found), 0);
	CHECK(check, strcmp(found.node, "two") == 0 && strcmp(found.project, "p") == 0);
	CHECK_EQ(check, found.created, 7);
	CHECK_EQ(check, found.network_max, 1);
	CHECK(check, strcmp(found.settings, "found") == 0);
	CHECK_EQ(check, store_kernel_remove(store, "i"), 0);
	CHECK_EQ(check, store_kernel_remove(store, "i"), 0);
	memset(&found, 0, sizeof(found));
	CHECK_EQ(check, store_kernel_walk(store, keep_kernel, &found), 0);
	CHECK_EQ(check, found.created, 0);
}

static bool count_project(void *ctx, const char *name, const char *settings)
{
	*(int *)ctx += strcmp(name, "a") == 0 ? 1 : strcmp(settings, "{\"x\":2}") == 0 ? 10 : 1000;
	return true;
}

static void test_projects(struct check *check, struct store *store)
{
	char *text = NULL;
	int sum = 0;

	CHECK_EQ(check, store_project_get(store, "a", &text), -ENOENT);
	CHECK_EQ(check, store_project_put(store, "a", "{}"), 0);
	CHECK_EQ(check, store_project_put(store, "b", "{\"x\":1}"), 0);
	CHECK_EQ(check, store_project_put(store, "b", "{\"x\":2}"), 0);
	CHECK_EQ(check, store_project_get(store, "b", &text), 0);
	CHECK(check, text != NULL && strcmp(text, "{\"x\":2}") == 0);
	free(text);
	CHECK_EQ(check, store_project_get(store, "b' OR '1'='1", &text), -ENOENT);
	CHECK_EQ(check, store_project_walk(store, count_project, &sum), 0);
	CHECK_EQ(check, sum, 11);
}

static bool count_cut(void *ctx, enum store_cut what, const char *name)
{
	*(int *)ctx += what == STORE_CUT_ALL ? 1 : what == STORE_CUT_NODE ? 10 : 100;
	return name[0] != '!';
}

static void test_cuts(struct check *check, struct store *store)
{
	int sum = 0;

	CHECK_EQ(check, store_cut_set(store, STORE_CUT_ALL, "", true), 0);
	CHECK_EQ(check, store_cut_set(store, STORE_CUT_NODE, "one", true), 0);
	CHECK_EQ(check, store_cut_set(store, STORE_CUT_NODE, "one", true), 0);
	CHECK_EQ(check, store_cut_set(store, STORE_CUT_KERNEL, "one", true), 0);
	CHECK_EQ(check, store_cut_set(store, STORE_CUT_KERNEL, "two", false), 0);
	CHECK_EQ(check, store_cut_walk(store, count_cut, &sum), 0);
	CHECK_EQ(check, sum, 111);
	CHECK_EQ(check, store_cut_set(store, STORE_CUT_NODE, "one", false), 0);
	sum = 0;
	CHECK_EQ(check, store_cut_walk(store, count_cut, &sum), 0);
	CHECK_EQ(check, sum, 101);
}

static bool keep_environment(void *ctx, const struct store_environment *environment)
{
	*(struct store_environment *)ctx = *environment;
	return true;
}

static void test_environments(struct check *check, struct store *store)
{
	struct store_environment row = {.name = "python3",
					.display_name = "Python 3",
					.language = "python",
					.version = "3.11"},
				 found = {0};

	CHECK_EQ(check, store_environment_put(store, &row), 0);
	row.interrupt_message = true;
	CHECK_EQ(check, store_environment_put(store, &row), 0);
	CHECK_EQ(check, store_environment_walk(store, keep_environment, &found), 0);
	CHECK(check, found.interrupt_message && strcmp(found.version, "3.11") == 0);
}

int main(void)
{
	static const char *const FILES[] = {"open.db", "open.db-wal", "open.db-shm", "other.db",
					    "test.db", "test.db-wal", "test.db-shm", "many.db",
					    "many.db-wal", "many.db-shm"};
	char folder[] = "/tmp/anchorhold-store-XXXXXX", path[128];
	struct check check = {0};
	struct store *store;

	if (sodium_init() < 0 || mkdtemp(folder) == NULL)
		return 1;
	test_open(&check, folder);
	snprintf(path, sizeof(path), "%s/test.db", folder);
	CHECK_EQ(&check, store_create(path), 0);
	store = store_for_test(&check, path);
	test_tokens(&check, store);
	test_nodes(&check, store);
	test_events(&check, store);
	test_kernels(&check, store);
	test_environments(&check, store);
	test_projects(&check, store);
	test_cuts(&check, store);
	store_close(store);
	snprintf(path, sizeof(path), "%s/many.db", folder);
	test_too_many_events(&check, path);
	for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, FILES[i]);
		unlink(path);
	}
	CHECK_EQ(&check, rmdir(folder), 0);
	return CHECK_DONE(&check);
}
