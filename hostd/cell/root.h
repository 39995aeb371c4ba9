/* SPDX-License-Identifier: Apache-2.0 */
/* The cell's file system tree, put together in the child and made its only one. */
#ifndef ANCHORHOLD_CELL_ROOT_H
#define ANCHORHOLD_CELL_ROOT_H

#include "hostd/cell/plan.h"

/* Attaches the environment over the nursery's root and everything else inside it. */
int root_assemble(struct cell_plan *plan);

/* Makes it the root, and lets go of all that was before. */
int root_enter(struct cell_plan *plan);

#endif
