/* SPDX-License-Identifier: Apache-2.0 */
#include "init/fdstore.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define BUFFER_BYTES (1024 * 1024)
#define SEND_SECONDS 5 /* hostd waits so long where we do not read */

void fdstore_init(struct fdstore *store)
{
	store->socket = -1;
	store->tries = 0;
	store->stable = false;
	store->count = 0;
}

/* ---- rows ---- */

static void close_all(const int32_t *fds, int32_t count)
{
	for (int32_t i = 0; i < count; i++)
		close(fds[i]);
}

static struct fdstore_row *find(struct fdstore *store, const char *name)
{
	for (size_t i = 0; i < store->count; i++)
		if (strcmp(store->rows[i].name, name) == 0)
			return &store->rows[i];
	return NULL;
}

static void drop(struct fdstore *store, struct fdstore_row *row)
{
	close_all(row->fds, row->count);
	*row = store->rows[--store->count];
}

void fdstore_clear(struct fdstore *store)
{
	while (store->count > 0)
		drop(store, &store->rows[store->count - 1]);
}

static int put(struct fdstore *store, const struct fdstore_row *new)
{
	struct fdstore_row *row = find(store, new->name);

	if (new->count == 0)
		return -EBADMSG;
	if (!row && store->count == FDSTORE_ROWS_MAX)
		return -ENOSPC;
	if (row)
		close_all(row->fds, row->count);
	else
		row = &store->rows[store->count++];
	*row = *new;
	return 0;
}

/* ---- messages ---- */

static bool name_ok(const char name[FDSTORE_NAME_MAX])
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
	size_t len = 0;

	while (len < FDSTORE_NAME_MAX && name[len] && strchr(allowed, name[len]))
		len++;
	for (size_t i = len; i < FDSTORE_NAME_MAX; i++)
		if (name[i])
			return false;
	return len > 0 && len < FDSTORE_NAME_MAX;
}

static int obey(struct fdstore *store, uint32_t verb, struct fdstore_row *came)
{
	struct fdstore_row *row;

	if (verb == FDSTORE_STABLE && !came->name[0] && came->count == 0) {
		store->stable = true;
		store->tries = 0;
		return 0;
	}
	if (!name_ok(came->name))
		return -EBADMSG;
	if (verb == FDSTORE_PUT)
		return put(store, came);
	if (verb != FDSTORE_DROP || came->count > 0)
		return -EBADMSG;
	row = find(store, came->name);
	if (row)
		drop(store, row);
	return 0;
}

/* Those beyond the ceiling are not for us to keep, nor to leave open. False: there were such. */
static bool take_fds(struct msghdr *head, struct fdstore_row *row)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(head);
	size_t count;

	if (!cmsg || cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
		return true;
	count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
		if (i < FDSTORE_FDS_MAX)
			row->fds[row->count++] = fd;
		else
			close(fd);
	}
	return count <= FDSTORE_FDS_MAX;
}

/* 0: one was taken; -EAGAIN: there is none; -EPIPE: nor will there be. Others: it was refused. */
static int take_one(struct fdstore *store)
{
	struct fdstore_message message;
	struct fdstore_row row = {.count = 0};
	union {
		char bytes[CMSG_SPACE((FDSTORE_FDS_MAX + 1) * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {&message, sizeof(message)};
	struct msghdr head = {.msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes)};
	bool fits;
	ssize_t len;
	int r;

	len = recvmsg(store->socket, &head, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? -EAGAIN : -EPIPE;
	fits = take_fds(&head, &row);
	if (len == 0 && row.count == 0)
		return -EPIPE;
	if (len != sizeof(message) || !fits || (head.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		r = -EBADMSG;
	else
		r = 0;
	if (r == 0) {
		memcpy(row.name, message.name, sizeof(row.name));
		r = obey(store, message.verb, &row);
	}
	if (r < 0)
		close_all(row.fds, row.count);
	return r;
}

int fdstore_take(struct fdstore *store)
{
	int refused = 0;

	while (store->socket >= 0) {
		int r = take_one(store);

		if (r == -EAGAIN)
			break;
		if (r == -EPIPE) {
			close(store->socket);
			store->socket = -1;
		} else if (r < 0) {
			refused = r;
		}
	}
	return refused;
}

int fdstore_end(struct fdstore *store)
{
	int r = fdstore_take(store);

	if (store->socket >= 0)
		close(store->socket);
	store->socket = -1;
	return r;
}

/* ---- a start ---- */

static int table(const struct fdstore *store)
{
	size_t len = store->count * sizeof(store->rows[0]);
	int fd = memfd_create("fdstore", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (pwrite(fd, store->rows, len, 0) == (ssize_t)len)
		return fd;
	close(fd);
	return -EIO;
}

static int pair(int ret[2])
{
	const struct timeval wait = {.tv_sec = SEND_SECONDS};
	int size = BUFFER_BYTES;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0)
		return -errno;
	/* Best effort: it is read in every turn of init's loop. */
	(void)setsockopt(ret[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	(void)setsockopt(ret[1], SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	return 0;
}

int fdstore_begin(struct fdstore *store, int *ret_socket, int *ret_table, bool *ret_emptied)
{
	int ends[2];
	int r = pair(ends);

	if (r < 0)
		return r;
	*ret_emptied = store->count > 0 && store->tries >= FDSTORE_TRIES;
	if (*ret_emptied)
		fdstore_clear(store);
	*ret_table = table(store);
	if (*ret_table < 0) {
		close(ends[0]);
		close(ends[1]);
		return *ret_table;
	}
	store->tries = *ret_emptied ? 1 : store->tries + 1;
	store->stable = false;
	store->socket = ends[0];
	*ret_socket = ends[1];
	return 0;
}
