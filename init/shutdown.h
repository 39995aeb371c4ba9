/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ANCHORHOLD_INIT_SHUTDOWN_H
#define ANCHORHOLD_INIT_SHUTDOWN_H

#include <sys/types.h>

#include "init/log.h"
#include "init/watchdog.h"

/* The reboot(2) command that a signal asks for, as BusyBox has it; 0: the signal asks nothing. */
int shutdown_command(int signal);

/*
 * Ends everything and the machine: hostd (0: not running) is asked first and has a few seconds,
 * everything else is killed, file systems are written out and let go. Does not return.
 */
_Noreturn void shutdown_run(struct log *log, struct watchdog *watchdog, pid_t hostd, int command);

#endif
