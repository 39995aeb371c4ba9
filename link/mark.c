/* SPDX-License-Identifier: Apache-2.0 */
#include "link/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static int cookie_of(int fd, uint64_t *ret_cookie)
{
	int protocol = 0;
	socklen_t len = sizeof(protocol);

	if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) < 0)
		return -errno;
	if (protocol != IPPROTO_TCP)
		return -ENOTSOCK;
	len = sizeof(*ret_cookie);
	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, ret_cookie, &len) < 0 ? -errno : 0;
}

int link_mark_take(int fd, struct link_mark *ret_mark)
{
	uint64_t cookie = 0;
	int r = fd < 0 ? -EBADF : cookie_of(fd, &cookie);

	*ret_mark = (struct link_mark){.fd = r == 0 ? fd : -1, .cookie = cookie};
	return r;
}

int link_mark_shut(const struct link_mark *mark)
{
	uint64_t cookie = 0;
	int copy = mark->fd < 0 ? -1 : fcntl(mark->fd, F_DUPFD_CLOEXEC, 0);
	int r = 0;

	if (copy < 0)
		return -ESTALE;
	if (cookie_of(copy, &cookie) < 0 || cookie != mark->cookie)
		r = -ESTALE;
	else if (shutdown(copy, SHUT_RDWR) < 0)
		r = -errno;
	close(copy);
	return r;
}
