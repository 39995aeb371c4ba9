/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kernels may reach: their way out as node.conf has it, a change while they run, the kill
 * switch, and what is counted of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostd/cell/util.h"
#include "hostd/adopt.h"
#include "hostd/log.h"
#include "hostd/monitor.h"

#define TICK_MS 500u /* between two looks at the counters: events are due within a second */

_Static_assert(EGRESS_RULES_MAX == LINK_EGRESS_RULES_MAX, "a policy fits");
_Static_assert(EGRESS_RESOLVERS_MAX == LINK_RESOLVERS_MAX, "its resolvers fit");

/* ---- the node's way out ---- */

/* Addresses that are nobody's business whatever a list says. The link's address by DHCP is not
 * known here, nor need it be: what is the node's own never gets as far as the forward chain. */
static void describe(const struct node_conf *conf, struct egress_node *ret_node)
{
	*ret_node = (struct egress_node){
		.address = conf->cells.address,
		.bits = conf->cells.bits,
		.rate_kibps = conf->egress_kibps,
	};
	snprintf(ret_node->interface, sizeof(ret_node->interface), "%s", node_conf_egress(conf));
	for (size_t i = 0; i < conf->gateways_count; i++)
		ret_node->never[ret_node->never_count++] = conf->gateways[i].address;
	if (conf->egress_address.address)
		ret_node->never[ret_node->never_count++] = conf->egress_address.address;
	if (conf->address.address)
		ret_node->never[ret_node->never_count++] = conf->address.address;
}

void network_start(struct monitor *monitor)
{
	struct cell_error error = {0};
	struct egress_node node;

	monitor->cut = monitor->paths->cut && access(monitor->paths->cut, F_OK) == 0;
	if (monitor->cut)
		log_info("the kill switch is on: no cell has a way out");
	if (!monitor->cells || !*monitor->conf.egress_interface)
		return;
	describe(&monitor->conf, &node);
	monitor->traffic = calloc(CELL_SLOTS_MAX, sizeof(*monitor->traffic));
	if (!monitor->traffic)
		return;
	if (cell_host_egress(monitor->cells, &node, monitor->cut, &error) == 0)
		return;
	log_error(error.error, "%s", error.step);
	free(monitor->traffic);
	monitor->traffic = NULL;
}

/* Why there is none now; NULL: there is one. */
static const char *no_way_out(const struct monitor *monitor)
{
	if (!*monitor->conf.egress_interface)
		return "egress: this node's node.conf has no egress_interface";
	if (!monitor->traffic)
		return "egress: the rules of this node's cells are not in force; see its log";
	if (monitor->paths->egress && access(monitor->paths->egress, F_OK) < 0)
		return "egress: the node's egress_interface is not up; see its log";
	return NULL;
}

/* ---- a kernel's policy ---- */

static void policy_of(const struct link_egress *from, struct egress_policy *ret_policy)
{
	*ret_policy = (struct egress_policy){
		.rules_count = from->rules_count,
		.resolvers_count = from->resolvers_count,
		.rate_kibps = from->rate_kibps,
		.bytes_max = from->bytes_max,
	};
	for (size_t i = 0; i < from->rules_count; i++)
		ret_policy->rules[i] = (struct egress_rule){
			.address = from->rules[i].address,
			.bits = from->rules[i].bits,
			.protocol = from->rules[i].protocol,
			.port_first = from->rules[i].port_first,
			.port_last = from->rules[i].port_last,
		};
	for (size_t i = 0; i < from->resolvers_count; i++)
		ret_policy->resolvers[i] = from->resolvers[i];
}

int kernel_network(struct kernel *kernel, struct egress_policy *ret_policy, struct cell_spec *spec,
		   struct cell_error *ret_error)
{
	const struct link_start *asked = &kernel->limits;
	const char *why;

	if (asked->network != LINK_NET_EGRESS) {
		spec->network = asked->network == LINK_NET_SEALED ? CELL_NETWORK_SEALED
								  : CELL_NETWORK_LOOPBACK;
		return 0;
	}
	why = no_way_out(kernel->monitor);
	if (why)
		return step_fail(ret_error, why, -EOPNOTSUPP);
	policy_of(&asked->egress, ret_policy);
	spec->network = CELL_NETWORK_EGRESS;
	spec->egress = ret_policy;
	return 0;
}

enum link_code kernel_set_network(struct kernel *kernel, const struct link_start *asked,
				  struct cell_error *ret_error)
{
	struct monitor *monitor = kernel->monitor;
	struct egress_policy policy;
	enum cell_network network = CELL_NETWORK_LOOPBACK;
	const char *why = NULL;

	if (kernel->state == LINK_KERNEL_DEAD)
		return LINK_E_DEAD;
	if (asked->network == LINK_NET_SEALED)
		network = CELL_NETWORK_SEALED;
	if (asked->network == LINK_NET_EGRESS) {
		network = CELL_NETWORK_EGRESS;
		why = no_way_out(monitor);
	}
	if (why) {
		step_fail(ret_error, why, -EOPNOTSUPP);
		return LINK_E_SYSTEM;
	}
	policy_of(&asked->egress, &policy);
	if (cell_set_network(kernel->cell, network, &policy, ret_error) < 0)
		return ret_error->error == EOPNOTSUPP ? LINK_E_INVALID : LINK_E_SYSTEM;
	kernel->limits.network = asked->network;
	kernel->limits.egress = asked->egress;
	network_watch(kernel);
	return LINK_OK;
}

/* ---- the kill switch ---- */

/* A file that outlives the monitor and the machine's restart: a cell that could bring either
 * about would else lift what was put on because of it. */
static int keep_cut(const char *path)
{
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
	int r = 0;

	if (!path)
		return 0;
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		r = -errno;
	close(fd);
	return r;
}

/* On: the rules first. Off: first what would put it on again. A failure leaves it on. */
enum link_code network_cut(struct monitor *monitor, bool on, struct cell_error *ret_error)
{
	const char *path = monitor->paths->cut;
	int r = 0;

	if (on)
		monitor->cut = true;
	if (on && monitor->cells && cell_host_cut(monitor->cells, true, ret_error) < 0)
		return LINK_E_SYSTEM;
	if (on)
		r = keep_cut(path);
	else if (path && unlink(path) < 0 && errno != ENOENT)
		r = -errno;
	if (r < 0) {
		step_fail(ret_error,
			  on ? "cut, but not kept over a restart of the node"
			     : "the kill switch stays on: its file cannot be removed", r);
		return LINK_E_SYSTEM;
	}
	if (!on && monitor->cells && cell_host_cut(monitor->cells, false, ret_error) < 0)
		return LINK_E_SYSTEM;
	monitor->cut = on;
	log_info("kill switch %s", on ? "on: no cell has a way out" : "off");
	return LINK_OK;
}

enum link_code kernel_cut(struct kernel *kernel, bool on, struct cell_error *ret_error)
{
	if (kernel->state == LINK_KERNEL_DEAD)
		return LINK_E_DEAD;
	return cell_cut(kernel->cell, on, ret_error) < 0 ? LINK_E_SYSTEM : LINK_OK;
}

/* ---- what is counted ---- */

int network_traffic(const struct kernel *kernel, struct egress_traffic *ret_traffic)
{
	struct monitor *monitor = kernel->monitor;
	unsigned slot = kernel->cell ? cell_slot(kernel->cell) : CELL_SLOTS_MAX;
	int r;

	*ret_traffic = (struct egress_traffic){0};
	if (!monitor->traffic || slot >= CELL_SLOTS_MAX)
		return 0;
	monitor->traffic[slot] = (struct egress_traffic){0};
	r = cell_host_traffic(monitor->cells, monitor->traffic, CELL_SLOTS_MAX);
	if (r == 0)
		*ret_traffic = monitor->traffic[slot];
	return r;
}

/* Refusals bite at once; a rate bites once it held back half of the time. */
static void look(struct kernel *kernel, const struct egress_traffic *now, uint64_t now_ms)
{
	struct kernel_traffic *last = &kernel->traffic;
	const struct link_egress *egress = &kernel->limits.egress;
	uint32_t kibps = egress->rate_kibps ? egress->rate_kibps
					    : kernel->monitor->conf.egress_kibps;
	uint64_t held;

	if (now->refused_packets > last->seen.refused_packets &&
	    edge_hit(&last->refused, now_ms))
		monitor_event(kernel->monitor, kernel, "denied.network",
			      "network: its policy refused %" PRIu64 " packets so far",
			      now->refused_packets);
	if (now->spent_packets > last->seen.spent_packets && edge_hit(&last->quota, now_ms))
		monitor_event(kernel->monitor, kernel, "limit.network",
			      "network: its quota of %" PRIu64 " bytes is used up (sent %" PRIu64
			      ", received %" PRIu64 ")",
			      egress->bytes_max, now->sent_bytes, now->received_bytes);
	if (now->limited_packets > last->seen.limited_packets)
		last->held_ms += now_ms - last->seen_ms;
	held = edge_window_add(&last->window, now_ms, last->held_ms, EDGE_MS);
	if (edge_holds(&last->rate, now_ms, held > EDGE_MS / 2))
		monitor_event(kernel->monitor, kernel, "limit.network",
			      "network: held to its rate of %u KiB/s (sent %" PRIu64
			      ", received %" PRIu64 " bytes)",
			      kibps, now->sent_bytes, now->received_bytes);
	last->seen = *now;
	last->seen_ms = now_ms;
}

static void tick(void *ctx)
{
	struct monitor *monitor = ctx;
	uint64_t now_ms = loop_now_ms();
	bool wanted = false;
	int r;

	memset(monitor->traffic, 0, CELL_SLOTS_MAX * sizeof(*monitor->traffic));
	r = cell_host_traffic(monitor->cells, monitor->traffic, CELL_SLOTS_MAX);
	if (r < 0)
		log_error(r, "network: counters");
	for (uint32_t i = 0; i < LINK_KERNELS_MAX; i++) {
		struct kernel *kernel = monitor->kernels[i];

		if (!kernel || !kernel->cell || !kernel->watched)
			continue;
		wanted = true;
		adopt_touch(kernel);
		if (r == 0)
			look(kernel, &monitor->traffic[cell_slot(kernel->cell)], now_ms);
	}
	if (wanted)
		loop_timer_start(monitor->loop, &monitor->network_timer, TICK_MS, tick, monitor);
}

void network_watch(struct kernel *kernel)
{
	struct monitor *monitor = kernel->monitor;

	if (kernel->limits.network != LINK_NET_EGRESS || !monitor->traffic)
		return;
	if (!kernel->watched)
		kernel->traffic.seen_ms = loop_now_ms();
	kernel->watched = true;
	if (!monitor->network_timer.set)
		loop_timer_start(monitor->loop, &monitor->network_timer, TICK_MS, tick, monitor);
}
