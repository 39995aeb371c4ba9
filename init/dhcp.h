/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One exchange with a DHCP server: udhcpc asks, leaves its lease and ends, so that between two
 * exchanges no process holds a raw socket and the node has no UDP port open. It speaks through
 * packet sockets, past the firewall in both directions; the firewall has no rule for it.
 *
 * Whatever it reads there may be hostile, and may have taken it over: it has a uid, a root, process
 * numbers and a list of calls of its own, CAP_NET_RAW, and the node's network.
 */
#ifndef ANCHORHOLD_INIT_DHCP_H
#define ANCHORHOLD_INIT_DHCP_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "init/lease.h"

#define DHCP_UID 902u
#define DHCP_RUN_MS 30000u /* an exchange that takes longer is killed */

/* Makes LEASE_FOLDER: a few KiB that DHCP_UID may write, and nothing else it may. 0 or -errno. */
int dhcp_prepare(void);

/*
 * Starts an exchange on the interface, asking for address again (0: for any), and forgets the
 * last lease. Returns the pid or -errno.
 */
pid_t dhcp_start(const char *interface, uint32_t address);

/* What it is started with, whatever program it is: its argv, envp and output are the caller's. */
struct spawn;
void dhcp_confine(struct spawn *spawn);

/* Its list of calls. */
extern const struct sock_filter dhcp_calls[];
extern const size_t dhcp_calls_count;

/* Kills whatever is left of an exchange: between two there is no process of that uid. */
void dhcp_stop(void);

/* Reads the lease that an ended exchange has left. As lease_parse, -ENOENT: none. */
int dhcp_result(struct lease *ret_lease, struct conf_error *ret_error);

#endif
