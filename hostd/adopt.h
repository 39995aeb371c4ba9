/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels outlive the monitor. What it holds of them is kept by init (store.h) and noted in a memory
 * file (state.h); the monitor that follows goes on from there, and holds it against the cgroup tree:
 * what is noted and not there is lost, what is there and not noted is ended.
 *
 *	adopt.c		at the start
 *	adopt_note.c	while it runs
 */
#ifndef ANCHORHOLD_HOSTD_ADOPT_H
#define ANCHORHOLD_HOSTD_ADOPT_H

#include "hostd/monitor.h"

#define ADOPT_STABLE_MS 5000u /* a monitor that ran so long after it adopted will go on to run */

/* Before the cells' host is made: what was left, as far as it is of use. */
void adopt_open(struct monitor *monitor);

/* The host of the cells: with what was left, where that can be had. */
int adopt_cells(struct monitor *monitor, struct cell_error *ret_error);

/* With the host and its way out: all kernels that can be had; whatever else was left ends. */
void adopt_kernels(struct monitor *monitor);

void adopt_close(struct monitor *monitor);

/* ---- adopt_note.c ---- */

/* The kernel changes in this turn of the loop; noted at its end (adopt_turn, the loop's act). */
void adopt_touch(struct kernel *kernel);
void adopt_turn(void *ctx);

/* At once. */
void adopt_note(struct kernel *kernel);

/* Before it is removed. */
void adopt_forget(struct kernel *kernel);

void adopt_cell_name(char ret[FDSTORE_NAME_MAX], uint32_t place, uint32_t incarnation);
void adopt_relay_name(char ret[FDSTORE_NAME_MAX], uint32_t place, uint32_t generation);

#endif
