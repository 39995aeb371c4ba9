/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ANCHORHOLD_INIT_FIREWALL_H
#define ANCHORHOLD_INIT_FIREWALL_H

#include <stdint.h>

#include "conf/node.h"

#define FIREWALL_TABLE "anchorhold"
#define FIREWALL_LINK_UID 901u
#define FIREWALL_CELLS "cell"	   /* what cells' links are called, followed by a number */
#define FIREWALL_MARK 0x63656c6cu /* on what the monitor's table of the cells lets through */

/*
 * Puts the node's rules into force, in place of those before: all at once or not at all.
 * conf NULL: a node without a configuration speaks to nobody. Returns 0 or -errno.
 */
int firewall_set(const struct node_conf *conf);

#endif
