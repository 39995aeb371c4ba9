/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts over sockets: domains, capabilities of the network, places to reach. */
#include "hostd/attack/attempt.h"

#include <arpa/inet.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ABSTRACT "attack-abstract" /* cells.c listens there, outside */
#define NODE_ADDRESS 0x0a00020fu   /* QEMU's user network: the node, and the gateway beyond */
#define GATEWAY_ADDRESS 0x0a000202u
#define METADATA_ADDRESS 0xa9fea9feu

#define SOCKET(name, domain, type, protocol)                                                       \
	static long name(const struct world *world)                                                \
	{                                                                                          \
		(void)world;                                                                       \
		return attempt_result(socket(domain, (type) | SOCK_CLOEXEC, protocol));            \
	}

SOCKET(packet_raw, AF_PACKET, SOCK_RAW, 0)
SOCKET(packet_dgram, AF_PACKET, SOCK_DGRAM, 0)
SOCKET(netlink_route, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)
SOCKET(netlink_uevent, AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT)
SOCKET(netlink_netfilter, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER)
SOCKET(netlink_generic, AF_NETLINK, SOCK_RAW, NETLINK_GENERIC)
SOCKET(netlink_xfrm, AF_NETLINK, SOCK_RAW, NETLINK_XFRM)
SOCKET(netlink_diag, AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG)
SOCKET(alg, AF_ALG, SOCK_SEQPACKET, 0)
SOCKET(key, AF_KEY, SOCK_RAW, 2)
SOCKET(rxrpc, AF_RXRPC, SOCK_DGRAM, AF_INET)
SOCKET(vsock, AF_VSOCK, SOCK_STREAM, 0)
SOCKET(can, AF_CAN, SOCK_RAW, 1)
SOCKET(tipc, AF_TIPC, SOCK_RDM, 0)
SOCKET(xdp, AF_XDP, SOCK_RAW, 0)
SOCKET(phonet, AF_PHONET, SOCK_DGRAM, 0)
SOCKET(raw_icmp, AF_INET, SOCK_RAW, IPPROTO_ICMP)
SOCKET(raw_ip, AF_INET, SOCK_RAW, IPPROTO_RAW)
SOCKET(raw_icmp6, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6)

static long alg_bind(const struct world *world)
{
	struct {
		unsigned short family;
		unsigned char type[14];
		unsigned features, mask;
		unsigned char name[64];
	} address = {AF_ALG, "hash", 0, 0, "sha256"};
	int fd = (int)alg(world);

	return fd < 0 ? fd : attempt_result(bind(fd, (void *)&address, sizeof(address)));
}

static long pair_of(const struct world *world)
{
	int pair[2];

	(void)world;
	return attempt_result(socketpair(AF_INET, SOCK_STREAM, 0, pair));
}

/* Asks for the state of the kernel's audit; the answer's error is the result. */
static long audit_get(const struct world *world)
{
	struct {
		struct nlmsghdr header;
	} request = {{sizeof(request), AUDIT_GET, NLM_F_REQUEST | NLM_F_ACK, 1, 0}};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[256];
	} answer;
	int fd = (int)attempt_result(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT));

	(void)world;
	if (fd < 0)
		return fd;
	if (send(fd, &request, sizeof(request), 0) < 0)
		return -errno;
	if (recv(fd, &answer, sizeof(answer), 0) < (ssize_t)sizeof(answer.header))
		return -EIO;
	return answer.header.nlmsg_type == NLMSG_ERROR ? answer.error.error : 0;
}

static int inet(int type)
{
	return (int)attempt_result(socket(AF_INET, type | SOCK_CLOEXEC, 0));
}

static long set_option(int type, int level, int option, int value)
{
	int fd = inet(type);

	return fd < 0 ? fd : attempt_result(setsockopt(fd, level, option, &value, sizeof(value)));
}

#define OPTION(name, type, level, option, value)                                                   \
	static long name(const struct world *world)                                                \
	{                                                                                          \
		(void)world;                                                                       \
		return set_option(type, level, option, value);                                     \
	}

OPTION(mark, SOCK_DGRAM, SOL_SOCKET, SO_MARK, 1)
OPTION(urgent, SOCK_DGRAM, SOL_SOCKET, SO_PRIORITY, 7)
OPTION(big_buffer, SOCK_DGRAM, SOL_SOCKET, SO_SNDBUFFORCE, 1 << 26)
OPTION(big_receive, SOCK_DGRAM, SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
OPTION(debug, SOCK_STREAM, SOL_SOCKET, SO_DEBUG, 1)
OPTION(transparent, SOCK_STREAM, IPPROTO_IP, IP_TRANSPARENT, 1)
OPTION(repair, SOCK_STREAM, IPPROTO_TCP, TCP_REPAIR, 1)

static long bind_privileged(const struct world *world)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(80),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = inet(SOCK_STREAM);

	(void)world;
	return fd < 0 ? fd : attempt_result(bind(fd, (void *)&address, sizeof(address)));
}

static long reach(unsigned host)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(host)};
	int fd = inet(SOCK_STREAM);

	return fd < 0 ? fd : attempt_result(connect(fd, (void *)&address, sizeof(address)));
}

#define REACH(name, address)                                                                       \
	static long name(const struct world *world)                                                \
	{                                                                                          \
		(void)world;                                                                       \
		return reach(address);                                                             \
	}

REACH(reach_node, NODE_ADDRESS)
REACH(reach_gateway, GATEWAY_ADDRESS)
REACH(reach_metadata, METADATA_ADDRESS)

static long send_broadcast(const struct world *world)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(9),
				      .sin_addr.s_addr = htonl(0x0a0002ff)};
	int fd = inet(SOCK_DGRAM), on = 1;

	(void)world;
	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	return attempt_result(sendto(fd, "x", 1, 0, (void *)&address, sizeof(address)));
}

static long reach_abstract(const struct world *world)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = (int)attempt_result(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));

	(void)world;
	memcpy(address.sun_path + 1, ABSTRACT, sizeof(ABSTRACT) - 1);
	if (fd < 0)
		return fd;
	return attempt_result(connect(fd, (void *)&address,
				      (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
						  sizeof(ABSTRACT))));
}

/* A message that says it is from PID 1. */
static long forge_credentials(const struct world *world)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec data = {(char[1]){0}, 1};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	const struct ucred forged = {.pid = 1, .uid = getuid(), .gid = getgid()};
	int pair[2];

	(void)world;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	memset(&control, 0, sizeof(control));
	control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(forged)),
					  .cmsg_level = SOL_SOCKET,
					  .cmsg_type = SCM_CREDENTIALS};
	memcpy(CMSG_DATA(&control.header), &forged, sizeof(forged));
	return attempt_result(sendmsg(pair[0], &message, 0));
}

static long interface(unsigned long request, short flags)
{
	struct ifreq ifr;
	int fd = inet(SOCK_DGRAM);

	if (fd < 0)
		return fd;
	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, "lo");
	ifr.ifr_flags = flags;
	return TRY(SYS_ioctl, fd, request, &ifr);
}

static long interface_up(const struct world *world)
{
	(void)world;
	return interface(SIOCSIFFLAGS, IFF_UP | IFF_RUNNING | IFF_LOOPBACK);
}

static long interface_list(const struct world *world)
{
	(void)world;
	return interface(SIOCGIFFLAGS, 0);
}

const struct attempt socket_attempts[] = {
	{"socket-packet", packet_raw},
	{"socket-packet-dgram", packet_dgram},
	{"netlink-route", netlink_route},
	{"netlink-uevent", netlink_uevent},
	{"netlink-netfilter", netlink_netfilter},
	{"netlink-generic", netlink_generic},
	{"netlink-xfrm", netlink_xfrm},
	{"netlink-diag", netlink_diag},
	{"netlink-audit", audit_get},
	{"socket-alg", alg_bind},
	{"socket-key", key},
	{"socket-rxrpc", rxrpc},
	{"socket-vsock", vsock},
	{"socket-can", can},
	{"socket-tipc", tipc},
	{"socket-xdp", xdp},
	{"socket-phonet", phonet},
	{"socket-raw-icmp", raw_icmp},
	{"socket-raw-ip", raw_ip},
	{"socket-raw-icmp6", raw_icmp6},
	{"socketpair-inet", pair_of},
	{"so-mark", mark},
	{"so-priority", urgent},
	{"so-sndbufforce", big_buffer},
	{"so-rcvbufforce", big_receive},
	{"so-debug", debug},
	{"ip-transparent", transparent},
	{"tcp-repair", repair},
	{"bind-port-80", bind_privileged},
	{"connect-node", reach_node},
	{"connect-gateway", reach_gateway},
	{"connect-metadata", reach_metadata},
	{"send-broadcast", send_broadcast},
	{"connect-abstract", reach_abstract},
	{"forge-credentials", forge_credentials},
	{"interface-up", interface_up},
	{"interface-list", interface_list},
	{NULL, NULL},
};
