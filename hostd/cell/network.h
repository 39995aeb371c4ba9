/* SPDX-License-Identifier: Apache-2.0 */
/* The cell's network namespace: empty, or with a loopback that is up. */
#ifndef ANCHORHOLD_CELL_NETWORK_H
#define ANCHORHOLD_CELL_NETWORK_H

#include "hostd/cell/cell.h"

/* In the child, in its own network namespace. */
int network_setup(enum cell_network network);

#endif
