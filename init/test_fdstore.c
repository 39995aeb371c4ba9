/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept, what is refused, and that nothing stays open of either. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/test.h"
#include "init/fdstore.h"

static struct fdstore store;
static int hostd, table; /* the other end, the table of the start */

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

static int say(const void *bytes, size_t len, const int *fds, size_t count)
{
	union {
		char bytes[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {(void *)bytes, len};
	struct msghdr head = {.msg_iov = &iov, .msg_iovlen = 1};

	if (count > 0) {
		head.msg_control = control.bytes;
		head.msg_controllen = CMSG_SPACE(count * sizeof(int));
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&head);

		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, count * sizeof(int));
	}
	return sendmsg(hostd, &head, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -errno;
}

static int tell(uint32_t verb, const char *name, size_t fds_count)
{
	struct fdstore_message message = {.verb = verb};
	int fds[8];
	int r;

	memcpy(message.name, name, strnlen(name, sizeof(message.name)));
	for (size_t i = 0; i < fds_count; i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK(say(&message, sizeof(message), fds, fds_count) == 0);
	r = fdstore_take(&store);
	for (size_t i = 0; i < fds_count; i++)
		close(fds[i]);
	return r;
}

static bool begin(void)
{
	bool emptied = false;

	CHECK(fdstore_begin(&store, &hostd, &table, &emptied) == 0);
	return emptied;
}

static void end(void)
{
	close(hostd);
	close(table);
	CHECK(fdstore_end(&store) == 0);
}

static void test_refused(void)
{
	static const struct {
		const char *what;
		uint32_t verb;
		const char *name;
		size_t fds;
		int result;
	} rows[] = {
		{"no name", FDSTORE_PUT, "", 1, -EBADMSG},
		{"a path", FDSTORE_PUT, "../a", 1, -EBADMSG},
		{"a blank", FDSTORE_PUT, "a b", 1, -EBADMSG},
		{"upper case", FDSTORE_PUT, "A", 1, -EBADMSG},
		{"no NUL", FDSTORE_PUT, "123456789012345678901234", 1, -EBADMSG},
		{"no descriptor", FDSTORE_PUT, "a", 0, -EBADMSG},
		{"one too many", FDSTORE_PUT, "a", FDSTORE_FDS_MAX + 1, -EBADMSG},
		{"many too many", FDSTORE_PUT, "a", 8, -EBADMSG},
		{"a drop with a descriptor", FDSTORE_DROP, "a", 1, -EBADMSG},
		{"stable with a name", FDSTORE_STABLE, "a", 0, -EBADMSG},
		{"stable with a descriptor", FDSTORE_STABLE, "", 1, -EBADMSG},
		{"no verb", 0, "a", 1, -EBADMSG},
		{"an unknown verb", 4, "a", 1, -EBADMSG},
		{"good", FDSTORE_PUT, "a.b-0", 1, 0},
	};
	int before = count_fds();
	size_t kept;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		kept = store.count;
		CHECK_ROW(tell(rows[i].verb, rows[i].name, rows[i].fds) == rows[i].result,
			  rows[i].what);
		CHECK_ROW(store.count == kept + (rows[i].result == 0), rows[i].what);
		CHECK_ROW(!store.stable, rows[i].what);
	}
	CHECK(say("short", 5, NULL, 0) == 0 && fdstore_take(&store) == -EBADMSG);
	fdstore_clear(&store);
	CHECK(count_fds() == before);
}

static void test_lengths(void)
{
	char bytes[sizeof(struct fdstore_message) + 1] = {FDSTORE_PUT, 0, 0, 0, 'a'};
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int before = count_fds();

	for (size_t len = 1; len <= sizeof(bytes); len++) {
		bool right = len == sizeof(struct fdstore_message);

		CHECK(say(bytes, len, &fd, 1) == 0);
		CHECK(fdstore_take(&store) == (right ? 0 : -EBADMSG));
	}
	CHECK(store.count == 1);
	fdstore_clear(&store);
	CHECK(count_fds() == before);
	close(fd);
}

static void test_kept(void)
{
	struct fdstore_row rows[3];
	int before = count_fds();
	struct stat st;

	CHECK(begin() == false);
	CHECK(fstat(table, &st) == 0 && st.st_size == 0);
	CHECK(tell(FDSTORE_PUT, "one", 1) == 0);
	CHECK(tell(FDSTORE_PUT, "three", FDSTORE_FDS_MAX) == 0);
	CHECK(tell(FDSTORE_PUT, "gone", 2) == 0);
	CHECK(tell(FDSTORE_PUT, "one", 2) == 0); /* in place of what it was */
	CHECK(tell(FDSTORE_DROP, "gone", 0) == 0);
	CHECK(tell(FDSTORE_DROP, "never", 0) == 0);
	CHECK(count_fds() == before + 3 + 2 + (int)FDSTORE_FDS_MAX);
	/* Said, and dead before init looked. */
	struct fdstore_message last = {FDSTORE_PUT, "last"};
	CHECK(say(&last, sizeof(last), (int[]){0}, 1) == 0);
	end();
	CHECK(store.count == 3 && store.socket == -1);
	CHECK(begin() == false);
	CHECK(read(table, rows, sizeof(rows)) == sizeof(rows));
	CHECK(strcmp(rows[0].name, "one") == 0 && rows[0].count == 2);
	CHECK(strcmp(rows[1].name, "three") == 0 && rows[1].count == (int)FDSTORE_FDS_MAX);
	CHECK(strcmp(rows[2].name, "last") == 0 && rows[2].count == 1);
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < rows[i].count; j++)
			CHECK(fcntl(rows[i].fds[j], F_GETFD) == FD_CLOEXEC);
	fdstore_clear(&store);
	end();
	CHECK(count_fds() == before);
}

static void test_full(void)
{
	int before = count_fds();
	char name[FDSTORE_NAME_MAX];

	begin();
	for (unsigned i = 0; i < FDSTORE_ROWS_MAX; i++) {
		snprintf(name, sizeof(name), "k-%u", i);
		CHECK_ROW(tell(FDSTORE_PUT, name, 1) == 0, name);
	}
	CHECK(tell(FDSTORE_PUT, "more", 1) == -ENOSPC);
	CHECK(tell(FDSTORE_PUT, "k-7", 1) == 0); /* its place is its own */
	CHECK(tell(FDSTORE_DROP, "k-0", 0) == 0 && tell(FDSTORE_PUT, "more", 1) == 0);
	CHECK(store.count == FDSTORE_ROWS_MAX);
	fdstore_clear(&store);
	end();
	CHECK(count_fds() == before);
}

/* What is kept can be what hostd dies of. */
static void test_tries(void)
{
	int before = count_fds();

	fdstore_init(&store);
	begin();
	CHECK(tell(FDSTORE_PUT, "a", 1) == 0);
	end();
	for (unsigned i = 1; i < FDSTORE_TRIES; i++) {
		CHECK(begin() == false);
		end();
	}
	store.tries = FDSTORE_TRIES - 1;
	CHECK(begin() == false);
	CHECK(tell(FDSTORE_STABLE, "", 0) == 0 && store.stable && store.tries == 0);
	end();
	for (unsigned i = 0; i < FDSTORE_TRIES; i++) {
		CHECK(begin() == false && store.count == 1 && !store.stable);
		end();
	}
	CHECK(begin() == true && store.count == 0 && store.tries == 1);
	end();
	CHECK(count_fds() == before);
}

int main(void)
{
	fdstore_init(&store);
	begin();
	test_refused();
	test_lengths();
	end();
	fdstore_init(&store);
	test_kept();
	test_full();
	test_tries();
	return TEST_RESULT();
}
