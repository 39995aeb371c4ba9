/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A way out of the node, tried: a node, two cells and an outside, each a network namespace. For
 * each thing denied an attempt, and one that shows that it is that rule which denies it.
 * Skipped (77) without the right to make namespaces, or where this kernel lacks what it needs.
 */
#include "hostd/cell/egress.h"
#include "hostd/cell/test_hosts.h"
#include "hostd/cell/util.h"

#include "link/check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netlink/conntrack.h"
#include "netlink/nft.h"
#include "netlink/rtnl.h"
#include "netlink/socket.h"

#define SKIP 77
#define NFT "/usr/sbin/nft"
#define LINK_US 300000 /* a new link begins to send when the kernel comes to it */

#define RANGE 0x647fe000u   /* 100.127.224.0/19 */
#define NODE 0xc0000202u    /* 192.0.2.2, the node's address outside */
#define ROUTER 0xc0000201u  /* 192.0.2.1, the outside's */
#define LINK 0x0a090807u    /* 10.9.8.7, another address of the node */
#define SERVER 0xc633640au  /* 198.51.100.10 */
#define OTHER 0xc6336414u   /* 198.51.100.20 */
#define RESOLVER 0xc6336435u /* 198.51.100.53 */
#define GATEWAY 0xcb007107u /* 203.0.113.7 */
#define METADATA 0xa9fea9feu /* 169.254.169.254 */
#define BROADCAST 0xffffffffu
#define GROUP 0xe00000fbu /* 224.0.0.251 */

static const uint32_t outside_addresses[] = {SERVER, OTHER, RESOLVER, GATEWAY, METADATA};

struct world {
	struct check *check;
	struct host outside, one, two;
	struct egress egress;
	struct egress_cell cells[2];
};

static const struct egress_policy listed = {
	.rules_count = 2,
	.rules = {{SERVER, 32, IPPROTO_TCP, 80, 82}, {SERVER, 32, IPPROTO_ICMP, 0, 0}},
	.resolvers_count = 1,
	.resolvers = {RESOLVER},
};
static const struct egress_policy everything = {.rules_count = 1, .rules = {{0, 0, 0, 0, 0}}};
static const struct egress_policy nothing;

static int try(const struct host *host, enum host_act act, uint32_t address, uint16_t port)
{
	const struct host_request request = {.act = act, .address = address, .port = port};

	return host_ask(host, &request);
}

static int talk(const struct host *host, enum host_act act, uint32_t bytes)
{
	const struct host_request request = {
		.act = act, .address = SERVER, .port = 80, .bytes = bytes};

	return host_ask(host, &request);
}

/* The same, where no answer is expected. */
static int ignored(const struct host *host, enum host_act act, uint32_t address, uint32_t bytes)
{
	const struct host_request request = {
		.act = act, .address = address, .port = 80, .bytes = bytes, .brief = true};

	return host_ask(host, &request);
}

/* Opens a netlink socket in the machine's namespace. */
static int route_of(const struct world *world, const struct host *host)
{
	int fd;

	if (setns(host->pidfd, CLONE_NEWNET) < 0)
		return -errno;
	fd = nl_open(NETLINK_ROUTE);
	if (setns(world->egress.home, CLONE_NEWNET) < 0)
		abort();
	return fd;
}

/* ---- the world ---- */

static int make_outside(struct world *world)
{
	const struct rtnl_veth veth = {"eth0", 2, 1500, "out", world->egress.home};
	const struct rtnl_route back = {253, RANGE, 19, NODE, 2};
	int fd = route_of(world, &world->outside), result = rtnl_veth_add(fd, &veth);
	unsigned out = if_nametoindex("out");

	if (result == 0)
		result = rtnl_link_up(fd, 2);
	if (result == 0)
		result = rtnl_address_add(fd, 2, ROUTER, 24);
	for (size_t i = 0; i < sizeof(outside_addresses) / sizeof(outside_addresses[0]); i++)
		if (result == 0)
			result = rtnl_address_add(fd, 1, outside_addresses[i], 32);
	if (result == 0)
		result = rtnl_route_set(fd, &back); /* so that it could reach a cell */
	close(fd);
	fd = world->egress.route;
	if (result == 0)
		result = rtnl_link_up(fd, out);
	if (result == 0)
		result = rtnl_address_add(fd, out, NODE, 24);
	if (result == 0)
		result = rtnl_address_add(fd, 1, LINK, 32);
	if (result == 0)
		result = rtnl_route_default(fd, out, ROUTER);
	return result ? result : rtnl_link_forwards(fd, out, true);
}

/* What init's table does: only what is marked goes on, with the node's address. */
static int make_firewall(const struct world *world)
{
	struct nl nl;

	nft_begin(&nl, "anchorhold");
	nft_chain(&nl, "anchorhold", "forward", NFT_HOOK_FORWARD, NFT_VERDICT_DROP);
	nft_rule(&nl, "anchorhold", "forward");
	nft_match_mark(&nl, EGRESS_MARK);
	nft_rule_end(&nl, NFT_VERDICT_ACCEPT);
	nft_chain_source_nat(&nl, "anchorhold", "postrouting");
	nft_rule(&nl, "anchorhold", "postrouting");
	nft_match_ipv4(&nl, NFT_SOURCE, RANGE, 19);
	nft_match_oifname(&nl, "out");
	nft_masquerade(&nl);
	nft_rule_none(&nl);
	return nft_commit(&nl, world->egress.nft);
}

static void make_servers(struct world *world)
{
	const uint16_t tcp[] = {53, 80, 81, 82, 83};
	const struct {
		uint32_t address;
		uint16_t port;
	} udp[] = {{SERVER, 80}, {RESOLVER, 53}, {RESOLVER, 5353}};

	for (size_t i = 0; i < sizeof(tcp) / sizeof(tcp[0]); i++)
		CHECK_EQ(world->check, try(&world->outside, HOST_SERVE_TCP, 0, tcp[i]), 0);
	for (size_t i = 0; i < sizeof(udp) / sizeof(udp[0]); i++)
		CHECK_EQ(world->check, try(&world->outside, HOST_SERVE_UDP, udp[i].address, udp[i].port),
			 0);
	CHECK_EQ(world->check, try(&world->one, HOST_SERVE_TCP, 0, 80), 0);
	CHECK_EQ(world->check, try(&world->two, HOST_SERVE_TCP, 0, 80), 0);
	CHECK_EQ(world->check, host_serve_here(80), 0);
}

static int make_world(struct world *world)
{
	const struct egress_node node = {
		.interface = "out",
		.address = RANGE,
		.bits = 19,
		.rate_kibps = 100000,
		.never_count = 2,
		.never = {GATEWAY, NODE},
	};
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), result;

	egress_init(&world->egress);
	result = egress_open(&world->egress, proc, &node, false);
	close(proc);
	if (result == 0)
		result = make_outside(world);
	if (result == 0)
		result = make_firewall(world);
	world->cells[0] = (struct egress_cell){.slot = 3};
	world->cells[1] = (struct egress_cell){.slot = 4000};
	for (size_t i = 0; i < 2 && result == 0; i++) {
		result = egress_set(&world->egress, &world->cells[i], &nothing);
		if (result == 0)
			result = egress_attach(&world->egress, &world->cells[i],
					       i ? world->two.pidfd : world->one.pidfd);
	}
	return result;
}

/* ---- the list ---- */

static const struct {
	const char *name;
	enum host_act act;
	uint32_t address;
	uint16_t port;
	int error; /* under `listed`; under `everything` all of them go through */
} rows[] = {
	{"listed", HOST_TCP, SERVER, 80, 0},
	{"the last port of a range", HOST_TCP, SERVER, 82, 0},
	{"a port behind it", HOST_TCP, SERVER, 83, ECONNREFUSED},
	{"another address", HOST_TCP, OTHER, 80, ECONNREFUSED},
	{"another protocol", HOST_UDP, SERVER, 80, EHOSTUNREACH},
	{"the router itself", HOST_TCP, ROUTER, 80, ECONNREFUSED},
	{"a resolver by UDP", HOST_UDP, RESOLVER, 53, 0},
	{"a resolver by TCP", HOST_TCP, RESOLVER, 53, 0},
	{"a resolver's other port", HOST_UDP, RESOLVER, 5353, EHOSTUNREACH},
	{"echo to a listed address", HOST_PING, SERVER, 0, 0},
	{"echo to another", HOST_PING, OTHER, 0, EHOSTUNREACH},
};

static void test_list(struct world *world)
{
	struct check *check = world->check;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check->row = rows[i].name;
		CHECK_EQ(check, egress_set(&world->egress, &world->cells[0], &nothing), 0);
		CHECK_EQ(check, try(&world->one, rows[i].act, rows[i].address, rows[i].port),
			 rows[i].act == HOST_TCP ? ECONNREFUSED : EHOSTUNREACH);
		CHECK_EQ(check, egress_set(&world->egress, &world->cells[0], &listed), 0);
		CHECK_EQ(check, try(&world->one, rows[i].act, rows[i].address, rows[i].port),
			 rows[i].error);
		CHECK_EQ(check, egress_set(&world->egress, &world->cells[0], &everything), 0);
		CHECK_EQ(check, try(&world->one, rows[i].act, rows[i].address, rows[i].port), 0);
	}
	check->row = NULL;
}

/* ---- what no list allows ---- */

static int without(const struct world *world, const char *chain)
{
	struct nl nl;

	nft_begin_add(&nl, EGRESS_TABLE);
	nft_rules_delete(&nl, EGRESS_TABLE, chain);
	return nft_commit(&nl, world->egress.nft);
}

/* As it was: the table anew, and what the cells have in it. */
static void again(struct world *world)
{
	CHECK_EQ(world->check, egress_rules_open(&world->egress), 0);
	for (size_t i = 0; i < 2; i++) {
		world->cells[i].rules = false;
		CHECK_EQ(world->check,
			 egress_set(&world->egress, &world->cells[i], &everything), 0);
	}
}

static void test_never(struct world *world)
{
	const struct {
		const char *name;
		uint32_t address;
		const char *chain; /* without it the attempt goes through */
	} never[] = {
		{"a gateway", GATEWAY, "never"},
		{"metadata", METADATA, "never"},
		{"another cell", egress_address(&world->egress, 4000), "never"},
		{"the node's end", egress_router(&world->egress, 3), "input"},
		{"the other cell's node's end", egress_router(&world->egress, 4000), "input"},
		{"the node's address outside", NODE, "input"},
		{"the node's other address", LINK, "input"},
	};

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		world->check->row = never[i].name;
		again(world);
		CHECK_EQ(world->check, try(&world->one, HOST_TCP, never[i].address, 80),
			 ECONNREFUSED);
		CHECK_EQ(world->check, without(world, never[i].chain), 0);
		CHECK_EQ(world->check, try(&world->one, HOST_TCP, never[i].address, 80), 0);
	}
	again(world);
	world->check->row = "groups and everybody";
	CHECK(world->check, ignored(&world->one, HOST_UDP, GROUP, 0) != 0);
	CHECK(world->check, ignored(&world->one, HOST_UDP, BROADCAST, 0) != 0);
	world->check->row = NULL;
}

/* What the servers outside heard, once that is so much, or after 20 s. */
static int heard_soon(const struct world *world, int count)
{
	int heard = try(&world->outside, HOST_HEARD, 0, 0);

	for (int tries = 0; tries < 400 && heard < count; tries++) {
		usleep(50000);
		heard = try(&world->outside, HOST_HEARD, 0, 0);
	}
	return heard;
}

static void test_spoofed(struct world *world)
{
	struct check *check = world->check;
	const struct host_request spoofed = {
		.act = HOST_SPOOF, .address = SERVER, .from = OTHER + 1, .port = 80};
	const struct host_request honest = {.act = HOST_SPOOF,
					    .address = SERVER,
					    .from = egress_address(&world->egress, 3),
					    .port = 80};
	struct egress_traffic before = {0}, traffic[4] = {{0}};
	int heard = try(&world->outside, HOST_HEARD, 0, 0);

	CHECK_EQ(check, egress_read(&world->egress, traffic, 4), 0);
	before = traffic[3];
	CHECK_EQ(check, host_ask(&world->one, &spoofed), 0);
	usleep(100000);
	CHECK_EQ(check, try(&world->outside, HOST_HEARD, 0, 0), heard);
	CHECK_EQ(check, egress_read(&world->egress, traffic, 4), 0);
	/* At least this one: the end of a connection from before may come late, and be refused too. */
	CHECK(check, traffic[3].refused_packets > before.refused_packets);
	CHECK_EQ(check, host_ask(&world->one, &honest), 0);
	CHECK_EQ(check, heard_soon(world, heard + 1), heard + 1);
	CHECK_EQ(check, without(world, "prerouting"), 0);
	CHECK_EQ(check, host_ask(&world->one, &spoofed), 0);
	CHECK_EQ(check, heard_soon(world, heard + 2), heard + 2);
	again(world);
}

/* Nobody gets in: not to a port that a cell listens on, not by a connection of its own. */
static void test_from_outside(struct world *world)
{
	struct check *check = world->check;
	uint32_t cell = egress_address(&world->egress, 3);
	struct nl nl;

	CHECK_EQ(check, ignored(&world->outside, HOST_TCP, cell, 0), ETIMEDOUT);
	CHECK_EQ(check, ignored(&world->outside, HOST_PING, cell, 0), ETIMEDOUT);
	/* Both tables gone, the same attempt goes through. */
	nft_begin(&nl, EGRESS_TABLE);
	CHECK_EQ(check, nft_commit(&nl, world->egress.nft), 0);
	CHECK_EQ(check, ignored(&world->outside, HOST_TCP, cell, 0), ETIMEDOUT);
	nft_begin(&nl, "anchorhold");
	CHECK_EQ(check, nft_commit(&nl, world->egress.nft), 0);
	CHECK_EQ(check, try(&world->outside, HOST_TCP, cell, 80), 0);
	CHECK_EQ(check, make_firewall(world), 0);
	again(world);
}

/* ---- rate, quota, counters ---- */

static struct egress_traffic counted(struct world *world)
{
	struct egress_traffic traffic[4] = {{0}};

	CHECK_EQ(world->check, egress_read(&world->egress, traffic, 4), 0);
	return traffic[3];
}

/* The counters once they stand still: a connection's end comes after its client's. */
static struct egress_traffic settled(struct world *world)
{
	struct egress_traffic before, now = counted(world);

	for (int tries = 0; tries < 100; tries++) {
		before = now;
		usleep(LINK_US);
		now = counted(world);
		if (now.sent_bytes == before.sent_bytes && now.received_bytes == before.received_bytes)
			break;
	}
	return now;
}

static void test_counters(struct world *world)
{
	struct check *check = world->check;
	struct egress_traffic before, after;

	/* Headers of 28 bytes and 5 of data, each way. On a busy machine what came before may
	 * end meanwhile; counted wrong it would be each time. */
	for (int tries = 0; tries < 10; tries++) {
		before = settled(world);
		for (int i = 0; i < 10; i++)
			CHECK_EQ(check, try(&world->one, HOST_UDP, SERVER, 80), 0);
		after = counted(world);
		if (after.sent_bytes - before.sent_bytes == 330 &&
		    after.received_bytes - before.received_bytes == 330)
			break;
	}
	CHECK_EQ(check, after.sent_bytes - before.sent_bytes, 330);
	CHECK_EQ(check, after.received_bytes - before.received_bytes, 330);
	CHECK_EQ(check, talk(&world->one, HOST_TCP, 100000), 0);
	before = after;
	after = settled(world);
	CHECK(check, after.sent_bytes - before.sent_bytes > 100000 &&
			     after.sent_bytes - before.sent_bytes < 120000);
	CHECK(check, after.received_bytes - before.received_bytes > 100000 &&
			     after.received_bytes - before.received_bytes < 120000);
	/* A change of the policy changes no counter. */
	CHECK_EQ(check, egress_set(&world->egress, &world->cells[0], &nothing), 0);
	CHECK_EQ(check, counted(world).sent_bytes, after.sent_bytes);
	CHECK_EQ(check, try(&world->one, HOST_TCP, SERVER, 80), ECONNREFUSED);
	CHECK(check, counted(world).refused_packets > after.refused_packets);
	CHECK_EQ(check, counted(world).sent_bytes, after.sent_bytes);
}

static void test_quota(struct world *world)
{
	struct egress_policy policy = everything;
	struct check *check = world->check;
	uint64_t used;

	again(world);
	policy.bytes_max = 300000;
	CHECK_EQ(check, egress_set(&world->egress, &world->cells[0], &policy), 0);
	CHECK_EQ(check, talk(&world->one, HOST_TCP, 50000), 0);
	CHECK_EQ(check, counted(world).spent_packets, 0);
	/* On a busy machine an answer may be late before the quota is spent; then it goes on. */
	for (int tries = 0; tries < 20 && counted(world).spent_packets == 0; tries++)
		CHECK(check, ignored(&world->one, HOST_TCP, SERVER, 500000) != 0);
	CHECK(check, counted(world).spent_packets > 0);
	used = counted(world).sent_bytes + counted(world).received_bytes;
	CHECK(check, used > 250000 && used <= 300000);
	CHECK(check, ignored(&world->one, HOST_TCP, SERVER, 5) != 0);
	/* The policy told anew gives nothing back; a larger quota does, and the neighbour has its
	 * own. */
	CHECK_EQ(check, egress_set(&world->egress, &world->cells[0], &policy), 0);
	CHECK(check, ignored(&world->one, HOST_TCP, SERVER, 5) != 0);
	CHECK_EQ(check, talk(&world->two, HOST_TCP, 5), 0);
	policy.bytes_max = 3000000;
	CHECK_EQ(check, egress_set(&world->egress, &world->cells[0], &policy), 0);
	CHECK_EQ(check, talk(&world->one, HOST_TCP, 50000), 0);
}

/* The one is held back, the other is not; a busy machine may hold both back now and then. */
static void test_rate(struct world *world)
{
	struct egress_policy policy = everything;
	struct check *check = world->check;
	uint64_t began, slow = 0, quick = 0, limited = 0;

	policy.rate_kibps = 128;
	CHECK_EQ(check, egress_set(&world->egress, &world->cells[0], &policy), 0);
	for (int tries = 0; tries < 20 && (limited == 0 || quick >= slow); tries++) {
		began = clock_ms();
		(void)ignored(&world->one, HOST_TCP, SERVER, 400000);
		slow = clock_ms() - began;
		limited = counted(world).limited_packets;
		began = clock_ms();
		CHECK_EQ(check, talk(&world->two, HOST_TCP, 400000), 0);
		quick = clock_ms() - began;
	}
	CHECK(check, limited > 0);
	CHECK(check, quick < slow);
	CHECK_EQ(check, egress_set(&world->egress, &world->cells[0], &everything), 0);
}

/* ---- changes while connections are open ---- */

static void test_change(struct world *world)
{
	struct check *check = world->check;

	CHECK_EQ(check, egress_set(&world->egress, &world->cells[0], &listed), 0);
	CHECK_EQ(check, talk(&world->one, HOST_OPEN, 5), 0);
	CHECK_EQ(check, talk(&world->one, HOST_TALK, 5), 0);
	CHECK_EQ(check, egress_set(&world->egress, &world->cells[0], &nothing), 0);
	CHECK(check, ignored(&world->one, HOST_TALK, SERVER, 5) != 0);
	CHECK_EQ(check, egress_set(&world->egress, &world->cells[0], &listed), 0);
	CHECK_EQ(check, talk(&world->one, HOST_OPEN, 5), 0);
	/* No way out at all: the pair is gone; and a new one. */
	CHECK_EQ(check, egress_set(&world->egress, &world->cells[0], NULL), 0);
	CHECK_EQ(check, if_nametoindex("cell3"), 0);
	CHECK_EQ(check, talk(&world->one, HOST_TCP, 5), ENETUNREACH);
	CHECK_EQ(check, egress_set(&world->egress, &world->cells[0], &listed), 0);
	CHECK_EQ(check, egress_attach(&world->egress, &world->cells[0], world->one.pidfd), 0);
	usleep(LINK_US);
	CHECK_EQ(check, talk(&world->one, HOST_TCP, 5), 0);
}

static void test_cut(struct world *world)
{
	struct check *check = world->check;

	CHECK_EQ(check, egress_set(&world->egress, &world->cells[0], &everything), 0);
	CHECK_EQ(check, talk(&world->one, HOST_OPEN, 5), 0);
	CHECK_EQ(check, egress_cut(&world->egress, &world->cells[0], true), 0);
	CHECK(check, ignored(&world->one, HOST_TALK, SERVER, 5) != 0);
	CHECK_EQ(check, talk(&world->one, HOST_TCP, 5), ECONNREFUSED);
	CHECK_EQ(check, talk(&world->two, HOST_TCP, 5), 0);
	/* It beats what is told later. */
	CHECK_EQ(check, egress_set(&world->egress, &world->cells[0], &everything), 0);
	CHECK_EQ(check, talk(&world->one, HOST_TCP, 5), ECONNREFUSED);
	CHECK_EQ(check, egress_cut(&world->egress, &world->cells[0], false), 0);
	CHECK_EQ(check, talk(&world->one, HOST_OPEN, 5), 0);

	CHECK_EQ(check, egress_cut_all(&world->egress, true), 0);
	CHECK(check, ignored(&world->one, HOST_TALK, SERVER, 5) != 0);
	CHECK_EQ(check, talk(&world->two, HOST_TCP, 5), ECONNREFUSED);
	again(world); /* a monitor that starts anew */
	CHECK_EQ(check, talk(&world->one, HOST_TCP, 5), ECONNREFUSED);
	CHECK_EQ(check, talk(&world->two, HOST_TCP, 5), ECONNREFUSED);
	CHECK_EQ(check, egress_cut_all(&world->egress, false), 0);
	CHECK_EQ(check, talk(&world->one, HOST_TCP, 5), 0);
	CHECK_EQ(check, talk(&world->two, HOST_TCP, 5), 0);
}

/* ---- as nft reads it back ---- */

static void list(char *ret_text, size_t size)
{
	FILE *nft = popen(NFT " -s list ruleset", "r");
	size_t len = nft ? fread(ret_text, 1, size - 1, nft) : 0;

	ret_text[len] = '\0';
	if (nft)
		pclose(nft);
}

/* The parts whose order is what they are good for. */
static void test_text(struct world *world)
{
	static const char *const parts[] = {
		"\tchain prerouting {\n"
		"\t\ttype filter hook prerouting priority raw; policy accept;\n"
		"\t\tiifname != \"cell*\" accept\n"
		"\t\tiifname . ip saddr @sources accept\n"
		"\t\tcounter name iifname map @refused\n"
		"\t\tdrop\n\t}\n",
		"\tchain forward {\n"
		"\t\ttype filter hook forward priority filter - 10; policy drop;\n"
		"\t\tjump cut\n"
		"\t\tct state invalid,untracked drop\n"
		"\t\tiifname != \"cell*\" goto answers\n"
		"\t\tct state related drop\n"
		"\t\tjump never\n"
		"\t\tiifname vmap @from\n"
		"\t\tgoto refuse\n\t}\n",
		"\tchain refuse {\n"
		"\t\tcounter name iifname map @refused\n"
		"\t\tmeta l4proto tcp reject with tcp reset\n"
		"\t\treject with icmpx admin-prohibited\n\t}\n",
		"\tchain cut {\n"
		"\t\tiifname @cut_off goto refuse\n"
		"\t\toifname @cut_off goto ignore\n\t}\n",
		"\tchain from-3 {\n"
		"\t\tip daddr 198.51.100.10 tcp dport 80-82 goto out-3\n"
		"\t\tip daddr 198.51.100.10 icmp type echo-request goto out-3\n"
		"\t\tip daddr 198.51.100.53 udp dport 53 goto out-3\n"
		"\t\tip daddr 198.51.100.53 tcp dport 53 goto out-3\n"
		"\t\tgoto refuse\n\t}\n",
		"\tchain to-3 {\n"
		"\t\tct state new goto ignore\n"
		"\t\tct direction original goto ignore\n"
		"\t\tct state related meta l4proto icmp limit rate 50/second burst 50 packets goto "
		"in-3\n"
		"\t\tip saddr 198.51.100.10 tcp sport 80-82 goto in-3\n",
		"\tchain out-3 {\n"
		"\t\tct state new ct count over 512 counter name \"limited-3\" drop\n"
		"\t\tlimit rate over 100 mbytes/second burst 25 mbytes counter name \"limited-3\" "
		"drop\n"
		"\t\tquota name \"quota-3\" counter name \"spent-3\" drop\n"
		"\t\tcounter name \"sent-3\" meta mark set 0x63656c6c accept\n\t}\n",
	};
	struct egress_policy policy = listed;
	static char text[65536];

	if (access(NFT, X_OK) < 0)
		return;
	policy.rate_kibps = 100 * 1024;
	CHECK_EQ(world->check, egress_set(&world->egress, &world->cells[0], &policy), 0);
	list(text, sizeof(text));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		world->check->row = parts[i];
		CHECK(world->check, strstr(text, parts[i]) != NULL);
	}
	if (world->check->failed)
		fputs(text, stderr);
	world->check->row = NULL;
}

/* ---- what is left ---- */

static void test_removal(struct world *world)
{
	static char before[65536], after[65536];
	struct check *check = world->check;
	uint32_t address = egress_address(&world->egress, 3);
	unsigned tracked = 0;

	again(world);
	CHECK_EQ(check, egress_free(&world->egress, &world->cells[0]), 0);
	list(before, sizeof(before));
	CHECK(check, strstr(before, "cell4000") != NULL || access(NFT, X_OK) < 0);
	CHECK_EQ(check, egress_set(&world->egress, &world->cells[0], &listed), 0);
	CHECK_EQ(check, egress_attach(&world->egress, &world->cells[0], world->one.pidfd), 0);
	CHECK_EQ(check, egress_cut(&world->egress, &world->cells[0], true), 0);
	CHECK_EQ(check, egress_cut(&world->egress, &world->cells[0], false), 0);
	usleep(LINK_US);
	CHECK_EQ(check, talk(&world->one, HOST_OPEN, 5), 0);
	CHECK_EQ(check, conntrack_count(world->egress.nft, address, &tracked), 0);
	CHECK(check, tracked > 0);
	CHECK_EQ(check, egress_cut(&world->egress, &world->cells[0], true), 0);
	CHECK_EQ(check, egress_free(&world->egress, &world->cells[0]), 0);
	CHECK_EQ(check, conntrack_count(world->egress.nft, address, &tracked), 0);
	CHECK_EQ(check, tracked, 0);
	CHECK_EQ(check, if_nametoindex("cell3"), 0);
	list(after, sizeof(after));
	CHECK(check, strcmp(before, after) == 0);
	CHECK_EQ(check, egress_free(&world->egress, &world->cells[0]), 0); /* nothing to do */
	CHECK(check, talk(&world->two, HOST_TCP, 5) == 0);
}

/* A step that fails leaves what was there before it. */
static void test_failures(struct world *world)
{
	static char before[65536], after[65536];
	struct check *check = world->check;
	struct egress_cell cell = {.slot = 7};
	int none = open("/dev/null", O_RDONLY | O_CLOEXEC), nft = world->egress.nft;

	list(before, sizeof(before));
	CHECK_EQ(check, egress_set(&world->egress, &cell, &listed), 0);
	CHECK(check, egress_attach(&world->egress, &cell, none) < 0);
	CHECK(check, !cell.link && if_nametoindex("cell7") == 0);
	/* eth0 is taken in there. */
	CHECK(check, egress_attach(&world->egress, &cell, world->two.pidfd) < 0);
	CHECK(check, !cell.link && if_nametoindex("cell7") == 0);
	CHECK_EQ(check, talk(&world->two, HOST_TCP, 5), 0);
	CHECK_EQ(check, egress_free(&world->egress, &cell), 0);
	world->egress.nft = none;
	CHECK(check, egress_set(&world->egress, &cell, &listed) < 0);
	CHECK(check, !cell.rules && !cell.open);
	world->egress.nft = nft;
	list(after, sizeof(after));
	CHECK(check, strcmp(before, after) == 0);
	close(none);
}

static void run(struct world *world)
{
	make_servers(world);
	test_list(world);
	test_never(world);
	test_spoofed(world);
	test_from_outside(world);
	test_counters(world);
	test_quota(world);
	test_rate(world);
	test_change(world);
	test_cut(world);
	test_text(world);
	test_removal(world);
	test_failures(world);
}

int main(void)
{
	struct check check = {0};
	struct world world = {.check = &check};
	int result, sysctls;

	if (host_start(&world.outside) < 0 || host_start(&world.one) < 0 ||
	    host_start(&world.two) < 0 || unshare(CLONE_NEWNET) < 0 || rtnl_loopback_up() < 0) {
		fprintf(stderr, "skipped: no network namespaces of our own\n");
		return SKIP;
	}
	/* Each refusal is to be heard, not six and then one a second. */
	sysctls = open("/proc/sys/net/ipv4", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CHECK_EQ(&check, file_write(sysctls, "icmp_ratelimit", "0"), 0);
	/* Nor is the kernel's own check of the way back to stand in for the rules. */
	CHECK_EQ(&check, file_write(sysctls, "conf/all/rp_filter", "0"), 0);
	CHECK_EQ(&check, file_write(sysctls, "conf/default/rp_filter", "0"), 0);
	close(sysctls);
	result = make_world(&world);
	if (result == -EPROTONOSUPPORT || result == -EOPNOTSUPP || result == -ENOENT) {
		fprintf(stderr, "skipped: this kernel lacks a part: %s\n", strerror(-result));
		return SKIP;
	}
	CHECK_EQ(&check, result, 0);
	if (result == 0)
		run(&world);
	host_stop(&world.outside);
	host_stop(&world.one);
	host_stop(&world.two);
	return CHECK_DONE(&check);
}
