/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A memory file of fixed size that init keeps over the monitor's death (store.h): mapped, and sealed
 * so that nobody can cut it short below a mapping.
 */
#ifndef ANCHORHOLD_HOSTD_MEMFILE_H
#define ANCHORHOLD_HOSTD_MEMFILE_H

#include <stddef.h>

/* A new one of zeros, *ret_fd's and *ret_at's to close. */
int memfile_new(const char *name, size_t size, int *ret_fd, void **ret_at);

/* One that was made so, of this size: else -EPROTO. fd stays the caller's. */
int memfile_map(int fd, size_t size, void **ret_at);

void memfile_close(int fd, void *at, size_t size);

#endif
