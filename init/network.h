/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's one interface and its address, from node.conf or by DHCP, kept up to date while
 * the node runs. /run/anchorhold/network says what is in force.
 */
#ifndef ANCHORHOLD_INIT_NETWORK_H
#define ANCHORHOLD_INIT_NETWORK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf/node.h"
#include "init/backoff.h"
#include "init/lease.h"
#include "init/log.h"

#define NETWORK_RESULT "/run/anchorhold/network"

struct network {
	const struct node_conf *conf; /* NULL: no network at all */
	int route;		      /* rtnetlink */
	unsigned index;		      /* of the interface; 0: none found yet */
	char interface[IFNAMSIZ];
	struct lease lease; /* in force if lease.address is not 0; also for a static address */
	uint64_t expires_ms;
	uint64_t next_ms; /* when something is due; UINT64_MAX: never */
	pid_t pid;	  /* of the exchange under way; 0: none */
	uint64_t started_ms;
	struct backoff backoff;
	bool told; /* of an interface that is missing */
	bool reached;
};

/* Sets IPv6 as configured and brings up lo. conf is borrowed; NULL keeps the network down. */
void network_init(struct network *n, struct log *log, const struct node_conf *conf);

uint64_t network_deadline(const struct network *n);
void network_tick(struct network *n, struct log *log, uint64_t now_ms);

/* Takes the end of a child of init's; false: not the network's. */
bool network_ended(struct network *n, struct log *log, pid_t pid, int status, uint64_t now_ms);

/*
 * The name of the interface to use: wanted if not empty, else the Ethernet interface with the
 * lowest index. Returns its index, 0 if there is none.
 */
unsigned network_find(const char *wanted, char ret_name[IFNAMSIZ]);

#endif
