/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes one system call fail, by its number in the order of those that build cells: a seccomp
 * filter sends them to a process beside us, which counts them and answers the chosen one with an
 * errno that nothing else gives. Children inherit the filter, and count apart.
 */
#ifndef ANCHORHOLD_CELL_TEST_INJECT_H
#define ANCHORHOLD_CELL_TEST_INJECT_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#define INJECTED ENOANO

/* Shared with the process that answers. */
struct control {
	atomic_bool armed;
	atomic_int count, fail_at, failed; /* the number of the call that was failed; -1: none */
	atomic_int home[2]; /* descriptors of the monitor's own mount and network namespace */
	atomic_int monitor; /* our pid */
	atomic_bool child; /* whose calls count: the two run side by side, in no fixed order */
};

/* From here on every such call of ours goes by the other process, which the caller kills at the end.
 * NULL where it cannot be done. */
struct control *inject_start(pid_t *ret_answerer);

#endif
