/* SPDX-License-Identifier: Apache-2.0 */
#include "init/network.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "init/dhcp.h"
#include "init/files.h"
#include "netlink/rtnl.h"
#include "netlink/socket.h"

#define LOOK_MS 500u /* between two looks for an interface */

static bool is_ethernet(int fd, const char *name)
{
	struct ifreq request = {0};

	memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	return ioctl(fd, SIOCGIFHWADDR, &request) == 0 &&
	       request.ifr_hwaddr.sa_family == ARPHRD_ETHER;
}

unsigned network_find(const char *wanted, char ret_name[IFNAMSIZ])
{
	struct if_nameindex *all = if_nameindex();
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned best = 0;

	for (struct if_nameindex *i = all; i && i->if_index != 0 && fd >= 0; i++) {
		bool fits = *wanted ? strcmp(i->if_name, wanted) == 0 : is_ethernet(fd, i->if_name);

		if (!fits || (best != 0 && i->if_index > best))
			continue;
		best = i->if_index;
		snprintf(ret_name, IFNAMSIZ, "%.*s", IFNAMSIZ - 1, i->if_name);
	}
	if (fd >= 0)
		close(fd);
	if (all)
		if_freenameindex(all);
	return best;
}

static void set_ipv6(struct log *log, const char *interface, const char *key, const char *value)
{
	char path[96];
	int err;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", interface, key);
	err = file_set(path, value);
	if (err && err != -ENOENT) /* a kernel without IPv6 is fine too */
		log_line(log, LOG_ERROR, "network: %s: %s", path, strerror(-err));
}

void network_init(struct network *n, struct log *log, const struct node_conf *conf)
{
	const char *disable = conf && conf->ipv6 ? "0" : "1";
	int err = rtnl_loopback_up();

	*n = (struct network){
		.conf = conf,
		.route = nl_open(NETLINK_ROUTE),
		.next_ms = conf ? 0 : UINT64_MAX,
		.backoff = {.first_ms = 500, .max_ms = 30000, .stable_ms = UINT32_MAX},
	};
	if (err)
		log_line(log, LOG_ERROR, "network: lo: %s", strerror(-err));
	set_ipv6(log, "all", "disable_ipv6", disable);
	set_ipv6(log, "default", "disable_ipv6", disable);
	if (!conf)
		return;
	if (n->route < 0)
		log_line(log, LOG_ERROR, "network: netlink: %s", strerror(-n->route));
	err = conf->network == NODE_DHCP ? dhcp_prepare() : 0;
	if (err)
		log_line(log, LOG_ERROR, "network: %s: %s", LEASE_FOLDER, strerror(-err));
}

static void tell(struct network *n, struct log *log)
{
	char address[IPV4_TEXT_MAX] = "", router[IPV4_TEXT_MAX] = "none", text[256];

	ipv4_format(n->lease.address, address);
	if (n->lease.router != 0)
		ipv4_format(n->lease.router, router);
	if (n->lease.address == 0)
		snprintf(text, sizeof(text), "interface %s\naddress none\n", n->interface);
	else
		snprintf(text, sizeof(text), "interface %s\naddress %s/%u\nrouter %s\nby %s\n",
			 n->interface, address, n->lease.bits, router,
			 n->conf->network == NODE_DHCP ? "dhcp" : "static");
	if (file_replace(NETWORK_RESULT, text))
		log_line(log, LOG_WARNING, "network: %s cannot be written", NETWORK_RESULT);
	if (n->lease.address != 0)
		log_line(log, LOG_INFO, "network: %s %s/%u, router %s", n->interface, address,
			 n->lease.bits, router);
	else
		log_line(log, LOG_WARNING, "network: %s has no address", n->interface);
	if (!n->reached)
		log_reached("network");
	n->reached = true;
}

/* What is gone already is gone. */
static int unless(int err, int expected)
{
	return err == expected ? 0 : err;
}

/*
 * The old address goes before the new one comes: the kernel would take a second one of the same
 * network for a part of the first, and drop both. Having failed, this may be called again: each
 * step does nothing where it is done already.
 */
static int change(struct network *n, const struct lease *old, const struct lease *new)
{
	int err = 0;

	if (old->address != 0 && (old->address != new->address || old->bits != new->bits))
		err = unless(rtnl_address_delete(n->route, n->index, old->address, old->bits),
			     -EADDRNOTAVAIL);
	if (!err && new->address != 0)
		err = rtnl_address_add(n->route, n->index, new->address, new->bits);
	if (!err && new->router != 0)
		err = rtnl_route_default(n->route, n->index, new->router);
	else if (!err)
		err = unless(rtnl_route_default_delete(n->route, n->index), -ESRCH);
	return err;
}

static int apply(struct network *n, struct log *log, const struct lease *lease)
{
	bool same = lease->address == n->lease.address && lease->bits == n->lease.bits &&
		    lease->router == n->lease.router;
	int err = same ? 0 : change(n, &n->lease, lease);

	if (err) {
		log_line(log, LOG_ERROR, "network: %s: %s", n->interface, strerror(-err));
		return err;
	}
	n->lease = *lease;
	if (!same)
		tell(n, log);
	return 0;
}

static void look(struct network *n, struct log *log, uint64_t now_ms)
{
	int err;

	n->next_ms = now_ms + LOOK_MS;
	n->index = network_find(n->conf->interface, n->interface);
	if (n->index == 0) {
		if (!n->told)
			log_line(log, LOG_ERROR, "network: no interface \"%s\"",
				 n->conf->interface[0] ? n->conf->interface : "of Ethernet");
		n->told = true;
		return;
	}
	if (n->conf->ipv6)
		set_ipv6(log, n->interface, "accept_ra", "1");
	err = rtnl_link_up(n->route, n->index);
	if (err) {
		log_line(log, LOG_ERROR, "network: %s: %s", n->interface, strerror(-err));
		n->index = 0;
		return;
	}
	n->next_ms = 0;
}

static void ask(struct network *n, struct log *log, uint64_t now_ms)
{
	pid_t pid = dhcp_start(n->interface, n->lease.address);

	n->started_ms = now_ms;
	if (pid > 0) {
		n->pid = pid;
		n->next_ms = now_ms + DHCP_RUN_MS;
		return;
	}
	log_line(log, LOG_ERROR, "network: dhcp: %s", strerror(-pid));
	n->next_ms = now_ms + backoff_wait(&n->backoff, 0);
}

static void set_static(struct network *n, struct log *log, uint64_t now_ms)
{
	struct lease lease = {
		.address = n->conf->address.address,
		.bits = n->conf->address.bits,
		.router = n->conf->router,
	};

	n->next_ms = UINT64_MAX;
	if (apply(n, log, &lease))
		n->next_ms = now_ms + backoff_wait(&n->backoff, 0);
}

uint64_t network_deadline(const struct network *n)
{
	return n->next_ms;
}

void network_tick(struct network *n, struct log *log, uint64_t now_ms)
{
	if (now_ms < n->next_ms)
		return;
	if (n->pid) { /* it has had its time; its end comes as a signal */
		dhcp_stop();
		n->next_ms = UINT64_MAX;
		return;
	}
	if (n->index == 0)
		look(n, log, now_ms);
	if (n->index == 0)
		return;
	if (n->conf->network == NODE_STATIC)
		set_static(n, log, now_ms);
	else
		ask(n, log, now_ms);
}

/* No answer: what is in force stays until it expires, and we ask again. */
static void failed(struct network *n, struct log *log, int status, const char *why, uint64_t now_ms)
{
	const struct lease none = {0};

	if (n->backoff.next_ms == 0)
		log_line(log, LOG_WARNING, "network: dhcp on %s: %s (status %#x)", n->interface, why,
			 (unsigned)status);
	if (n->lease.address != 0 && now_ms >= n->expires_ms)
		apply(n, log, &none);
	n->next_ms = now_ms + backoff_wait(&n->backoff, 0);
}

bool network_ended(struct network *n, struct log *log, pid_t pid, int status, uint64_t now_ms)
{
	struct conf_error error = {.text = "cannot be applied"};
	struct lease lease;

	if (n->pid == 0 || pid != n->pid)
		return false;
	n->pid = 0;
	dhcp_stop(); /* before its file is read: nobody writes to it any more */
	if (dhcp_result(&lease, &error) || apply(n, log, &lease)) {
		failed(n, log, status, error.text, now_ms);
		return true;
	}
	n->backoff.next_ms = 0;
	n->expires_ms = n->started_ms + (uint64_t)lease.seconds * 1000;
	n->next_ms = n->started_ms + (uint64_t)lease.seconds * 500; /* at half its time */
	return true;
}
