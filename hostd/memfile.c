/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/memfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static int map(int fd, size_t size, void **ret_at)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED || !at)
		return -ENOMEM;
	*ret_at = at;
	return 0;
}

int memfile_new(const char *name, const struct memfile_head *head, size_t size, int *ret_fd,
		void **ret_at)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		r = -errno;
	else
		r = map(fd, size, ret_at);
	if (r < 0) {
		close(fd);
		return r;
	}
	memcpy(*ret_at, head, sizeof(*head));
	*ret_fd = fd;
	return 0;
}

static int map_known(int fd, const struct memfile_head *head, size_t size, void **ret_at)
{
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0 || fcntl(fd, F_GET_SEALS) != SEALS || st.st_size != (off_t)size)
		return -EPROTO;
	r = map(fd, size, ret_at);
	if (r < 0 || memcmp(*ret_at, head, sizeof(*head)) == 0)
		return r;
	munmap(*ret_at, size);
	return -EPROTO;
}

int memfile_open(int fd, const struct memfile_head *head, size_t size, void **ret_at)
{
	int r = map_known(fd, head, size, ret_at);

	if (r < 0)
		close(fd);
	return r;
}

void memfile_close(int fd, void *at, size_t size)
{
	munmap(at, size);
	close(fd);
}
