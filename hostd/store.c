/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what was left ---- */

static bool row_ok(const struct fdstore_row *row)
{
	if (!row->name[0] || row->name[FDSTORE_NAME_MAX - 1] || row->count < 1 ||
	    row->count > (int32_t)FDSTORE_FDS_MAX)
		return false;
	for (int32_t i = 0; i < row->count; i++)
		if (row->fds[i] <= STDERR_FILENO || fcntl(row->fds[i], F_SETFD, FD_CLOEXEC) < 0)
			return false;
	return true;
}

/* All of the table, or nothing of it. */
static int table_read(struct store *store, int table)
{
	struct stat st;
	size_t len;

	if (fstat(table, &st) < 0)
		return -errno;
	len = (size_t)st.st_size;
	if (len > sizeof(store->rows) || len % sizeof(store->rows[0]) != 0)
		return -EBADMSG;
	if (pread(table, store->rows, len, 0) != (ssize_t)len)
		return -EIO;
	for (size_t i = 0; i < len / sizeof(store->rows[0]); i++)
		if (!row_ok(&store->rows[i]))
			return -EBADMSG;
	store->count = len / sizeof(store->rows[0]);
	return 0;
}

static int number(const char **text, char end)
{
	char *at;
	long value;

	errno = 0;
	value = strtol(*text, &at, 10);
	if (at == *text || *at != end || errno || value <= STDERR_FILENO || value > 65535)
		return -1;
	*text = at + 1;
	return (int)value;
}

int store_open(struct store *store, const char *where)
{
	int type = 0;
	socklen_t len = sizeof(type);
	int table;
	int r = 0;

	store->socket = -1;
	store->count = 0;
	if (!where)
		return 0;
	store->socket = number(&where, ':');
	table = store->socket < 0 ? -1 : number(&where, '\0');
	if (table < 0) {
		store->socket = -1;
		return -EINVAL;
	}
	if (fcntl(store->socket, F_SETFD, FD_CLOEXEC) < 0 ||
	    getsockopt(store->socket, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		r = -errno;
	else if (type != SOCK_SEQPACKET)
		r = -EPROTOTYPE;
	if (r == 0)
		r = table_read(store, table);
	close(table);
	if (r < 0)
		store_close(store);
	return r;
}

static void close_row(const struct fdstore_row *row)
{
	for (int32_t i = 0; i < row->count; i++)
		close(row->fds[i]);
}

void store_close(struct store *store)
{
	for (size_t i = 0; i < store->count; i++)
		close_row(&store->rows[i]);
	store->count = 0;
	if (store->socket >= 0)
		close(store->socket);
	store->socket = -1;
}

int store_take(struct store *store, const char *name, int *ret_fds, size_t count)
{
	for (size_t i = 0; i < store->count; i++) {
		struct fdstore_row row = store->rows[i];

		if (strcmp(row.name, name) != 0)
			continue;
		store->rows[i] = store->rows[--store->count];
		if ((size_t)row.count != count) {
			close_row(&row);
			return -EBADMSG;
		}
		for (size_t j = 0; j < count; j++)
			ret_fds[j] = row.fds[j];
		return 0;
	}
	return -ENOENT;
}

void store_settle(struct store *store)
{
	while (store->count > 0) {
		const struct fdstore_row *row = &store->rows[--store->count];

		close_row(row);
		(void)store_drop(store, row->name);
	}
}

/* ---- what is told ---- */

static int tell(struct store *store, enum fdstore_verb verb, const char *name, const int *fds,
		size_t count)
{
	struct fdstore_message message = {.verb = verb};
	union {
		char bytes[CMSG_SPACE(FDSTORE_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {&message, sizeof(message)};
	struct msghdr head = {.msg_iov = &iov, .msg_iovlen = 1};

	if (store->socket < 0)
		return 0;
	if (strlen(name) >= FDSTORE_NAME_MAX || count > FDSTORE_FDS_MAX)
		return -EINVAL;
	memcpy(message.name, name, strlen(name));
	if (count > 0) {
		struct cmsghdr *cmsg;

		memset(&control, 0, sizeof(control));
		head.msg_control = control.bytes;
		head.msg_controllen = CMSG_SPACE(count * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&head);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, count * sizeof(int));
	}
	/* init reads in each turn of its loop, and the pair has a time-out: this waits, but not on. */
	return sendmsg(store->socket, &head, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int store_put(struct store *store, const char *name, const int *fds, size_t count)
{
	return count == 0 ? -EINVAL : tell(store, FDSTORE_PUT, name, fds, count);
}

int store_drop(struct store *store, const char *name)
{
	return tell(store, FDSTORE_DROP, name, NULL, 0);
}

int store_stable(struct store *store)
{
	return tell(store, FDSTORE_STABLE, "", NULL, 0);
}
