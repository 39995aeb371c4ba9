/* SPDX-License-Identifier: Apache-2.0 */
/* What the node says of itself in HELLO: read once, at the monitor's start. */
#ifndef ANCHORHOLD_HOSTD_NODE_H
#define ANCHORHOLD_HOSTD_NODE_H

#include "conf/node.h"
#include "hostd/environment.h"
#include "link/wire.h"

struct node_files {
	const char *promises;
	const char *version;
	const char *build_id;
	const char *timeline; /* NULL: none */
};

/*
 * Fills everything but kernels and entry_to_link_ms. Missing files leave their field empty, but
 * for the promises: where they cannot be read, that itself is a missing one.
 */
void node_describe(const struct node_files *files, const struct node_conf *conf,
		   const struct environments *environments, struct link_hello *ret_hello);

/* The promises' result, `ok NAME` or `missing NAME REASON` a line; others count as missing. */
void node_promises(const char *text, struct link_hello *hello);

/* The steps of the boot, `NAME MILLISECONDS` a line; other lines are left out. */
void node_timeline(const char *text, struct link_hello *hello);

#endif
