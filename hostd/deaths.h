/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How kernels ended that are gone from the node: what the next link tells gateways that were away,
 * for the link that knew may have died. In a memory file that outlives the monitor too (store.h).
 * Of more than DEATHS_MAX the oldest go; each stays until DEATHS_MS after a gateway was there to be
 * told. Times are loop_now_ms().
 */
#ifndef ANCHORHOLD_HOSTD_DEATHS_H
#define ANCHORHOLD_HOSTD_DEATHS_H

#include <stdbool.h>
#include <stdint.h>

#include "hostd/ipc.h"

#define DEATHS_MAX 128u
#define DEATHS_MS 60000u

struct deaths_file;

struct deaths {
	int fd; /* -1: none, then nothing is noted */
	struct deaths_file *file;
};

/* A new one without any, *ret_deaths's to close. */
int deaths_new(struct deaths *ret_deaths);

/* Another monitor's; takes fd. -EPROTO where it is none of this version and size. */
int deaths_open(int fd, struct deaths *ret_deaths);
void deaths_close(struct deaths *deaths);

/* In place of what was noted under its id. told_ms: now, or 0 where no gateway is there. */
void deaths_note(struct deaths *deaths, const struct ipc_kernel *kernel, uint64_t told_ms);

/* Another kernel has this id. */
void deaths_forget(struct deaths *deaths, const uint8_t id[LINK_ID_LEN]);

/* A gateway is there: those that none was told of are told now. */
void deaths_told(struct deaths *deaths, uint64_t now_ms);

/* Those go that were told so long ago. */
void deaths_expire(struct deaths *deaths, uint64_t now_ms);

/* The next at *at or after, which is 0 at first; false: there is none. */
bool deaths_next(const struct deaths *deaths, uint32_t *at, struct ipc_kernel *ret_kernel);

#endif
