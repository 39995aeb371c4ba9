/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/node.h"
#include "conf/test.h"

#define KEY "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define SECRET "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define BASE "name = node-1\ngateway = 10.0.2.2:7000\ngateway_key = " KEY "\n"

static int parse(const char *text, struct node_conf *ret_conf, struct conf_error *error)
{
	return node_conf_parse(text, strlen(text), ret_conf, error);
}

static void test_defaults(void)
{
	struct node_conf conf;
	struct conf_error e;

	CHECK(parse(BASE, &conf, &e) == 0);
	CHECK(strcmp(conf.name, "node-1") == 0 && strcmp(conf.gateway_key, KEY) == 0);
	CHECK(conf.gateways_count == 1 && conf.gateways[0].address == 0x0a000202);
	CHECK(conf.gateways[0].port == 7000 && conf.gateway_key_next[0] == '\0');
	CHECK(conf.network == NODE_DHCP && !conf.ipv6 && conf.kernels_max == 128 && conf.kernels_ahead == 0);
	CHECK(conf.log_level == NODE_LOG_INFO);
	CHECK(conf.egress_interface[0] == '\0' && conf.egress_kibps == NODE_EGRESS_KIBPS_DEFAULT);
	CHECK(conf.cells.address == 0x647fe000 && conf.cells.bits == 19);
}

static void test_everything(void)
{
	struct node_conf conf;
	struct conf_error e;

	CHECK(parse(BASE "gateway = 10.0.2.2:7001\ngateway = 10.0.2.3:7000\n"
			 "gateway = 192.0.2.1:1\ngateway_key_next = " KEY "\ninterface = eth1\n"
			 "network = static\n"
			 "address = 10.0.2.15/24\nrouter = 10.0.2.2\nipv6 = on\n"
			 "kernels_max = 512\nkernels_ahead = 32\nlog_level = debug\n",
		    &conf, &e) == 0);
	CHECK(conf.gateways_count == 4 && conf.gateways[3].address == 0xc0000201);
	CHECK(strcmp(conf.interface, "eth1") == 0);
	CHECK(conf.network == NODE_STATIC && conf.address.bits == 24 && conf.router == 0x0a000202);
	CHECK(conf.ipv6 && conf.kernels_max == 512 && conf.kernels_ahead == 32 && conf.log_level == NODE_LOG_DEBUG);
	CHECK(strcmp(conf.gateway_key_next, KEY) == 0);
}

static void test_egress(void)
{
	struct node_conf conf;
	struct conf_error e;

	CHECK(parse(BASE "egress_interface = eth0\n", &conf, &e) == 0);
	CHECK(strcmp(node_conf_egress(&conf), "eth0") == 0 && conf.egress_address.address == 0);
	CHECK(parse(BASE "egress_interface = eth1\negress_vlan = 7\negress_address = 192.0.2.9/28\n"
			 "egress_router = 192.0.2.1\negress_kibps = 100\n"
			 "cell_network = 10.64.0.0/16\n",
		    &conf, &e) == 0);
	CHECK(strcmp(conf.egress_interface, "eth1") == 0 && conf.egress_vlan == 7);
	CHECK(strcmp(node_conf_egress(&conf), "egress") == 0);
	CHECK(conf.egress_address.address == 0xc0000209 && conf.egress_address.bits == 28);
	CHECK(conf.egress_router == 0xc0000201 && conf.egress_kibps == 100);
	CHECK(conf.cells.address == 0x0a400000 && conf.cells.bits == 16);
}

#define OUT BASE "egress_interface = eth1\n"

static void test_bad(void)
{
	static const struct {
		const char *text;
		unsigned line;
	} rows[] = {
		{"", 0},
		{"gateway = 10.0.2.2:7000\ngateway_key = " KEY "\n", 0},
		{"name = n\ngateway_key = " KEY "\n", 0},
		{"name = n\ngateway = 10.0.2.2:7000\n", 0},
		{"name = Node", 1},
		{"name = -n", 1},
		{"name = a123456789012345678901234567890123456789012345678901234567890123", 1},
		{BASE "gateway = 10.0.2.2:7000", 4},
		{BASE "gateway = host:7000", 4},
		{BASE "gateway = 224.0.0.1:7000", 4},
		{BASE "gateway = 10.0.2.2", 4},
		{BASE "gateway = 1.1.1.1:1\ngateway = 1.1.1.1:2\ngateway = 1.1.1.1:3\n"
		      "gateway = 1.1.1.1:4\n", 7},
		{BASE "gateway_key_next = short", 4},
		{BASE "gateway_key_next = rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf~\n", 4},
		{BASE "network = none", 4},
		{BASE "network = static", 0},
		{BASE "network = static\naddress = 10.0.2.15/0", 5},
		{BASE "network = static\naddress = 10.0.2.15/24\nrouter = 10.0.3.2", 0},
		{BASE "network = static\naddress = 10.0.2.15/24\nrouter = 10.0.2.15", 0},
		{BASE "address = 10.0.2.15/24", 0},
		{BASE "router = 10.0.2.2", 0},
		{BASE "interface = ../x", 4},
		{BASE "interface = a123456789012345", 4},
		{BASE "ipv6 = yes", 4},
		{BASE "egress_interface = cell3", 4},
		{BASE "egress_interface = egress", 4},
		{BASE "egress_interface = ../x", 4},
		{BASE "egress_vlan = 7", 0},
		{BASE "egress_address = 192.0.2.9/28", 0},
		{BASE "egress_router = 192.0.2.1", 0},
		{OUT "egress_vlan = 7", 0},
		{OUT "egress_vlan = 4095", 5},
		{OUT "egress_router = 192.0.2.1", 0},
		{OUT "egress_address = 192.0.2.9/28\negress_router = 192.0.2.17", 0},
		{OUT "egress_address = 192.0.2.9/28\negress_router = 192.0.2.9", 0},
		{OUT "egress_address = 224.0.0.9/28", 5},
		{OUT "egress_kibps = 0", 5},
		{OUT "cell_network = 100.127.224.0/20", 5},
		{OUT "cell_network = 100.127.224.1/19", 5},
		{OUT "cell_network = 10.0.0.0/16", 0}, /* a gateway is in it */
		{OUT "egress_address = 100.127.224.9/24", 0},
		{BASE "kernels_max = 0", 4},
		{BASE "kernels_max = 513", 4},
		{BASE "kernels_ahead = 33", 4},
		{BASE "kernels_ahead = -1", 4},
		{BASE "log_level = loud", 4},
		{BASE "secret = x", 4},
		{BASE "join_secret = 0123", 4},
		{BASE "join_secret = " SECRET "0", 4},
		{BASE "join_secret = " SECRET "\njoin_secret = " SECRET, 5},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct node_conf conf = {.kernels_max = 77};
		struct conf_error e = {.line = 99};

		CHECK_ROW(parse(rows[i].text, &conf, &e) == -EINVAL, rows[i].text);
		CHECK_ROW(e.line == rows[i].line && e.text[0] != '\0', rows[i].text);
		CHECK_ROW(conf.kernels_max == 77, rows[i].text); /* untouched */
	}
}

/* A secret is in no error, whatever is wrong with it; the same bytes under another key are. */
static void test_secret(void)
{
	static const char *const values[] = {"XYZZY", SECRET "XYZZY", "XYZZY\xc3\xa9"};
	struct node_conf conf;
	struct conf_error e;
	char text[512];

	CHECK(parse(BASE "join_secret = " SECRET "\n", &conf, &e) == 0);
	CHECK(conf.enrols && conf.join_secret[1] == 0x11 && conf.join_secret[31] == 0xff);
	CHECK(parse(BASE, &conf, &e) == 0 && !conf.enrols);
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		snprintf(text, sizeof(text), "%sjoin_secret = %s\n", BASE, values[i]);
		CHECK_ROW(parse(text, &conf, &e) == -EINVAL, text);
		CHECK_ROW(e.line == 4 && strstr(e.text, "join_secret") && !strstr(e.text, "XYZZY"),
			  e.text);
	}
	CHECK(parse(BASE "log_level = XYZZY\n", &conf, &e) == -EINVAL && strstr(e.text, "XYZZY"));
}

static void test_read(void)
{
	struct node_conf conf;
	struct conf_error e;

	CHECK(node_conf_read("/proc/nonexistent/node.conf", &conf, &e) == -ENOENT);
	CHECK(strstr(e.text, "cannot be read") != NULL);
}

int main(void)
{
	test_defaults();
	test_everything();
	test_egress();
	test_bad();
	test_secret();
	test_read();
	return TEST_RESULT();
}
