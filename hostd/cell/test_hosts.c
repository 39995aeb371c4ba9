/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/test_hosts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netlink/rtnl.h"

#define WAIT_S 20	  /* for what comes: also on a machine that is busy, with a packet lost */
#define WAIT_BRIEF_MS 600 /* for what does not come */

struct machine {
	int kept;	 /* the connection of HOST_OPEN */
	unsigned *heard; /* shared with the servers */
};

static struct sockaddr_in to(uint32_t address, uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(address)};
}

static void set_wait(int fd, bool brief)
{
	const struct timeval wait = {.tv_sec = brief ? 0 : WAIT_S,
				     .tv_usec = brief ? WAIT_BRIEF_MS * 1000 : 0};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
}

static int new_socket(int type, int protocol, bool brief)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, protocol);

	if (fd >= 0)
		set_wait(fd, brief);
	return fd;
}

static int error_now(void)
{
	return errno == EAGAIN || errno == EINPROGRESS ? ETIMEDOUT : errno;
}

/* ---- servers: a process each ---- */

static void serve_connection(int fd)
{
	char bytes[4096];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		if (send(fd, bytes, (size_t)n, MSG_NOSIGNAL) != n)
			break;
	_exit(0);
}

static int serve(const struct machine *machine, int type, uint32_t address, uint16_t port)
{
	struct sockaddr_in self = to(address, port);
	int fd = socket(AF_INET, type, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&self, sizeof(self)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 16) < 0))
		return errno;
	if (fork() > 0) {
		close(fd);
		return 0;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		char bytes[2048];
		ssize_t n;

		if (type == SOCK_STREAM) {
			int connection = accept(fd, NULL, NULL);

			if (connection >= 0 && fork() == 0) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				serve_connection(connection);
			}
			if (connection >= 0)
				close(connection);
			continue;
		}
		n = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &len);
		__atomic_add_fetch(machine->heard, 1, __ATOMIC_SEQ_CST);
		if (n >= 0)
			(void)sendto(fd, bytes, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
}

int host_serve_here(uint16_t port)
{
	unsigned unused;
	const struct machine machine = {-1, &unused};

	return serve(&machine, SOCK_STREAM, INADDR_ANY, port);
}

/* ---- clients ---- */

static int echo(int fd, uint32_t bytes)
{
	char out[1024] = "hello", in[1024];
	uint32_t left = bytes ? bytes : 5;

	while (left > 0) {
		size_t part = left < sizeof(out) ? left : sizeof(out);
		size_t got = 0;

		if (send(fd, out, part, MSG_NOSIGNAL) != (ssize_t)part)
			return error_now();
		while (got < part) {
			ssize_t n = recv(fd, in, part - got, 0);

			if (n <= 0)
				return n == 0 ? ECONNRESET : error_now();
			got += (size_t)n;
		}
		left -= (uint32_t)part;
	}
	return 0;
}

static int client(const struct host_request *request, int type, int *keep)
{
	struct sockaddr_in far = to(request->address, request->port);
	int fd = new_socket(type, 0, request->brief);
	int error = 0;

	if (connect(fd, (struct sockaddr *)&far, sizeof(far)) < 0)
		error = error_now();
	if (!error)
		error = echo(fd, request->bytes);
	if (keep && !error) {
		*keep = fd;
		return 0;
	}
	close(fd);
	return error;
}

static uint16_t checksum(const void *data, size_t len)
{
	const uint16_t *words = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < len / 2; i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static int ping(const struct host_request *request)
{
	struct icmphdr out = {.type = ICMP_ECHO, .un.echo.id = 7};
	struct sockaddr_in far = to(request->address, 0);
	uint8_t in[256];
	int fd = new_socket(SOCK_RAW, IPPROTO_ICMP, request->brief), error = ETIMEDOUT;

	out.checksum = checksum(&out, sizeof(out));
	if (sendto(fd, &out, sizeof(out), 0, (struct sockaddr *)&far, sizeof(far)) < 0)
		error = error_now();
	while (recv(fd, in, sizeof(in), 0) >= (ssize_t)(sizeof(struct iphdr) + sizeof(out))) {
		const struct icmphdr *answer = (const void *)(in + sizeof(struct iphdr));

		if (answer->type == ICMP_ECHOREPLY) {
			error = 0;
			break;
		}
		if (answer->type == ICMP_DEST_UNREACH) {
			error = EHOSTUNREACH;
			break;
		}
	}
	close(fd);
	return error;
}

static int spoof(const struct host_request *request)
{
	struct {
		struct iphdr ip;
		struct udphdr udp;
		uint32_t data;
	} packet = {
		.ip = {.version = 4,
		       .ihl = 5,
		       .ttl = 64,
		       .protocol = IPPROTO_UDP,
		       .saddr = htonl(request->from),
		       .daddr = htonl(request->address)},
		.udp = {.source = htons(9), .dest = htons(request->port), .len = htons(12)},
	};
	struct sockaddr_in far = to(request->address, 0);
	int fd = new_socket(SOCK_RAW, IPPROTO_RAW, request->brief);
	int error = 0;

	if (sendto(fd, &packet, sizeof(packet), 0, (struct sockaddr *)&far, sizeof(far)) < 0)
		error = error_now();
	close(fd);
	return error;
}

static int act(struct machine *machine, const struct host_request *request)
{
	switch (request->act) {
	case HOST_SERVE_TCP: return serve(machine, SOCK_STREAM, request->address, request->port);
	case HOST_SERVE_UDP: return serve(machine, SOCK_DGRAM, request->address, request->port);
	case HOST_TCP: return client(request, SOCK_STREAM, NULL);
	case HOST_OPEN: return client(request, SOCK_STREAM, &machine->kept);
	case HOST_TALK:
		set_wait(machine->kept, request->brief);
		return echo(machine->kept, request->bytes);
	case HOST_UDP: return client(request, SOCK_DGRAM, NULL);
	case HOST_PING: return ping(request);
	case HOST_SPOOF: return spoof(request);
	case HOST_HEARD: return (int)__atomic_load_n(machine->heard, __ATOMIC_SEQ_CST);
	default: return EINVAL;
	}
}

/* A machine that takes what comes, as a careless one would. */
static int careless(void)
{
	static const char *const paths[] = {"/proc/sys/net/ipv4/conf/all/rp_filter",
					    "/proc/sys/net/ipv4/conf/default/rp_filter"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int fd = open(paths[i], O_WRONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : write(fd, "0", 1);

		if (fd >= 0)
			close(fd);
		if (n != 1)
			return -1;
	}
	return 0;
}

static _Noreturn void run(int channel)
{
	struct machine machine = {-1, NULL};
	struct host_request request;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	machine.heard = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (unshare(CLONE_NEWNET) < 0 || rtnl_loopback_up() < 0 || careless() < 0 ||
	    machine.heard == MAP_FAILED)
		_exit(1);
	(void)send(channel, "r", 1, 0);
	while (recv(channel, &request, sizeof(request), 0) == sizeof(request)) {
		int result = act(&machine, &request);

		if (send(channel, &result, sizeof(result), 0) != sizeof(result))
			break;
	}
	_exit(0);
}

int host_start(struct host *ret_host)
{
	int pair[2];
	char ready;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ret_host->pid = fork();
	if (ret_host->pid == 0) {
		close(pair[0]);
		run(pair[1]);
	}
	close(pair[1]);
	ret_host->channel = pair[0];
	ret_host->pidfd = (int)syscall(SYS_pidfd_open, ret_host->pid, 0);
	return recv(pair[0], &ready, 1, 0) == 1 && ret_host->pidfd >= 0 ? 0 : -EIO;
}

void host_stop(struct host *host)
{
	kill(host->pid, SIGKILL);
	waitpid(host->pid, NULL, 0);
	close(host->pidfd);
	close(host->channel);
}

int host_ask(const struct host *host, const struct host_request *request)
{
	int result = EIO;

	if (send(host->channel, request, sizeof(*request), 0) != sizeof(*request) ||
	    recv(host->channel, &result, sizeof(result), 0) != sizeof(result))
		return EIO;
	return result;
}
