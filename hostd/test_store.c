/* SPDX-License-Identifier: Apache-2.0 */
/* hostd's side of what init keeps: what init hands over, and hands over wrongly. */
#include "hostd/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link/check.h"

static struct store store;

/* The text that names both; the table holds these bytes. *ret_init is the other end. */
static const char *give(const void *bytes, size_t len, int *ret_init)
{
	static char where[32];
	int pair[2] = {-1, -1};
	int table = memfd_create("table", 0);

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0 ||
	    pwrite(table, bytes, len, 0) != (ssize_t)len)
		return NULL;
	*ret_init = pair[0];
	snprintf(where, sizeof(where), "%d:%d", pair[1], table);
	return where;
}

static struct fdstore_row row(const char *name, int count)
{
	struct fdstore_row row = {.count = count};

	snprintf(row.name, sizeof(row.name), "%s", name);
	for (int i = 0; i < count && i < (int)FDSTORE_FDS_MAX; i++)
		row.fds[i] = open("/dev/null", O_RDONLY);
	return row;
}

static void test_words(struct check *check)
{
	static const char *const rows[] = {
		"", ":", "5", "5:", ":5", "a:b", "1:2", "3 :4", "5:6 ", "-1:5", "5:-1", "99999999:5",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_row(check, rows[i]);
		CHECK_EQ(check, store_open(&store, rows[i]), -EINVAL);
		CHECK_EQ(check, store.socket, -1);
	}
	check_row(check, NULL);
	CHECK_EQ(check, store_open(&store, NULL), 0);
	CHECK_EQ(check, store.socket, -1);
	/* Nobody keeps anything: what is put there is not kept, and that is no error. */
	CHECK_EQ(check, store_put(&store, "a", (int[]){0}, 1), 0);
	CHECK_EQ(check, store_drop(&store, "a"), 0);
}

static void test_not_a_pair(struct check *check)
{
	char where[32];
	int pipe_fds[2];
	int table = memfd_create("table", 0);

	CHECK_EQ(check, pipe(pipe_fds), 0);
	snprintf(where, sizeof(where), "%d:%d", pipe_fds[1], table);
	CHECK_EQ(check, store_open(&store, where), -ENOTSOCK);
	CHECK(check, fcntl(pipe_fds[1], F_GETFD) < 0 && fcntl(table, F_GETFD) < 0);
	close(pipe_fds[0]);
}

static void test_tables(struct check *check)
{
	struct fdstore_row rows[2];
	struct {
		const char *name;
		struct fdstore_row bad;
		size_t len;
	} bad[] = {
		{"a part of a row", row("a", 1), sizeof(rows[0]) - 1},
		{"no name", row("", 1), sizeof(rows[0])},
		{"no descriptor", row("a", 0), sizeof(rows[0])},
		{"too many", row("a", FDSTORE_FDS_MAX + 1), sizeof(rows[0])},
		{"less than none", row("a", -1), sizeof(rows[0])},
		{"one that is not open", row("a", 1), sizeof(rows[0])},
		{"standard error", row("a", 1), sizeof(rows[0])},
		{"a name without an end", row("a", 1), sizeof(rows[0])},
	};
	int init;

	bad[5].bad.fds[0] = 65000;
	bad[6].bad.fds[0] = STDERR_FILENO;
	memset(bad[7].bad.name, 'a', sizeof(bad[7].bad.name));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		check_row(check, bad[i].name);
		CHECK_EQ(check, store_open(&store, give(&bad[i].bad, bad[i].len, &init)), -EBADMSG);
		CHECK_EQ(check, store.count, 0);
		close(init);
	}
	check_row(check, NULL);
}

static void test_taken(struct check *check)
{
	struct fdstore_row rows[] = {row("one", 1), row("three", 3), row("left", 2), row("few", 1)};
	struct fdstore_message told;
	int fds[3] = {-1, -1, -1};
	int init;

	CHECK_EQ(check, store_open(&store, give(rows, sizeof(rows), &init)), 0);
	CHECK_EQ(check, store.count, 4);
	/* They were inherited; nothing that is started from here on has them. */
	CHECK_EQ(check, fcntl(rows[1].fds[2], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(check, store_take(&store, "none", fds, 1), -ENOENT);
	CHECK_EQ(check, store_take(&store, "three", fds, 3), 0);
	CHECK(check, fds[0] == rows[1].fds[0] && fds[2] == rows[1].fds[2]);
	CHECK_EQ(check, store_take(&store, "three", fds, 3), -ENOENT);
	CHECK_EQ(check, store_take(&store, "few", fds, 2), -EBADMSG);
	CHECK(check, fcntl(rows[3].fds[0], F_GETFD) < 0);
	CHECK_EQ(check, store_take(&store, "one", fds, 1), 0);
	store_settle(&store);
	CHECK(check, fcntl(rows[2].fds[0], F_GETFD) < 0 && fcntl(rows[2].fds[1], F_GETFD) < 0);
	CHECK(check, fcntl(rows[0].fds[0], F_GETFD) >= 0);
	CHECK_EQ(check, recv(init, &told, sizeof(told), MSG_DONTWAIT), sizeof(told));
	CHECK(check, told.verb == FDSTORE_DROP && strcmp(told.name, "left") == 0);
	CHECK(check, recv(init, &told, sizeof(told), MSG_DONTWAIT) < 0);
	CHECK_EQ(check, store_put(&store, "new", rows[0].fds, 1), 0);
	CHECK_EQ(check, recv(init, &told, sizeof(told), MSG_DONTWAIT), sizeof(told));
	CHECK(check, told.verb == FDSTORE_PUT && strcmp(told.name, "new") == 0);
	CHECK_EQ(check, store_put(&store, "new", rows[0].fds, 0), -EINVAL);
	CHECK_EQ(check, store_put(&store, "a name that is far too long", rows[0].fds, 1), -EINVAL);
	CHECK_EQ(check, store_stable(&store), 0);
	CHECK_EQ(check, recv(init, &told, sizeof(told), MSG_DONTWAIT), sizeof(told));
	CHECK(check, told.verb == FDSTORE_STABLE && told.name[0] == '\0');
	close(init);
	CHECK_EQ(check, store_drop(&store, "new"), -EPIPE);
	store_close(&store);
}

int main(void)
{
	struct check check = {0};

	test_words(&check);
	test_not_a_pair(&check);
	test_tables(&check);
	test_taken(&check);
	return CHECK_DONE(&check);
}
