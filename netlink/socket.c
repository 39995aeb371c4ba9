/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/socket.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

int nl_open(int protocol)
{
	struct sockaddr_nl self = {.nl_family = AF_NETLINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	int err;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&self, sizeof(self)) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/*
 * The next datagram of the kernel's (another's is passed over): its length, 0 where none waits,
 * -EBADMSG where it is longer than the buffer. The kernel works through a request, and queues its
 * answers (of a dump the next part, at each read), before send returns: reading needs no waiting.
 */
static ssize_t receive(int fd, uint8_t *bytes, size_t size)
{
	for (;;) {
		struct sockaddr_nl from = {0};
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(fd, bytes, size, MSG_DONTWAIT | MSG_TRUNC,
				     (struct sockaddr *)&from, &from_len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
		if (from.nl_pid != 0)
			continue;
		return (size_t)n > size ? -EBADMSG : n;
	}
}

static int collect(int fd, uint32_t acked)
{
	_Alignas(4) uint8_t bytes[8192];
	bool last = false;
	int error = 0;
	ssize_t n;

	while ((n = receive(fd, bytes, sizeof(bytes))) > 0) {
		if (nl_answers(bytes, (size_t)n, acked, &error, &last) != 0)
			return -EBADMSG;
	}
	if (n < 0)
		return (int)n;
	if (error)
		return error;
	return last ? 0 : -EIO;
}

static int send_all(int fd, const struct nl *nl)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	ssize_t n;

	if (nl->full || nl->depth != 0)
		return -ENOBUFS;
	do
		n = sendto(fd, nl->bytes, nl->len, 0, (struct sockaddr *)&kernel, sizeof(kernel));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int nl_send(int fd, const struct nl *nl, uint32_t acked)
{
	int err = send_all(fd, nl);

	return err ? err : collect(fd, acked);
}

int nl_dump(int fd, const struct nl *nl, nl_found *found, void *ctx)
{
	_Alignas(4) uint8_t bytes[32768];
	bool done = false;
	int error = send_all(fd, nl);

	while (error == 0 && !done) {
		ssize_t n = receive(fd, bytes, sizeof(bytes));

		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		if (nl_messages(bytes, (size_t)n, found, ctx, &error, &done) != 0)
			return -EBADMSG;
	}
	return error;
}
