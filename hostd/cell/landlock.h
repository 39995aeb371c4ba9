/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock: what of the tree may be done what with, once more and by another mechanism than
 * mounts and modes; and signals and abstract sockets that stay within the cell. ABI 6 (Linux
 * 6.12) is what the image has; less is an error, not a weaker cell.
 */
#ifndef ANCHORHOLD_CELL_LANDLOCK_H
#define ANCHORHOLD_CELL_LANDLOCK_H

#include "hostd/cell/plan.h"

#define LANDLOCK_ABI 6

/* -EOPNOTSUPP where the running kernel has not at least LANDLOCK_ABI. */
int landlock_check(void);

/* In the child, in its final root and with no_new_privs: opens what the template names and
 * restricts the process for good. No mount can change after it. */
int landlock_restrict(const struct cell_plan *plan);

#endif
