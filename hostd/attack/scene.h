/* SPDX-License-Identifier: Apache-2.0 */
/* The machine that attack-cells makes around its cells: as a node's, with something to reach. */
#ifndef ANCHORHOLD_ATTACK_SCENE_H
#define ANCHORHOLD_ATTACK_SCENE_H

#include <stdbool.h>
#include <sys/types.h>

#define SCENE_CELLS "/sys/fs/cgroup/cells"
#define SCENE_ENVIRONMENT "/run/environment"
#define SCENE_DUMPABLE "/run/dumpable" /* its cell-init does not hide itself */
#define SCENE_LINKED "/run/linked"     /* a folder of environments, each with a link in it */

/* File systems, cgroups, environments, the node's addresses. Negative, and said why, on failure. */
int scene_mount(void);

/* A process of root's that listens at an abstract socket, and System V and POSIX objects of
 * root's. Returns its pid. */
pid_t scene_outside(void);

/* The node's sysctl.conf, or settings that refuse nothing. The strict ones are for good. */
void scene_sysctl(bool strict);

#endif
