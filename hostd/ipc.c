/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/ipc.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IPC_BUFFER (1024 * 1024)

struct header {
	uint32_t type;
	uint32_t size;
};

static const struct {
	const char *name;
	size_t size;
	int fds; /* a descriptor belongs to it */
} types[IPC_TYPES] = {
	[IPC_LINK_SETUP] = {"link-setup", sizeof(struct ipc_link_setup), 0},
	[IPC_NODE] = {"node", sizeof(struct ipc_node), 0},
	[IPC_KERNEL] = {"kernel", sizeof(struct ipc_kernel), 0},
	[IPC_STREAM] = {"stream", sizeof(struct ipc_stream), 1},
	[IPC_RESULT] = {"result", sizeof(struct ipc_result), 0},
	[IPC_LOGS] = {"logs", sizeof(struct ipc_logs), 0},
	[IPC_EVENT] = {"event", sizeof(struct ipc_event), 0},
	[IPC_STATUS] = {"status", sizeof(struct ipc_status), 0},
	[IPC_TICKET_KEPT] = {"ticket-kept", sizeof(struct ipc_ticket_kept), 0},
	[IPC_NEXT_KEY] = {"next-key", sizeof(struct ipc_next_key), 0},
	[IPC_RELAY_SETUP] = {"relay-setup", sizeof(struct ipc_relay_setup), 0},
	[IPC_RELAY_ORDER] = {"relay-order", sizeof(struct ipc_relay_order), 0},
	[IPC_REQUEST] = {"request", sizeof(struct ipc_request), 0},
	[IPC_EVENT_ACK] = {"event-ack", sizeof(struct ipc_event_ack), 0},
	[IPC_GATEWAY] = {"gateway", sizeof(struct ipc_gateway), 0},
	[IPC_TICKET] = {"ticket", sizeof(struct ipc_ticket), 0},
	[IPC_STREAM_LOST] = {"stream-lost", sizeof(struct ipc_stream), 0},
	[IPC_REFUSED] = {"refused", sizeof(struct ipc_refused), 0},
	[IPC_RELAY_READY] = {"relay-ready", sizeof(struct ipc_relay_ready), 0},
	[IPC_RELAY_DRAINED] = {"relay-drained", sizeof(struct ipc_relay_drained), 0},
	[IPC_RELAY_EVENT] = {"relay-event", sizeof(struct ipc_relay_event), 0},
	[IPC_RELAY_OUTPUT] = {"relay-output", sizeof(struct ipc_relay_output), 0},
};

size_t ipc_size(enum ipc_type type)
{
	return (unsigned)type < IPC_TYPES ? types[type].size : 0;
}

const char *ipc_type_name(enum ipc_type type)
{
	return ipc_size(type) > 0 ? types[type].name : "?";
}

int ipc_pair(int ret_fds[2])
{
	int size = IPC_BUFFER;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) < 0)
		return -errno;
	/* Best effort: the default still holds one message of any type. */
	for (int i = 0; i < 2; i++)
		(void)setsockopt(ret_fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return 0;
}

int ipc_send(int fd, enum ipc_type type, const void *body, int pass_fd)
{
	struct header header = {.type = type, .size = (uint32_t)ipc_size(type)};
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov[2] = {{&header, sizeof(header)}, {(void *)body, header.size}};
	struct msghdr message = {.msg_iov = iov, .msg_iovlen = 2};

	if (header.size == 0 || (pass_fd >= 0) != (types[type].fds > 0))
		return -EINVAL;
	if (pass_fd >= 0) {
		struct cmsghdr *cmsg;

		memset(&control, 0, sizeof(control));
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		cmsg = CMSG_FIRSTHDR(&message);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &pass_fd, sizeof(int));
	}
	if (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -errno;
	return 0;
}

/* Keeps the one descriptor that may be there, closes all others. The kernel puts all of a message
 * under one header. */
static int take_fds(struct msghdr *message, int *ret_fd)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(message);
	size_t count;

	*ret_fd = -1;
	if (!cmsg || cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
		return 0;
	count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
		if (i == 0)
			*ret_fd = fd;
		else
			close(fd);
	}
	return count > 1 ? -EBADMSG : 0;
}

static int message_check(const struct header *header, size_t len, int flags, int fd)
{
	size_t size = ipc_size((enum ipc_type)header->type);

	if (flags & (MSG_TRUNC | MSG_CTRUNC))
		return -EBADMSG;
	if (len < sizeof(*header) || size == 0 || header->size != size)
		return -EBADMSG;
	if (len != sizeof(*header) + size)
		return -EBADMSG;
	if ((fd >= 0) != (types[header->type].fds > 0))
		return -EBADMSG;
	return 0;
}

int ipc_receive(int fd, struct ipc_message *ret_message)
{
	struct header header = {0};
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov[2] = {{&header, sizeof(header)},
			       {&ret_message->u, sizeof(ret_message->u)}};
	struct msghdr message = {.msg_iov = iov,
				 .msg_iovlen = 2,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	ssize_t len;
	int r;

	ret_message->fd = -1;
	do
		len = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return errno == ECONNRESET ? 0 : -errno;
	r = take_fds(&message, &ret_message->fd);
	if (len == 0 && ret_message->fd < 0)
		return 0;
	if (r == 0)
		r = message_check(&header, (size_t)len, message.msg_flags, ret_message->fd);
	ret_message->type = r == 0 ? (enum ipc_type)header.type : IPC_TYPES;
	if (r < 0)
		ipc_message_clear(ret_message);
	return r < 0 ? r : 1;
}

void ipc_message_clear(struct ipc_message *message)
{
	if (message->fd >= 0)
		close(message->fd);
	message->fd = -1;
	sodium_memzero(&message->u, ipc_size(message->type));
}
