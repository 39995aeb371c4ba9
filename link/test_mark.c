/* SPDX-License-Identifier: Apache-2.0 */
/* A connection is ended by its mark, and never another that has its descriptor's number now. */
#include "link/mark.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link/check.h"

/* A connected TCP pair on the loopback. */
static bool pair(int ret_fds[2])
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = bind(listener, (struct sockaddr *)&address, len) == 0 &&
		  listen(listener, 1) == 0 &&
		  getsockname(listener, (struct sockaddr *)&address, &len) == 0;

	ret_fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ok = ok && connect(ret_fds[0], (struct sockaddr *)&address, len) == 0;
	ret_fds[1] = ok ? accept(listener, NULL, NULL) : -1;
	close(listener);
	return ret_fds[1] >= 0;
}

static bool alive(const int fds[2])
{
	char byte = 'x';

	return send(fds[0], &byte, 1, MSG_NOSIGNAL) == 1 && read(fds[1], &byte, 1) == 1;
}

static void test_shut(struct check *check)
{
	struct link_mark mark;
	int fds[2];

	CHECK(check, pair(fds) && alive(fds));
	CHECK_EQ(check, link_mark_take(fds[1], &mark), 0);
	CHECK_EQ(check, link_mark_shut(&mark), 0);
	CHECK(check, !alive(fds));
	close(fds[0]);
	close(fds[1]);
	CHECK_EQ(check, link_mark_shut(&mark), -ESTALE);
}

/* The number is another connection's now: it is left alone. */
static void test_reused(struct check *check)
{
	struct link_mark mark;
	int old[2], fresh[2];

	CHECK(check, pair(old));
	CHECK_EQ(check, link_mark_take(old[1], &mark), 0);
	CHECK(check, pair(fresh));
	CHECK_EQ(check, dup2(fresh[1], old[1]), old[1]);
	CHECK_EQ(check, mark.fd, old[1]);
	CHECK_EQ(check, link_mark_shut(&mark), -ESTALE);
	CHECK(check, alive(fresh));
	/* Without the cookie it would have been cut. */
	CHECK_EQ(check, link_mark_take(mark.fd, &mark), 0);
	CHECK_EQ(check, link_mark_shut(&mark), 0);
	CHECK(check, !alive(fresh));
	for (int i = 0; i < 2; i++) {
		close(old[i]);
		close(fresh[i]);
	}
}

static void test_none(struct check *check)
{
	struct link_mark mark;
	int local[2], file = open("/dev/null", O_RDWR | O_CLOEXEC);

	CHECK_EQ(check, socketpair(AF_UNIX, SOCK_STREAM, 0, local), 0);
	CHECK_EQ(check, link_mark_take(local[0], &mark), -ENOTSOCK);
	CHECK_EQ(check, mark.fd, -1);
	CHECK_EQ(check, link_mark_take(file, &mark), -ENOTSOCK);
	CHECK_EQ(check, link_mark_take(-1, &mark), -EBADF);
	CHECK_EQ(check, link_mark_shut(&mark), -ESTALE);
	close(local[0]);
	close(local[1]);
	close(file);
}

int main(void)
{
	struct check check = {0};

	test_shut(&check);
	test_reused(&check);
	test_none(&check);
	return CHECK_DONE(&check);
}
