/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init's store against a hostd that sends anything: the input is a row of messages, each a byte
 * whose lower bits say how many descriptors go with it, a byte of length, and so many bytes; or
 * with the highest bit set, hostd's end and another start.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "init/fdstore.h"

#define SENT_MAX 5u
#define ENDS 0x80u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fdstore store;

/* The lowest that is free: it is another where one was left open. */
static int next_fd(void)
{
	int fd = dup(STDIN_FILENO);

	close(fd);
	return fd;
}

static void say(int hostd, const uint8_t *bytes, size_t len, size_t fds_count)
{
	union {
		char bytes[CMSG_SPACE(SENT_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	int fds[SENT_MAX] = {STDIN_FILENO, STDIN_FILENO, STDIN_FILENO, STDIN_FILENO, STDIN_FILENO};
	struct iovec iov = {(void *)bytes, len};
	struct msghdr head = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cmsg = &control.align;

	if (fds_count > 0) {
		head.msg_control = control.bytes;
		head.msg_controllen = CMSG_SPACE(fds_count * sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(fds_count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, fds_count * sizeof(int));
	}
	(void)sendmsg(hostd, &head, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* What is kept has a name of its own and something under it. */
static void check(void)
{
	if (store.count > FDSTORE_ROWS_MAX)
		abort();
	for (size_t i = 0; i < store.count; i++) {
		const struct fdstore_row *row = &store.rows[i];

		if (row->count < 1 || row->count > (int32_t)FDSTORE_FDS_MAX || !row->name[0] ||
		    row->name[FDSTORE_NAME_MAX - 1] || strchr(row->name, '/'))
			abort();
		for (size_t j = 0; j < i; j++)
			if (strcmp(row->name, store.rows[j].name) == 0)
				abort();
	}
}

static int begin(void)
{
	bool emptied = false;
	int hostd = -1;
	int table = -1;
	size_t before = store.count;

	if (fdstore_begin(&store, &hostd, &table, &emptied) < 0)
		abort();
	if (emptied ? store.count != 0 : store.count != before)
		abort();
	if (lseek(table, 0, SEEK_END) != (off_t)(store.count * sizeof(struct fdstore_row)))
		abort();
	close(table);
	return hostd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int free_fd = next_fd();
	int hostd;

	fdstore_init(&store);
	hostd = begin();
	while (size >= 2) {
		uint8_t what = data[0];
		size_t len = data[1] < size - 2 ? data[1] : size - 2;

		say(hostd, data + 2, len, (what & ~ENDS) % (SENT_MAX + 1));
		data += 2 + len;
		size -= 2 + len;
		if (what & ENDS) {
			close(hostd);
			(void)fdstore_end(&store);
			hostd = begin();
		} else {
			(void)fdstore_take(&store);
		}
		check();
	}
	close(hostd);
	(void)fdstore_end(&store);
	fdstore_clear(&store);
	if (next_fd() != free_fd)
		abort();
	return 0;
}
