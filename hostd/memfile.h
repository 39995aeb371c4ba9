/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A memory file of fixed size that init keeps over the monitor's death (store.h): mapped, and sealed
 * so that nobody can cut it short below a mapping. It begins with a head, by which the next monitor
 * tells whether it reads what it would have written.
 */
#ifndef ANCHORHOLD_HOSTD_MEMFILE_H
#define ANCHORHOLD_HOSTD_MEMFILE_H

#include <stddef.h>
#include <stdint.h>

struct memfile_head {
	uint64_t magic; /* whose it is */
	uint32_t version;
	uint32_t row_size;
};

/* A new one of this size, zeros behind its head; *ret_fd's and *ret_at's to close. */
int memfile_new(const char *name, const struct memfile_head *head, size_t size, int *ret_fd,
		void **ret_at);

/* One that was made so, with this head and size: else -EPROTO. Takes fd. */
int memfile_open(int fd, const struct memfile_head *head, size_t size, void **ret_at);

void memfile_close(int fd, void *at, size_t size);

#endif
