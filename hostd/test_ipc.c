/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hostd/ipc.h"
#include "link/check.h"

static struct ipc_message message;

static void test_round(struct check *check, int pair[2])
{
	const struct ipc_event_ack ack = {.seq = 77};
	const struct ipc_stream stream = {.kernel_id = {1}, .generation = 3};
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	CHECK_EQ(check, ipc_receive(pair[1], &message), -EAGAIN);
	CHECK_EQ(check, ipc_send(pair[0], IPC_EVENT_ACK, &ack, -1), 0);
	CHECK_EQ(check, ipc_receive(pair[1], &message), 1);
	CHECK(check, message.type == IPC_EVENT_ACK && message.u.event_ack.seq == 77);
	CHECK_EQ(check, message.fd, -1);
	CHECK_EQ(check, ipc_send(pair[0], IPC_STREAM, &stream, fd), 0);
	CHECK_EQ(check, ipc_receive(pair[1], &message), 1);
	CHECK(check, message.fd >= 0 && message.u.stream.generation == 3);
	CHECK(check, fcntl(message.fd, F_GETFD) & FD_CLOEXEC);
	ipc_message_clear(&message);
	CHECK_EQ(check, message.fd, -1);
	CHECK_EQ(check, message.u.stream.generation, 0);
	close(fd);
}

/* Every type goes through whole, at its own size. */
static void test_sizes(struct check *check, int pair[2])
{
	static union {
		struct ipc_message unused;
		uint8_t bytes[sizeof(struct ipc_message)];
	} body;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	for (int type = 1; type < IPC_TYPES; type++) {
		check_row(check, ipc_type_name((enum ipc_type)type));
		memset(&body, type, sizeof(body));
		CHECK(check, ipc_size((enum ipc_type)type) > 0);
		CHECK_EQ(check, ipc_send(pair[0], (enum ipc_type)type, &body,
					 type == IPC_STREAM ? null : -1), 0);
		CHECK_EQ(check, ipc_receive(pair[1], &message), 1);
		CHECK_EQ(check, message.type, type);
		CHECK(check, memcmp(&message.u, &body, ipc_size((enum ipc_type)type)) == 0);
		ipc_message_clear(&message);
	}
	check_row(check, NULL);
	CHECK_EQ(check, ipc_size((enum ipc_type)0), 0);
	CHECK_EQ(check, ipc_size(IPC_TYPES), 0);
	close(null);
}

static void test_misuse(struct check *check, int pair[2])
{
	const struct ipc_event_ack ack = {.seq = 1};
	const struct ipc_stream stream = {.generation = 1};

	CHECK_EQ(check, ipc_send(pair[0], IPC_TYPES, &ack, -1), -EINVAL);
	CHECK_EQ(check, ipc_send(pair[0], IPC_EVENT_ACK, &ack, 0), -EINVAL);
	CHECK_EQ(check, ipc_send(pair[0], IPC_STREAM, &stream, -1), -EINVAL);
}

/* What a worker that was taken over might send. */
static void test_hostile(struct check *check, int pair[2])
{
	static const struct {
		const char *row;
		uint32_t words[8];
		size_t len;
	} rows[] = {
		{"half a header", {IPC_EVENT_ACK}, 4},
		{"no body", {IPC_EVENT_ACK, 8}, 8},
		{"short body", {IPC_EVENT_ACK, 8, 1}, 12},
		{"long body", {IPC_EVENT_ACK, 8, 1, 2, 3}, 20},
		{"wrong size", {IPC_EVENT_ACK, 12, 1, 2, 3}, 20},
		{"type 0", {0, 8, 1, 2}, 16},
		{"type beyond", {IPC_TYPES, 8, 1, 2}, 16},
		{"huge type", {0xffffffff, 8, 1, 2}, 16},
		{"a stream without its descriptor", {IPC_STREAM, 20, 1, 2, 3, 4, 5}, 28},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_row(check, rows[i].row);
		CHECK_EQ(check, send(pair[0], rows[i].words, rows[i].len, 0), rows[i].len);
		CHECK_EQ(check, ipc_receive(pair[1], &message), -EBADMSG);
	}
	check_row(check, NULL);
}

/* Descriptors where none belong are closed, not kept. */
static void test_stray_fds(struct check *check, int pair[2])
{
	const uint32_t words[] = {IPC_EVENT_ACK, 8, 1, 0};
	struct iovec iov = {(void *)words, sizeof(words)};
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes};
	int next = dup(0);

	for (int count = 1; count <= 2; count++) {
		int fds[2] = {0, 0};
		struct cmsghdr *cmsg;

		msg.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, (size_t)count * sizeof(int));
		CHECK(check, sendmsg(pair[0], &msg, 0) > 0);
		CHECK_EQ(check, ipc_receive(pair[1], &message), -EBADMSG);
	}
	close(next);
	CHECK_EQ(check, dup(0), next);
	close(next);
}

int main(void)
{
	struct check check = {0};
	int pair[2];

	CHECK_EQ(&check, ipc_pair(pair), 0);
	test_round(&check, pair);
	test_sizes(&check, pair);
	test_misuse(&check, pair);
	test_hostile(&check, pair);
	test_stray_fds(&check, pair);
	close(pair[0]);
	CHECK_EQ(&check, ipc_receive(pair[1], &message), 0);
	close(pair[1]);
	return CHECK_DONE(&check);
}
