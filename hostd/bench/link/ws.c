/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "hostd/bench/link/bench_link.h"

#define HEADER_MAX 14u
#define IN_MIN (1u << 20)
#define MESSAGE_MAX (64u << 20)

enum opcode { OP_CONTINUE = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

struct ws {
	int fd;
	uint8_t *in; /* bytes start..end were received and not yet taken */
	size_t size, start, end;
	uint8_t *whole; /* a message of several frames is put together here */
	size_t whole_len, whole_size;
};

static int connect_to(const char *address)
{
	const struct timeval wait = {.tv_sec = BENCH_WAIT_S};
	struct sockaddr_in name = {.sin_family = AF_INET};
	const char *colon = strrchr(address, ':');
	char host[64];
	int fd, one = 1;

	if (!colon || (size_t)(colon - address) >= sizeof(host))
		return -EINVAL;
	memcpy(host, address, (size_t)(colon - address));
	host[colon - address] = '\0';
	name.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	if (inet_pton(AF_INET, host, &name.sin_addr) != 1)
		return -EINVAL;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0 ||
	    connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

/* ---- bytes ---- */

/* More of them: -EPIPE at the end, -ETIMEDOUT where none come. */
static int fill(struct ws *ws)
{
	ssize_t len;

	if (ws->end == ws->size) {
		memmove(ws->in, ws->in + ws->start, ws->end - ws->start);
		ws->end -= ws->start;
		ws->start = 0;
	}
	if (ws->end == ws->size) {
		uint8_t *grown = ws->size < MESSAGE_MAX ? realloc(ws->in, ws->size * 2) : NULL;

		if (!grown)
			return -ENOMEM;
		ws->in = grown;
		ws->size *= 2;
	}
	len = recv(ws->fd, ws->in + ws->end, ws->size - ws->end, 0);
	if (len <= 0)
		return len == 0 ? -EPIPE : errno == EAGAIN ? -ETIMEDOUT : -errno;
	ws->end += (size_t)len;
	return 0;
}

static int need(struct ws *ws, size_t len)
{
	int r = 0;

	while (r == 0 && ws->end - ws->start < len)
		r = fill(ws);
	return r;
}

/* ---- the upgrade ---- */

static int upgrade(struct ws *ws, const char *address, const char *kernel)
{
	const char *token = getenv("BENCH_TOKEN"), *end;
	char request[1024];
	int len = snprintf(request, sizeof(request),
			   "GET /api/kernels/%s/channels?session_id=bench HTTP/1.1\r\n"
			   "Host: %s\r\nAuthorization: token %s\r\n"
			   "Upgrade: websocket\r\nConnection: Upgrade\r\n"
			   "Sec-WebSocket-Key: YmVuY2gtbGluay1iZW5jaA==\r\n"
			   "Sec-WebSocket-Version: 13\r\n"
			   "Sec-WebSocket-Protocol: v1.kernel.websocket.jupyter.org\r\n\r\n",
			   kernel, address, token ? token : "");
	int r = 0;

	if (len < 0 || (size_t)len >= sizeof(request))
		return -EMSGSIZE;
	if (send(ws->fd, request, (size_t)len, MSG_NOSIGNAL) != len)
		return -errno;
	while (r == 0 && !(end = memmem(ws->in, ws->end, "\r\n\r\n", 4)))
		r = fill(ws);
	if (r < 0)
		return r;
	ws->start = (size_t)(end - (char *)ws->in) + 4;
	return memcmp(ws->in, "HTTP/1.1 101", 12) == 0 ? 0 : -EACCES;
}

int ws_open(const char *address, const char *kernel, struct ws **ret_ws)
{
	struct ws *ws = calloc(1, sizeof(*ws));
	int r;

	if (!ws)
		return -ENOMEM;
	ws->fd = connect_to(address);
	ws->in = malloc(IN_MIN);
	ws->size = IN_MIN;
	r = ws->fd < 0 ? ws->fd : !ws->in ? -ENOMEM : upgrade(ws, address, kernel);
	if (r < 0)
		ws_free(ws);
	else
		*ret_ws = ws;
	return r;
}

void ws_free(struct ws *ws)
{
	if (!ws)
		return;
	if (ws->fd >= 0)
		close(ws->fd);
	free(ws->in);
	free(ws->whole);
	free(ws);
}

/* ---- frames ---- */

/* A mask of zeros is one, and leaves the bytes as they are. */
static int frame_send(struct ws *ws, enum opcode opcode, const uint8_t *data, size_t len)
{
	uint8_t header[HEADER_MAX] = {(uint8_t)(0x80 | opcode)};
	struct iovec iov[2] = {{header, 0}, {(void *)data, len}};
	size_t at = 2;

	if (len < 126) {
		header[1] = (uint8_t)(0x80 | len);
	} else if (len < 65536) {
		header[1] = 0x80 | 126;
		header[2] = (uint8_t)(len >> 8);
		header[3] = (uint8_t)len;
		at = 4;
	} else {
		return -EMSGSIZE;
	}
	iov[0].iov_len = at + 4;
	return writev(ws->fd, iov, 2) == (ssize_t)(at + 4 + len) ? 0 : -EPIPE;
}

int ws_send(struct ws *ws, const uint8_t *data, size_t len)
{
	return frame_send(ws, OP_BINARY, data, len);
}

/* One frame, whole; its bytes live until more are received. */
static int frame_receive(struct ws *ws, uint8_t *ret_first, const uint8_t **ret_data,
			 size_t *ret_len)
{
	size_t len, at = 2;
	int r = need(ws, 2);

	if (r < 0)
		return r;
	len = ws->in[ws->start + 1] & 0x7f;
	if (len >= 126) {
		at = len == 126 ? 4 : 10;
		r = need(ws, at);
		len = 0;
		for (size_t i = 2; r == 0 && i < at; i++)
			len = len << 8 | ws->in[ws->start + i];
	}
	if (r == 0)
		r = len > MESSAGE_MAX ? -EMSGSIZE : need(ws, at + len);
	if (r < 0)
		return r;
	*ret_first = ws->in[ws->start];
	*ret_data = ws->in + ws->start + at;
	*ret_len = len;
	ws->start += at + len;
	if (ws->start == ws->end)
		ws->start = ws->end = 0;
	return 0;
}

static int whole_add(struct ws *ws, const uint8_t *data, size_t len)
{
	if (ws->whole_len + len > ws->whole_size) {
		size_t size = 2 * (ws->whole_len + len);
		uint8_t *grown = realloc(ws->whole, size);

		if (!grown)
			return -ENOMEM;
		ws->whole = grown;
		ws->whole_size = size;
	}
	memcpy(ws->whole + ws->whole_len, data, len);
	ws->whole_len += len;
	return 0;
}

int ws_receive(struct ws *ws, const uint8_t **ret_data, size_t *ret_len)
{
	ws->whole_len = 0;
	for (;;) {
		const uint8_t *data;
		uint8_t first;
		size_t len;
		int r = frame_receive(ws, &first, &data, &len);

		if (r == 0 && (first & 0xf) == OP_CLOSE)
			r = -ECONNRESET;
		if (r == 0 && (first & 0xf) == OP_PING)
			r = frame_send(ws, OP_PONG, data, len);
		if (r < 0)
			return r;
		if ((first & 0xf) > OP_BINARY)
			continue;
		*ret_data = data;
		*ret_len = len;
		if ((first & 0x80) && ws->whole_len == 0)
			return 0;
		r = whole_add(ws, data, len);
		*ret_data = ws->whole;
		*ret_len = ws->whole_len;
		if (r < 0 || (first & 0x80))
			return r;
	}
}
