/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/audit.h"

#include <ctype.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MS 2000
#define BACKLOG 256u /* records that wait for us in the kernel */

/* ---- the text ---- */

struct cursor {
	const char *at;
	const char *end;
};

static bool skip(struct cursor *c, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(c->end - c->at) < len || memcmp(c->at, word, len) != 0)
		return false;
	c->at += len;
	return true;
}

/* The value of one of digit_of's digits; -1: none. */
static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool number(struct cursor *c, unsigned base, uint64_t max, uint64_t *ret)
{
	const char *first = c->at;

	*ret = 0;
	for (; c->at < c->end; c->at++) {
		int digit = digit_of(*c->at);

		if (digit < 0 || (unsigned)digit >= base)
			break;
		*ret = *ret * base + (unsigned)digit;
		if (*ret > max)
			return false;
	}
	return c->at > first;
}

static bool field(struct cursor *c, const char *name, unsigned base, uint64_t *ret)
{
	return skip(c, name) && number(c, base, UINT32_MAX, ret);
}

/* "audit(1700000000.123:45): " */
static bool stamp(struct cursor *c)
{
	uint64_t unused;

	return skip(c, "audit(") && number(c, 10, UINT64_MAX / 16, &unused) && skip(c, ".") &&
	       number(c, 10, 999, &unused) && skip(c, ":") && number(c, 10, UINT32_MAX, &unused) &&
	       skip(c, "): ");
}

/*
 * A name that a program chose: quoted where it is tame, else in hex digits, or (null). Written by
 * the kernel without a blank or a quote inside, so neither ends it early.
 */
static bool name(struct cursor *c, const char *key)
{
	const char *first;

	if (!skip(c, key))
		return false;
	if (skip(c, "(null)"))
		return true;
	if (skip(c, "\"")) {
		while (c->at < c->end && *c->at != '"' && *c->at > ' ' && *c->at < 0x7f)
			c->at++;
		return skip(c, "\"");
	}
	first = c->at;
	while (c->at < c->end && isxdigit((unsigned char)*c->at))
		c->at++;
	return c->at > first && (c->at - first) % 2 == 0;
}

/* Present where a security module is in force: any word. */
static void subject(struct cursor *c)
{
	if (!skip(c, "subj="))
		return;
	while (c->at < c->end && *c->at > ' ')
		c->at++;
	(void)skip(c, " ");
}

int audit_parse(const char *text, size_t len, struct audit_denial *ret_denial)
{
	struct cursor c = {text, text + len};
	uint64_t uid, arch, call, sig, other;

	if (!stamp(&c) || !field(&c, "auid=", 10, &other) || !field(&c, " uid=", 10, &uid) ||
	    !field(&c, " gid=", 10, &other) || !field(&c, " ses=", 10, &other) || !skip(&c, " "))
		return -EBADMSG;
	subject(&c);
	if (!field(&c, "pid=", 10, &other) || !name(&c, " comm=") || !name(&c, " exe=") ||
	    !field(&c, " sig=", 10, &sig) || !field(&c, " arch=", 16, &arch) ||
	    !field(&c, " syscall=", 10, &call) || !field(&c, " compat=", 10, &other) ||
	    !skip(&c, " ip=0x") || !number(&c, 16, UINT64_MAX / 16, &other) ||
	    !field(&c, " code=0x", 16, &other) || c.at != c.end)
		return -EBADMSG;
	if (call > INT32_MAX || sig > 64)
		return -EBADMSG;
	*ret_denial = (struct audit_denial){
		.uid = (uint32_t)uid,
		.arch = (uint32_t)arch,
		.call = (int32_t)call,
		.signal = (int32_t)sig,
	};
	return 0;
}

/* ---- the socket ---- */

struct packet {
	struct nlmsghdr header;
	union {
		struct audit_status status;
		struct nlmsgerr error;
		char text[AUDIT_TEXT_MAX];
	} u;
};

/* One packet of the kernel's own; its body's length, 0 where none waits. -errno. */
static ssize_t receive(int fd, struct packet *packet)
{
	struct sockaddr_nl from = {0};
	socklen_t from_len = sizeof(from);
	ssize_t len;

	do
		len = recvfrom(fd, packet, sizeof(*packet), MSG_DONTWAIT | MSG_TRUNC,
			       (struct sockaddr *)&from, &from_len);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return errno == EAGAIN ? 0 : -errno;
	/* Its length field counts with the header or without it, by kind: the packet's own does. */
	if (from.nl_pid != 0 || (size_t)len <= sizeof(packet->header) ||
	    (size_t)len > sizeof(*packet))
		packet->header.nlmsg_type = NLMSG_NOOP;
	return len > (ssize_t)sizeof(packet->header) ? len - (ssize_t)sizeof(packet->header) : 1;
}

/* The answer to our one request; records that come before it are of no interest yet. */
static int await_answer(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	struct packet packet;

	while (poll(&poll_fd, 1, ANSWER_MS) == 1) {
		ssize_t len = receive(fd, &packet);

		if (len < 0)
			return (int)len;
		if (len >= (ssize_t)sizeof(packet.u.error) &&
		    packet.header.nlmsg_type == NLMSG_ERROR)
			return packet.u.error.error;
	}
	return -ETIMEDOUT;
}

static int reader_set(int fd)
{
	const struct {
		struct nlmsghdr header;
		struct audit_status status;
	} request = {
		.header = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = AUDIT_SET,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		},
		.status = {
			.mask = AUDIT_STATUS_PID | AUDIT_STATUS_RATE_LIMIT |
				AUDIT_STATUS_BACKLOG_LIMIT | AUDIT_STATUS_BACKLOG_WAIT_TIME |
				AUDIT_STATUS_FAILURE,
			.failure = AUDIT_FAIL_SILENT,
			.pid = (uint32_t)getpid(),
			.rate_limit = AUDIT_A_SECOND,
			.backlog_limit = BACKLOG,
			.backlog_wait_time = 0, /* nobody waits for us */
		},
	};
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	if (sendto(fd, &request, sizeof(request), 0, (const struct sockaddr *)&kernel,
		   sizeof(kernel)) < 0)
		return -errno;
	return await_answer(fd);
}

int audit_open(int *ret_fd)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_AUDIT);
	int r;

	if (fd < 0)
		return -errno;
	r = reader_set(fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int audit_next(int fd, struct audit_denial *ret_denial)
{
	struct packet packet;
	ssize_t len;

	while ((len = receive(fd, &packet)) > 0)
		if (packet.header.nlmsg_type == AUDIT_SECCOMP &&
		    audit_parse(packet.u.text, strnlen(packet.u.text, (size_t)len), ret_denial) == 0)
			return 1;
	/* Some were lost for want of room: there are more to come. */
	return len == -ENOBUFS ? 0 : (int)len;
}
