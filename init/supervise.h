/* SPDX-License-Identifier: Apache-2.0 */
/* hostd, kept running, and what it leaves to the next: its descriptors (fdstore.h). */
#ifndef ANCHORHOLD_INIT_SUPERVISE_H
#define ANCHORHOLD_INIT_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "init/backoff.h"
#include "init/fdstore.h"
#include "init/log.h"

#define HOSTD_PATH "/usr/sbin/hostd"

struct supervise {
	struct backoff backoff;
	pid_t pid; /* 0: not running */
	uint64_t started_ms;
	uint64_t start_ms; /* when to start it, while it does not run; UINT64_MAX: never */
	bool reached;	   /* the timeline has its first start */
	struct fdstore store;
};

void supervise_init(struct supervise *s, bool wanted);

/* When supervise_tick has something to do next. */
uint64_t supervise_deadline(const struct supervise *s);

/* A descriptor to poll for reading; -1: none. supervise_tick reads it. */
int supervise_fd(const struct supervise *s);

/* Takes what hostd wants kept; starts hostd if it is due. */
void supervise_tick(struct supervise *s, struct log *log, uint64_t now_ms);

/* Takes the end of a child of init's; false: not hostd. */
bool supervise_ended(struct supervise *s, struct log *log, pid_t pid, int status,
		     uint64_t now_ms);

#endif
