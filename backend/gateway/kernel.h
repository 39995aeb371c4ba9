/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel as the gateway knows it: whose it is, where it runs, what the node last said of it. */
#ifndef ANCHORHOLD_GATEWAY_KERNEL_H
#define ANCHORHOLD_GATEWAY_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/gateway/activity.h"
#include "backend/gateway/ids.h"
#include "link/wire.h"

struct node;
struct pending;
struct session;

#define KERNEL_SESSIONS_MAX 32u /* clients of one kernel; below the node's LINK_SESSIONS_MAX */

struct kernel {
	uint8_t id[LINK_ID_LEN];
	char text[IDS_TEXT_LEN + 1];
	char environment[LINK_NAME_MAX];
	char owner[LINK_NAME_MAX];
	char project[LINK_NAME_MAX];
	int64_t created; /* Unix seconds */

	struct node *node; /* never NULL while the kernel is in the fleet */
	struct kernel *node_next, *node_prev; /* the node's kernels */

	uint8_t state; /* enum link_kernel_state; 0: the node has not spoken of it yet */
	uint8_t reason;
	int32_t status;
	char why[LINK_TEXT_MAX];
	uint32_t incarnation;
	unsigned life; /* grows where it is started anew: another log */
	uint64_t dead_ms;      /* when it died, of clock_ms() */
	bool restart_asked;    /* by a client: its clients need no `restarting` */
	bool stop_sent;	       /* the node was told to forget it */
	bool deleting;	       /* hidden; stopped as soon as the node can be told */
	uint64_t in_seq[LINK_CHANNELS]; /* the last IN of this incarnation and connection */
	struct link_start start; /* its limits and policies, as it was started with them */
	uint8_t network_max; /* enum link_network: its client never wanted more */
	bool network_changed; /* after its start: told again on each connection */
	bool cut;	      /* the kill switch is on for it alone */
	bool cut_changed;     /* it was used: told again on each connection */

	struct activity activity;
	struct session *sessions; /* its clients; owned by channels.c */
	unsigned connections;
	struct pending *pendings; /* requests under way for it; owned by pending.c */
};

/*
 * A sentence for people: why it died, with the limit and its value or the signal's name; of a limit
 * the node's own, where it said one.
 */
void kernel_reason(const struct kernel *kernel, char *ret_text, size_t size);
/* Was it a limit that ended it? */
bool kernel_limit(const struct kernel *kernel);
/* The reason in a word, for programs: "memory", "exited"; "" while it lives. */
const char *kernel_reason_name(const struct kernel *kernel);
const char *kernel_state_name(uint8_t state);

#endif
