/* SPDX-License-Identifier: Apache-2.0 */
/* The small pure parts: paths and tokens, routes, options, ids, knobs, the table, time. */
#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/gateway/access.h"
#include "backend/gateway/clock.h"
#include "backend/gateway/ids.h"
#include "backend/gateway/knobs.h"
#include "backend/gateway/options.h"
#include "backend/gateway/routes.h"
#include "backend/gateway/table.h"
#include "link/check.h"

#define TOKEN "0123456789abcdef0123456789abcdef01234567"

static void test_paths(struct check *check)
{
	static const struct {
		const char *path, *base;
		int result;
		const char *rest, *token;
	} ROW[] = {
		{"/api", "", 0, "/api", ""},
		{"/base/api", "/base", 0, "/api", ""},
		{"/base", "/base", -ENOENT, NULL, NULL},
		{"/based/api", "/base", -ENOENT, NULL, NULL},
		{"/api", "/base", -ENOENT, NULL, NULL},
		{"/t/" TOKEN "/api/x", "", 0, "/api/x", TOKEN},
		{"/b/t/" TOKEN "/", "/b", 0, "/", TOKEN},
		{"/t/" TOKEN, "", 0, "/", TOKEN},
		{"/t/" TOKEN "x/api", "", -ENOENT, NULL, NULL},
		{"/t/" TOKEN "0/api", "", -ENOENT, NULL, NULL},
		{"/t/short/api", "", -ENOENT, NULL, NULL},
		{"/t/", "", -ENOENT, NULL, NULL},
		{"/t/0123456789ABCDEF0123456789abcdef01234567/", "", -ENOENT, NULL, NULL},
		{"/tt/x", "", 0, "/tt/x", ""},
		{"", "", -ENOENT, NULL, NULL},
		{"api", "", -ENOENT, NULL, NULL},
	};

	for (size_t i = 0; i < sizeof(ROW) / sizeof(ROW[0]); i++) {
		struct access_path path;

		check_row(check, ROW[i].path);
		CHECK_EQ(check, access_path_split(ROW[i].path, ROW[i].base, &path), ROW[i].result);
		if (ROW[i].result < 0)
			continue;
		CHECK(check, strcmp(path.rest, ROW[i].rest) == 0);
		CHECK(check, strcmp(path.token, ROW[i].token) == 0);
	}
	check_row(check, NULL);
}

static void test_headers(struct check *check)
{
	static const struct {
		const char *value;
		int result;
	} ROW[] = {
		{"token " TOKEN, 0},
		{"TOKEN  " TOKEN, 0},
		{"Bearer " TOKEN, 0},
		{"Basic dXNlcjowMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", 0},
		{TOKEN, -EINVAL},
		{"token", -EINVAL},
		{"token ", -EINVAL},
		{"token " TOKEN " ", -EINVAL},
		{"token " TOKEN "0", -EINVAL},
		{"Basic", -EINVAL},
		{"Basic ====", -EINVAL},
		{"Basic dXNlcg==", -EINVAL},
		{"Digest " TOKEN, -EINVAL},
		{"", -EINVAL},
	};
	char token[IDS_TOKEN_LEN + 1];

	for (size_t i = 0; i < sizeof(ROW) / sizeof(ROW[0]); i++) {
		check_row(check, ROW[i].value);
		CHECK_EQ(check, access_header(ROW[i].value, token), ROW[i].result);
		if (ROW[i].result == 0)
			CHECK(check, strcmp(token, TOKEN) == 0);
	}
	check_row(check, NULL);
}

static void nothing(struct request *request)
{
	(void)request;
}

static void test_routes(struct check *check)
{
	static const struct route TABLE[] = {
		{REQUEST_GET, "/api", nothing, false},
		{REQUEST_GET, "/api/kernels", nothing, false},
		{REQUEST_POST, "/api/kernels", nothing, false},
		{REQUEST_GET, "/api/kernels/{id}", nothing, false},
		{REQUEST_POST, "/api/kernels/{id}/restart", nothing, false},
		{REQUEST_GET, "/kernelspecs/{}/*", nothing, false},
		{REQUEST_GET, "/a/{}/b/{}", nothing, true},
	};
	static const struct {
		const char *path, *first, *second;
		enum request_method method;
		int row; /* -status where there is none */
	} ROW[] = {
		{"/api", NULL, NULL, REQUEST_GET, 0},
		{"/api/", NULL, NULL, REQUEST_GET, 0},
		{"/api//", NULL, NULL, REQUEST_GET, -404},
		{"/api", NULL, NULL, REQUEST_POST, -405},
		{"/apix", NULL, NULL, REQUEST_GET, -404},
		{"/ap", NULL, NULL, REQUEST_GET, -404},
		{"", NULL, NULL, REQUEST_GET, -404},
		{"/api/kernels", NULL, NULL, REQUEST_GET, 1},
		{"/api/kernels", NULL, NULL, REQUEST_POST, 2},
		{"/api/kernels", NULL, NULL, REQUEST_DELETE, -405},
		{"/api/kernels/a-b-c-d-e", "a-b-c-d-e", NULL, REQUEST_GET, 3},
		{"/api/kernels/a-b-c-d", NULL, NULL, REQUEST_GET, -404},
		{"/api/kernels/a-b-c-d-e-f", NULL, NULL, REQUEST_GET, -404},
		{"/api/kernels/a-b--d-e", NULL, NULL, REQUEST_GET, -404},
		{"/api/kernels/-b-c-d-e", NULL, NULL, REQUEST_GET, -404},
		{"/api/kernels/a-b-c-d-", NULL, NULL, REQUEST_GET, -404},
		{"/api/kernels/a-b-c-d-e.", NULL, NULL, REQUEST_GET, -404},
		{"/api/kernels/1-2-3-4-5/restart", "1-2-3-4-5", NULL, REQUEST_POST, 4},
		{"/api/kernels/1-2-3-4-5/restart/x", NULL, NULL, REQUEST_POST, -404},
		{"/kernelspecs/x/logo.png", "x", NULL, REQUEST_GET, 5},
		{"/kernelspecs//logo.png", NULL, NULL, REQUEST_GET, -404},
		{"/a/one/b/two", "one", "two", REQUEST_GET, 6},
		{"/a/one/b/", NULL, NULL, REQUEST_GET, -404},
	};
	char param[REQUEST_PARAMS_MAX][REQUEST_PARAM_LEN], big[REQUEST_PARAM_LEN + 16];
	int status;

	for (size_t i = 0; i < sizeof(ROW) / sizeof(ROW[0]); i++) {
		const struct route *route;

		check_row(check, ROW[i].path);
		route = route_find(TABLE, sizeof(TABLE) / sizeof(TABLE[0]), ROW[i].method,
				   ROW[i].path, param, &status);
		CHECK_EQ(check, route == NULL ? -status : (int)(route - TABLE), ROW[i].row);
		if (ROW[i].first != NULL)
			CHECK(check, strcmp(param[0], ROW[i].first) == 0);
		if (ROW[i].second != NULL)
			CHECK(check, strcmp(param[1], ROW[i].second) == 0);
	}
	check_row(check, NULL);
	memset(big, 'x', sizeof(big));
	memcpy(big, "/a/", 3);
	big[sizeof(big) - 1] = '\0';
	CHECK(check, !route_match("/a/{}", big, param));
}

static int options(struct options *ret, int argc, const char *const *argv)
{
	char error[256] = "";

	/* getopt may reorder the words but does not write to them. */
	return options_parse(argc, (char **)(uintptr_t)argv, ret, error, sizeof(error));
}

static void test_options(struct check *check)
{
	const char *good[] = {"g",	"--database", "d",	    "--http", "[::1]:0",
			      "--link", "1.2.3.4:5",  "--base-url", "/a/b/",  NULL};
	const char *init[] = {"g", "--init", "--database", "d", NULL};
	const char *none[] = {"g", NULL};
	const char *word[] = {"g", "--database", "d", "word", NULL};
	const char *port[] = {"g", "--database", "d", "--http", "1.2.3.4:70000", NULL};
	const char *host[] = {"g", "--database", "d", "--http", "localhost:1", NULL};
	const char *unknown[] = {"g", "--what", NULL};
	const char *base[] = {"g", "--database", "d", "--base-url", "a", NULL};
	struct options parsed;

	CHECK_EQ(check, options(&parsed, 9, good), 0);
	CHECK(check, strcmp(parsed.http.host, "::1") == 0 && parsed.http.port == 0);
	CHECK(check, strcmp(parsed.link.host, "1.2.3.4") == 0 && parsed.link.port == 5);
	CHECK(check, strcmp(parsed.base_url, "/a/b") == 0 && parsed.task == OPTIONS_RUN);
	CHECK_EQ(check, options(&parsed, 4, init), 0);
	CHECK_EQ(check, parsed.task, OPTIONS_INIT);
	CHECK_EQ(check, options(&parsed, 1, none), -EINVAL);
	CHECK_EQ(check, options(&parsed, 4, word), -EINVAL);
	CHECK_EQ(check, options(&parsed, 5, port), -EINVAL);
	CHECK_EQ(check, options(&parsed, 5, host), -EINVAL);
	CHECK_EQ(check, options(&parsed, 2, unknown), -EINVAL);
	CHECK_EQ(check, options(&parsed, 5, base), -EINVAL);
}

static void test_ids(struct check *check)
{
	static const char *const BAD[] = {"",
					  "0",
					  "00000000-0000-0000-0000-00000000000",
					  "00000000-0000-0000-0000-0000000000000",
					  "00000000_0000-0000-0000-000000000000",
					  "g0000000-0000-0000-0000-000000000000"};
	uint8_t id[LINK_ID_LEN], again[LINK_ID_LEN];
	char text[IDS_TEXT_LEN + 1], token[IDS_TOKEN_LEN + 1];

	ids_uuid_make(id);
	ids_uuid_format(id, text);
	CHECK_EQ(check, ids_uuid_parse(text, again), 0);
	CHECK(check, memcmp(id, again, sizeof(id)) == 0 && text[14] == '4');
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		CHECK_EQ(check, ids_uuid_parse(BAD[i], again), -EINVAL);
	ids_token_make(token);
	CHECK(check, ids_token_ok(token));
	CHECK(check, !ids_token_ok("") && !ids_token_ok(TOKEN "0"));
	CHECK(check, ids_name_ok("node-1") && ids_name_ok("0"));
	CHECK(check, !ids_name_ok("") && !ids_name_ok("-a") && !ids_name_ok("A") &&
			     !ids_name_ok("a/b") && !ids_name_ok("a\n"));
	CHECK(check, ids_random64() != 0);
}

static void test_knobs(struct check *check)
{
	static const struct {
		const char *env;
		int result;
		uint32_t memory, cpu, launch;
	} ROW[] = {
		{"{}", 0, 0, 0, 40000},
		{"{\"KERNEL_MEMORY\":\"1.5G\",\"KERNEL_CPUS\":\"2\"}", 0, 1536, 2000, 40000},
		{"{\"KERNEL_MEMORY\":\"1048576B\"}", 0, 16, 0, 40000},
		{"{\"KERNEL_LAUNCH_TIMEOUT\":\"10\"}", 0, 0, 0, 10000},
		{"{\"KERNEL_LAUNCH_TIMEOUT\":\"100000\"}", 0, 0, 0, 600000},
		{"{\"PATH\":7,\"KERNEL_UID\":null}", 0, 0, 0, 40000},
		{"{\"KERNEL_MEMORY\":\"\"}", -EINVAL, 0, 0, 0},
		{"{\"KERNEL_MEMORY\":\"0\"}", -EINVAL, 0, 0, 0},
		{"{\"KERNEL_MEMORY\":\"0x10\"}", -EINVAL, 0, 0, 0},
		{"{\"KERNEL_MEMORY\":\"inf\"}", -EINVAL, 0, 0, 0},
		{"{\"KERNEL_MEMORY\":\"1T\"}", -EINVAL, 0, 0, 0},
		{"{\"KERNEL_MEMORY\":5}", -EINVAL, 0, 0, 0},
		{"{\"KERNEL_CPUS\":\"1;2\"}", -EINVAL, 0, 0, 0},
		{"[]", -EINVAL, 0, 0, 0},
		{"\"x\"", -EINVAL, 0, 0, 0},
		{"null", 0, 0, 0, 40000},
	};

	for (size_t i = 0; i < sizeof(ROW) / sizeof(ROW[0]); i++) {
		json_t *env = json_loads(ROW[i].env, JSON_DECODE_ANY, NULL);
		struct link_start start = {0};
		uint32_t launch;
		const char *bad;

		check_row(check, ROW[i].env);
		CHECK_EQ(check, knobs_read(env, &start, &launch, &bad), ROW[i].result);
		if (ROW[i].result == 0) {
			CHECK_EQ(check, start.memory_mib, ROW[i].memory);
			CHECK_EQ(check, start.cpu_milli, ROW[i].cpu);
			CHECK_EQ(check, launch, ROW[i].launch);
		}
		json_decref(env);
	}
	check_row(check, NULL);
}

/* Random puts and removes against a plain array. */
static void test_table(struct check *check)
{
	static struct entry {
		uint32_t key;
		bool there;
	} entries[500];
	struct table *table = table_new();
	uint64_t random = 7;
	size_t count = 0;

	for (uint32_t i = 0; i < 500; i++)
		entries[i].key = i * 7919;
	for (int turn = 0; turn < 20000; turn++) {
		struct entry *entry = &entries[check_random(&random) % 500];

		if (entry->there) {
			CHECK(check, table_get(table, &entry->key, 4) == entry);
			CHECK_EQ(check, table_put(table, &entry->key, 4, entry), -EEXIST);
			table_remove(table, &entry->key, 4);
			count--;
		} else {
			CHECK(check, table_get(table, &entry->key, 4) == NULL);
			CHECK_EQ(check, table_put(table, &entry->key, 4, entry), 0);
			count++;
		}
		entry->there = !entry->there;
	}
	CHECK_EQ(check, table_count(table), count);
	for (size_t cursor = 0; table_next(table, &cursor) != NULL;)
		count--;
	CHECK_EQ(check, count, 0);
	table_free(table);
	table_free(NULL);
}

static void test_stamp(struct check *check)
{
	char text[CLOCK_STAMP_LEN];

	clock_stamp(0, text);
	CHECK(check, strcmp(text, "1970-01-01T00:00:00.000000Z") == 0);
	clock_stamp(1795218044000007, text);
	CHECK(check, strcmp(text, "2026-11-20T23:40:44.000007Z") == 0);
}

int main(void)
{
	struct check check = {0};

	if (sodium_init() < 0)
		return 1;
	test_paths(&check);
	test_headers(&check);
	test_routes(&check);
	test_options(&check);
	test_ids(&check);
	test_knobs(&check);
	test_table(&check);
	test_stamp(&check);
	return CHECK_DONE(&check);
}
