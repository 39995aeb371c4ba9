/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watchdog (hardware or softdog): while init's loop turns it is fed; if the kernel or init
 * hangs, the machine restarts. It is never disarmed, so that a shutdown that hangs ends too.
 */
#ifndef ANCHORHOLD_INIT_WATCHDOG_H
#define ANCHORHOLD_INIT_WATCHDOG_H

#include <stdint.h>

#include "init/log.h"

#define WATCHDOG_PERIOD_MS 5000u
#define WATCHDOG_TIMEOUT_S 30

struct watchdog {
	int fd;		  /* -1: the machine has none */
	uint64_t next_ms; /* UINT64_MAX with it */
};

void watchdog_open(struct watchdog *w, struct log *log);
void watchdog_tick(struct watchdog *w, uint64_t now_ms);

#endif
