/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In a network namespace of its own: the kernel takes what we write, understands it as meant
 * (read back with nft where the machine has it), and filters by it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/test.h"
#include "netlink/nft.h"
#include "netlink/rtnl.h"
#include "netlink/socket.h"

#define T "test"
#define ADDRESS 0x0a090807u /* 10.9.8.7, on lo */

static int udp_socket(uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port),
				.sin_addr.s_addr = htonl(ADDRESS)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	return fd;
}

/* Does a datagram from this process get to the socket? */
static bool arrives(int from, int to, uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port),
				.sin_addr.s_addr = htonl(ADDRESS)};
	char c;

	if (sendto(from, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)) != 1)
		return false;
	return recv(to, &c, 1, MSG_DONTWAIT) == 1;
}

static bool arrives_as(uid_t uid, int to, uint16_t port)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int from;

		if (setresuid(uid, uid, uid))
			_exit(2);
		from = socket(AF_INET, SOCK_DGRAM, 0);
		_exit(arrives(from, to, port) ? 0 : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status) == 0;
}

static void rules(struct nl *nl)
{
	nft_begin(nl, T);
	nft_chain(nl, T, "input", NFT_HOOK_INPUT, NFT_VERDICT_DROP);
	nft_chain(nl, T, "output", NFT_HOOK_OUTPUT, NFT_VERDICT_ACCEPT);
	nft_rule(nl, T, "input");
	nft_match_iifname(nl, "lo");
	nft_match_protocol(nl, IPPROTO_UDP);
	nft_match_port(nl, NFT_DESTINATION, 7001);
	nft_match_ipv4(nl, NFT_SOURCE, ADDRESS, 24);
	nft_rule_end(nl, NFT_VERDICT_ACCEPT);
	nft_rule(nl, T, "input");
	nft_match_state(nl, NFT_STATE_ESTABLISHED | NFT_STATE_RELATED);
	nft_match_protocol(nl, IPPROTO_ICMP);
	nft_limit(nl, 100, 5);
	nft_rule_end(nl, NFT_VERDICT_ACCEPT);
	nft_rule(nl, T, "input");
	nft_match_icmpv6(nl, 135);
	nft_rule_end(nl, NFT_VERDICT_ACCEPT);
	nft_rule(nl, T, "output");
	nft_match_oifname(nl, "lo");
	nft_match_uid(nl, 901);
	nft_match_ipv4(nl, NFT_DESTINATION, ADDRESS, 32);
	nft_counter(nl);
	nft_rule_end(nl, NFT_VERDICT_DROP);
}

static void test_filters(int fd)
{
	int open = udp_socket(7001), closed = udp_socket(7002);
	struct nl nl;

	CHECK(arrives(open, open, 7001) && arrives(open, closed, 7002));
	rules(&nl);
	CHECK(nft_commit(&nl, fd) == 0);
	CHECK(arrives(open, open, 7001) && !arrives(closed, closed, 7002));
	CHECK(arrives_as(902, open, 7001) && !arrives_as(901, open, 7001));
	rules(&nl); /* replaced, not doubled */
	CHECK(nft_commit(&nl, fd) == 0);
	CHECK(arrives(open, open, 7001));
	close(open);
	close(closed);
}

/* One bad message, and nothing of the batch is in. */
static void test_refused(int fd)
{
	struct nl nl;

	nft_begin(&nl, T);
	nft_rule(&nl, T, "missing");
	nft_rule_end(&nl, NFT_VERDICT_ACCEPT);
	CHECK(nft_commit(&nl, fd) == -ENOENT);
	nft_begin_add(&nl, T);
	nl.full = true;
	CHECK(nft_commit(&nl, fd) == -ENOBUFS);
}

static void test_read_back(void)
{
	static const char expected[] =
		"table inet test {\n"
		"\tchain input {\n"
		"\t\ttype filter hook input priority filter; policy drop;\n"
		"\t\tiifname \"lo\" udp dport 7001 ip saddr 10.9.8.0/24 accept\n"
		"\t\tct state established,related meta l4proto icmp limit rate 100/second accept\n"
		"\t\tip6 hoplimit 255 icmpv6 type nd-neighbor-solicit accept\n"
		"\t}\n\n"
		"\tchain output {\n"
		"\t\ttype filter hook output priority filter; policy accept;\n"
		"\t\toifname \"lo\" meta skuid 901 ip daddr 10.9.8.7 counter drop\n"
		"\t}\n"
		"}\n";
	char text[4096];
	size_t len;
	FILE *nft;

	if (access("/usr/sbin/nft", X_OK))
		return;
	nft = popen("/usr/sbin/nft -s list ruleset", "r");
	len = fread(text, 1, sizeof(text) - 1, nft);
	text[len] = '\0';
	CHECK(pclose(nft) == 0);
	CHECK_ROW(strstr(text, expected) == text, text);
}

/* A table of its own, and who is led to it; set twice, as init does where an address changes. */
static void test_routes(int fd)
{
	const struct rtnl_route routes[] = {
		{.table = 99},
		{.table = 99, .address = 0x0a090800, .bits = 24, .index = 1},
		{.table = 99, .router = 0xc0000201, .index = 1},
	};
	const struct rtnl_rule rules[] = {
		{true, 0x647fe000, 19, 100, RTNL_TABLE_MAIN},
		{false, 0x647fe000, 19, 101, 99},
	};
	char text[2048];
	size_t len;
	FILE *ip;

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < 3; i++)
			CHECK(rtnl_route_set(fd, &routes[i]) == 0);
		for (size_t i = 0; i < 2; i++)
			CHECK(rtnl_rule_add(fd, &rules[i]) == 0);
	}
	if (access("/usr/sbin/ip", X_OK))
		return;
	ip = popen("/usr/sbin/ip rule; /usr/sbin/ip route show table 99", "r");
	len = fread(text, 1, sizeof(text) - 1, ip);
	text[len] = '\0';
	CHECK(pclose(ip) == 0);
	CHECK_ROW(strcmp(text, "0:\tfrom all lookup local\n"
			       "100:\tfrom all to 100.127.224.0/19 lookup main\n"
			       "101:\tfrom 100.127.224.0/19 lookup 99\n"
			       "32766:\tfrom all lookup main\n"
			       "32767:\tfrom all lookup default\n"
			       "default via 192.0.2.1 dev lo onlink \n"
			       "unreachable default metric 4294967295 \n"
			       "10.9.8.0/24 dev lo scope link \n") == 0, text);
}

static void test_addresses(int fd)
{
	CHECK(rtnl_address_delete(fd, 1, ADDRESS, 32) == -EADDRNOTAVAIL);
	CHECK(rtnl_address_add(fd, 1, ADDRESS, 32) == 0);
	CHECK(rtnl_address_add(fd, 1, ADDRESS, 32) == 0);
	CHECK(rtnl_address_delete(fd, 1, ADDRESS, 32) == 0);
	CHECK(rtnl_address_add(fd, 77, ADDRESS, 32) == -ENODEV);
	CHECK(rtnl_address_add(fd, 1, ADDRESS, 24) == 0);
	CHECK(rtnl_route_default(fd, 77, ADDRESS + 1) == -ENODEV);
	CHECK(rtnl_route_default_delete(fd, 1) == -ESRCH);
	CHECK(rtnl_route_default(fd, 1, 0xc0000201u) == 0);
	CHECK(rtnl_route_default(fd, 1, 0xc0000202u) == 0); /* replaced, not added */
	CHECK(rtnl_route_default_delete(fd, 1) == 0);
	CHECK(rtnl_route_default_delete(fd, 1) == -ESRCH);
}

int main(void)
{
	int nft, route;

	if (unshare(CLONE_NEWNET)) {
		fprintf(stderr, "skipped: no network namespace of our own: %s\n", strerror(errno));
		return TEST_SKIP;
	}
	CHECK(rtnl_loopback_up() == 0);
	route = nl_open(NETLINK_ROUTE);
	nft = nl_open(NETLINK_NETFILTER);
	if (nft == -EPROTONOSUPPORT) {
		fprintf(stderr, "skipped: this kernel has no nf_tables\n");
		return TEST_SKIP;
	}
	CHECK(route >= 0 && nft >= 0);
	test_addresses(route);
	test_routes(route);
	test_filters(nft);
	test_refused(nft);
	test_read_back();
	return TEST_RESULT();
}
