/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams to where no cell may send. The error that comes back tells who gave it: a rule of the
 * node (EHOSTUNREACH), a host at which nobody listens (ECONNREFUSED: the datagram was there), or
 * the cell's own routes (ENETUNREACH).
 */
#include "hostd/attack/attempt.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#define PORT 9
#define TRIES 8 /* a node sends one ICMP error a second, so one datagram may get no answer */
#define WAIT_MS 1500

static long answer_of(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	char byte;

	for (int i = 0; i < TRIES; i++) {
		if (send(fd, "x", 1, 0) < 0)
			return -errno;
		if (poll(&wait, 1, WAIT_MS) > 0)
			return attempt_result(recv(fd, &byte, sizeof(byte), MSG_DONTWAIT));
	}
	return -ETIMEDOUT;
}

static long reach(const char *host)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = inet_addr(host)};
	int fd = (int)attempt_result(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	if (fd < 0)
		return fd;
	if (connect(fd, (void *)&address, sizeof(address)) < 0)
		return -errno;
	return answer_of(fd);
}

#define REACH(name, host)                                                                          \
	static long name(const struct world *world)                                                \
	{                                                                                          \
		(void)world;                                                                       \
		return reach(host);                                                                \
	}

REACH(node, "10.0.2.15") /* QEMU's user network: the node, and the gateway beyond */
REACH(gateway, "10.0.2.2")
REACH(metadata, "169.254.169.254")
REACH(link_local, "169.254.7.7")
REACH(cells, "100.127.224.9") /* of the addresses that egress cells have */

const struct attempt datagram_attempts[] = {
	{"send-node", node},
	{"send-gateway", gateway},
	{"send-metadata", metadata},
	{"send-link-local", link_local},
	{"send-cells", cells},
	{NULL, NULL},
};
