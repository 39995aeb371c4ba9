/* SPDX-License-Identifier: Apache-2.0 */
/* A file's cached pages as buffers, in pipes and in packets, where the kernel once took them for
 * its own. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "environments/lua/hostile_pages.h"

#define SOL_TCP_LEVEL 6
#define TCP_ULP_OPTION 31
#define ZEROCOPY_OPTION 60
#define ZEROCOPY_FLAG 0x4000000

static const char byte[4096] = {'!'};

/* The kernel fills a buffer for us that is a page of the file. */
static long read_into(struct page_target *t)
{
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	return read(fd, t->shared, 4096);
}

/* The same by direct I/O, which pins pages instead of copying. */
static long direct_into(struct page_target *t)
{
	int fd = open("/tmp/direct", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	long rc;

	if (fd < 0 || write(fd, byte, sizeof(byte)) < 0)
		return -1;
	close(fd);
	fd = open("/tmp/direct", O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		return -1;
	rc = read(fd, t->shared, 4096);
	close(fd);
	return rc;
}

static long receive_into(struct page_target *t)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ||
	    write(pair[0], byte, 1) != 1)
		return -1;
	return recv(pair[1], t->shared, 1, 0);
}

/* Dirty Pipe: a page of the file in a pipe that believes it may be written to. */
static long splice_pipe(struct page_target *t)
{
	char buffer[4096];
	int pipe_fd[2];

	if (pipe2(pipe_fd, O_CLOEXEC) < 0 || write(pipe_fd[1], byte, 4096) != 4096 ||
	    read(pipe_fd[0], buffer, sizeof(buffer)) != 4096)
		return -1;
	if (syscall(SYS_splice, t->fd, NULL, pipe_fd[1], NULL, 1UL, 0U) < 0)
		return -1;
	return write(pipe_fd[1], byte, 1);
}

static long vmsplice_pipe(struct page_target *t)
{
	struct iovec vector = {t->shared, 4096};
	int pipe_fd[2];

	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return -1;
	return syscall(SYS_vmsplice, pipe_fd[1], &vector, 1UL, 8U);
}

static long tee_pipe(struct page_target *t)
{
	int a[2], b[2];

	(void)t;
	if (pipe2(a, O_CLOEXEC) < 0 || pipe2(b, O_CLOEXEC) < 0 || write(a[1], byte, 1) != 1)
		return -1;
	return syscall(SYS_tee, a[0], b[1], 1UL, 0U);
}

static long send_file(struct page_target *t)
{
	int pipe_fd[2];

	if (pipe2(pipe_fd, O_CLOEXEC) < 0 ||
	    syscall(SYS_sendfile, pipe_fd[1], t->fd, NULL, 1UL) < 0)
		return -1;
	return write(pipe_fd[1], byte, 1);
}

static long copy_range(struct page_target *t)
{
	return syscall(SYS_copy_file_range, t->fd, NULL, t->fd, NULL, 1UL, 0U);
}

/* Pages of the file in a packet, as the kernel's own ciphers then wrote to them in place. */
static int connected(int ret_fd[2])
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (listener < 0 || bind(listener, (struct sockaddr *)&address, len) < 0 ||
	    listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &len) < 0)
		return -1;
	ret_fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (ret_fd[0] < 0 || connect(ret_fd[0], (struct sockaddr *)&address, len) < 0)
		return -1;
	ret_fd[1] = accept(listener, NULL, NULL);
	return ret_fd[1] < 0 ? -1 : 0;
}

static long zerocopy(struct page_target *t)
{
	char buffer[4096];
	int on = 1, fd[2];

	if (connected(fd) < 0 ||
	    setsockopt(fd[0], SOL_SOCKET, ZEROCOPY_OPTION, &on, sizeof(on)) < 0 ||
	    send(fd[0], t->shared, 4096, ZEROCOPY_FLAG) < 0)
		return -1;
	return recv(fd[1], buffer, sizeof(buffer), 0);
}

static long kernel_tls(struct page_target *t)
{
	int fd[2];

	(void)t;
	if (connected(fd) < 0)
		return -1;
	return setsockopt(fd[0], SOL_TCP_LEVEL, TCP_ULP_OPTION, "tls", 3);
}

static long kernel_cipher(struct page_target *t)
{
	(void)t;
	return socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

const struct page_attempt packet_attempts[] = {
	{"recv into", receive_into},
	{"O_DIRECT into", direct_into},
	{"read into", read_into},
	{"splice", splice_pipe},
	{"vmsplice", vmsplice_pipe},
	{"tee", tee_pipe},
	{"sendfile", send_file},
	{"copy_file_range", copy_range},
	{"MSG_ZEROCOPY", zerocopy},
	{"TCP_ULP tls", kernel_tls},
	{"AF_ALG", kernel_cipher},
	{NULL, NULL},
};
