/* SPDX-License-Identifier: Apache-2.0 */
/* The node's firewall as the kernel took it, read back with nft in a network namespace. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "conf/test.h"
#include "init/firewall.h"
#include "init/network.h"
#include "init/shutdown.h"

static void list(char *ret_text, size_t size)
{
	FILE *nft = popen("/usr/sbin/nft -s list ruleset", "r");
	size_t len = fread(ret_text, 1, size - 1, nft);

	ret_text[len] = '\0';
	CHECK(pclose(nft) == 0);
}

#define CHAIN(name) "\tchain " name " {\n\t\ttype filter hook " name " priority filter; policy drop;\n"
#define LO_IN "\t\tiifname \"lo\" accept\n"
#define LO_OUT "\t\toifname \"lo\" accept\n"
#define REST "\t\tcounter drop\n\t}\n"

static void test_silent(void)
{
	static const char expected[] = "table inet anchorhold {\n" CHAIN("input") LO_IN REST "\n"
		CHAIN("forward") REST "\n" CHAIN("output") LO_OUT REST "}\n";
	char text[8192];

	CHECK(firewall_set(NULL) == 0);
	list(text, sizeof(text));
	CHECK_ROW(strcmp(text, expected) == 0, text);
}

static void test_gateways(void)
{
	static const char expected[] = "table inet anchorhold {\n" CHAIN("input") LO_IN
		"\t\tip saddr 10.0.2.2 tcp sport 7000 ct state established accept\n"
		"\t\tip saddr 10.0.2.3 tcp sport 7001 ct state established accept\n"
		"\t\tct state related meta l4proto icmp limit rate 50/second burst 50 packets accept\n"
		"\t\tip6 hoplimit 255 icmpv6 type nd-router-advert accept\n"
		"\t\tip6 hoplimit 255 icmpv6 type nd-neighbor-solicit accept\n"
		"\t\tip6 hoplimit 255 icmpv6 type nd-neighbor-advert accept\n"
		REST "\n" CHAIN("forward") REST "\n" CHAIN("output") LO_OUT
		"\t\tip daddr 10.0.2.2 tcp dport 7000 meta skuid 901 accept\n"
		"\t\tip daddr 10.0.2.2 tcp dport 7000 ct state established accept\n"
		"\t\tip daddr 10.0.2.3 tcp dport 7001 meta skuid 901 accept\n"
		"\t\tip daddr 10.0.2.3 tcp dport 7001 ct state established accept\n"
		"\t\tip6 hoplimit 255 icmpv6 type nd-router-solicit accept\n"
		"\t\tip6 hoplimit 255 icmpv6 type nd-neighbor-solicit accept\n"
		"\t\tip6 hoplimit 255 icmpv6 type nd-neighbor-advert accept\n"
		REST "}\n";
	struct node_conf conf = {
		.gateways_count = 2,
		.gateways = {{0x0a000202, 7000}, {0x0a000203, 7001}},
		.ipv6 = true,
	};
	char text[8192];

	CHECK(firewall_set(&conf) == 0);
	list(text, sizeof(text));
	CHECK_ROW(strcmp(text, expected) == 0, text);
}

/* Without egress_interface (the tests above) there is not one rule of it. */
static void test_egress(void)
{
	static const char expected[] = "table inet anchorhold {\n" CHAIN("input") LO_IN
		"\t\tip saddr 10.0.2.2 tcp sport 7000 ct state established accept\n"
		"\t\tct state related meta l4proto icmp limit rate 50/second burst 50 packets accept\n"
		REST "\n" CHAIN("forward")
		"\t\tiifname \"cell*\" oifname \"eth1\" meta mark 0x63656c6c accept\n"
		"\t\tiifname \"eth1\" oifname \"cell*\" meta mark 0x63656c6c "
		"ct state established,related accept\n"
		REST "\n" CHAIN("output") LO_OUT
		"\t\tip daddr 10.0.2.2 tcp dport 7000 meta skuid 901 accept\n"
		"\t\tip daddr 10.0.2.2 tcp dport 7000 ct state established accept\n"
		"\t\toifname \"cell*\" icmp type destination-unreachable accept\n"
		"\t\toifname \"cell*\" tcp flags rst accept\n"
		REST "\n\tchain postrouting {\n"
		"\t\ttype nat hook postrouting priority srcnat; policy accept;\n"
		"\t\tip saddr 100.127.224.0/19 oifname \"eth1\" masquerade\n\t}\n}\n";
	struct node_conf conf = {
		.gateways_count = 1,
		.gateways = {{0x0a000202, 7000}},
		.egress_interface = "eth1",
		.cells = {NODE_CELLS_DEFAULT, NODE_CELLS_BITS},
	};
	char text[8192];

	CHECK(firewall_set(&conf) == 0);
	list(text, sizeof(text));
	CHECK_ROW(strcmp(text, expected) == 0, text);
}

static void test_others(void)
{
	char name[IFNAMSIZ];

	CHECK(network_find("lo", name) == 1 && strcmp(name, "lo") == 0);
	CHECK(network_find("nonexistent", name) == 0);
	CHECK(shutdown_command(SIGTERM) == RB_AUTOBOOT && shutdown_command(SIGINT) == RB_AUTOBOOT);
	CHECK(shutdown_command(SIGUSR2) == RB_POWER_OFF && shutdown_command(SIGCHLD) == 0);
}

int main(void)
{
	if (unshare(CLONE_NEWNET)) {
		fprintf(stderr, "skipped: no network namespace of our own: %s\n", strerror(errno));
		return TEST_SKIP;
	}
	test_others();
	if (access("/usr/sbin/nft", X_OK) != 0) {
		fprintf(stderr, "skipped: no nft to read the rules back with\n");
		return TEST_SKIP;
	}
	if (firewall_set(NULL) == -EPROTONOSUPPORT) {
		fprintf(stderr, "skipped: this kernel has no nf_tables\n");
		return TEST_SKIP;
	}
	test_silent();
	test_gateways();
	test_egress();
	return TEST_RESULT();
}
