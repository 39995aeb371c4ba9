/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Core scheduling, on boards that keep hardware threads: the kernel then lets only tasks of one
 * cookie run on the threads of a core at the same time. The cells of a project share a cookie;
 * everything of the node's own has none, and so never runs beside a cell.
 *
 * No process holds a project's cookie: a cell that runs has it, and with a project's last cell it
 * ends, when there is nobody left that it could keep apart.
 */
#ifndef ANCHORHOLD_CELL_CORESCHED_H
#define ANCHORHOLD_CELL_CORESCHED_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Whether threads share cores on this machine. If they do the kernel has to have cookies:
 * -errno where it has not, since then no cell may run.
 */
int coresched_init(bool *ret_needed);

/* The child of clone3, before its first own step: the cookie of `sibling`, or a new one if that is
 * 0 or has ended meanwhile. */
int coresched_give(pid_t child, pid_t sibling);

#endif
