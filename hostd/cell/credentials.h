/* SPDX-License-Identifier: Apache-2.0 */
/* What the cell's child is allowed to be: uid, limits, capabilities. Each one way. */
#ifndef ANCHORHOLD_CELL_CREDENTIALS_H
#define ANCHORHOLD_CELL_CREDENTIALS_H

#include <stdint.h>

/* Become the one uid and gid of the namespace. Its capabilities stay until exec or the drop. */
int credentials_identity(void);

/* Resource limits that stand beside the cgroup's; an ordinary process's priority and umask,
 * whatever the monitor's are. */
int credentials_limits(uint32_t pids_max);

/* No new privileges, no ambient, bounding, permitted, effective or inheritable capability,
 * and securebits that keep it so. */
int credentials_drop(void);

/* Every signal at its default and none blocked: exec keeps what is ignored or blocked. */
int credentials_signals(void);

#endif
