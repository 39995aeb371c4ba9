/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way out for cells whose policy has one: the interface that the operator set aside for them
 * (or the link's own, where told so), its address and router in a routing table that only the
 * cells' addresses are led to. Without a word of it in node.conf nothing here does anything.
 * /run/anchorhold/egress is there once it can be used.
 */
#ifndef ANCHORHOLD_INIT_CELLNET_H
#define ANCHORHOLD_INIT_CELLNET_H

#include "init/lease.h"
#include "init/log.h"
#include "init/network.h"

#define CELLNET_RESULT "/run/anchorhold/egress"
#define CELLNET_TABLE 99u /* of routes; no other than cells' packets come to it */

struct cellnet {
	const struct node_conf *conf; /* NULL: no way out */
	int route;		      /* rtnetlink */
	uint64_t next_ms;	      /* when something is due; UINT64_MAX: never */
	struct lease lease;	      /* in force if lease.address is not 0 */
	bool told;		      /* of what is missing */
};

/* conf is borrowed; NULL, or one without an egress_interface, for no way out. */
void cellnet_init(struct cellnet *cellnet, struct log *log, const struct node_conf *conf);

uint64_t cellnet_deadline(const struct cellnet *cellnet);

/* network: what the link's own interface has now, for a way out that goes by it. */
void cellnet_tick(struct cellnet *cellnet, struct log *log, const struct network *network,
		  uint64_t now_ms);

#endif
