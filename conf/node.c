/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int choose(const char *value, const char *const *words, size_t words_len, unsigned *ret)
{
	for (size_t i = 0; i < words_len; i++) {
		if (strcmp(value, words[i]) == 0) {
			*ret = (unsigned)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_name(void *object, const char *value)
{
	struct node_conf *conf = object;

	return value_name(value, conf->name, sizeof(conf->name));
}

static int set_gateway(void *object, const char *value)
{
	struct node_conf *conf = object;
	struct ipv4_endpoint gateway;

	if (value_ipv4_endpoint(value, &gateway) || !ipv4_is_host(gateway.address))
		return -EINVAL;
	for (size_t i = 0; i < conf->gateways_count; i++)
		if (conf->gateways[i].address == gateway.address &&
		    conf->gateways[i].port == gateway.port)
			return -EINVAL; /* two sockets to one gateway would share a routing id */
	if (conf->gateways_count == NODE_GATEWAYS_MAX)
		return -ENOSPC;
	conf->gateways[conf->gateways_count++] = gateway;
	return 0;
}

static int set_key(char ret_key[NODE_KEY_LEN + 1], const char *value)
{
	static const char z85[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  ".-:+=^!/*?&<>()[]{}@%$#";

	if (strlen(value) != NODE_KEY_LEN || strspn(value, z85) != NODE_KEY_LEN)
		return -EINVAL;
	memcpy(ret_key, value, NODE_KEY_LEN + 1);
	return 0;
}

static int set_gateway_key(void *object, const char *value)
{
	return set_key(((struct node_conf *)object)->gateway_key, value);
}

static int set_gateway_key_next(void *object, const char *value)
{
	return set_key(((struct node_conf *)object)->gateway_key_next, value);
}

static int set_join_secret(void *object, const char *value)
{
	struct node_conf *conf = object;

	conf->enrols = true;
	return value_hex(value, conf->join_secret, NODE_SECRET_LEN);
}

static int set_interface(void *object, const char *value)
{
	struct node_conf *conf = object;

	return value_name(value, conf->interface, sizeof(conf->interface));
}

static int set_network(void *object, const char *value)
{
	static const char *const words[] = {[NODE_DHCP] = "dhcp", [NODE_STATIC] = "static"};
	struct node_conf *conf = object;
	unsigned chosen;

	if (choose(value, words, 2, &chosen))
		return -EINVAL;
	conf->network = (enum node_network)chosen;
	return 0;
}

static int set_host(uint32_t *ret, const char *value)
{
	uint32_t address;

	if (value_ipv4(value, &address) || !ipv4_is_host(address))
		return -EINVAL;
	*ret = address;
	return 0;
}

static int set_host_prefix(struct ipv4_prefix *ret, const char *value)
{
	struct ipv4_prefix address;

	if (value_ipv4_prefix(value, &address) || !ipv4_is_host(address.address) ||
	    address.bits < 1)
		return -EINVAL;
	*ret = address;
	return 0;
}

static int set_address(void *object, const char *value)
{
	return set_host_prefix(&((struct node_conf *)object)->address, value);
}

static int set_router(void *object, const char *value)
{
	return set_host(&((struct node_conf *)object)->router, value);
}

static int set_ipv6(void *object, const char *value)
{
	static const char *const words[] = {"off", "on"};
	struct node_conf *conf = object;
	unsigned chosen;

	if (choose(value, words, 2, &chosen))
		return -EINVAL;
	conf->ipv6 = chosen != 0;
	return 0;
}

static int set_egress_interface(void *object, const char *value)
{
	struct node_conf *conf = object;

	/* Names that the node gives itself would be taken for its own links. */
	if (strncmp(value, "cell", 4) == 0 || strcmp(value, NODE_VLAN_INTERFACE) == 0)
		return -EINVAL;
	return value_name(value, conf->egress_interface, sizeof(conf->egress_interface));
}

static int set_egress_vlan(void *object, const char *value)
{
	return value_u32(value, 1, 4094, &((struct node_conf *)object)->egress_vlan);
}

static int set_egress_address(void *object, const char *value)
{
	return set_host_prefix(&((struct node_conf *)object)->egress_address, value);
}

static int set_egress_router(void *object, const char *value)
{
	return set_host(&((struct node_conf *)object)->egress_router, value);
}

static int set_egress_kibps(void *object, const char *value)
{
	return value_u32(value, 1, 4194303, &((struct node_conf *)object)->egress_kibps);
}

static int set_cells(void *object, const char *value)
{
	struct node_conf *conf = object;
	struct ipv4_prefix cells;

	if (set_host_prefix(&cells, value) || cells.bits > NODE_CELLS_BITS ||
	    (cells.address & ~ipv4_mask(cells.bits)) != 0)
		return -EINVAL;
	conf->cells = cells;
	return 0;
}

static int set_kernels_max(void *object, const char *value)
{
	struct node_conf *conf = object;

	return value_u32(value, 1, NODE_KERNELS_MAX, &conf->kernels_max);
}

static int set_kernels_ahead(void *object, const char *value)
{
	struct node_conf *conf = object;

	return value_u32(value, 0, NODE_KERNELS_AHEAD_MAX, &conf->kernels_ahead);
}

static int set_log_level(void *object, const char *value)
{
	static const char *const words[] = {"error", "warning", "info", "debug"};
	struct node_conf *conf = object;
	unsigned chosen;

	if (choose(value, words, 4, &chosen))
		return -EINVAL;
	conf->log_level = (enum node_log)chosen;
	return 0;
}

static const struct conf_key node_keys[] = {
	{"name", set_name, CONF_REQUIRED, "1 to 63 of a-z, 0-9 and -, not beginning with -"},
	{"gateway", set_gateway, CONF_REQUIRED | CONF_REPEATED,
	 "an IPv4 address and port not given before, as 192.0.2.1:7000"},
	{"gateway_key", set_gateway_key, CONF_REQUIRED, "a public key of 40 characters (Z85)"},
	{"gateway_key_next", set_gateway_key_next, 0, "a public key of 40 characters (Z85)"},
	{"join_secret", set_join_secret, CONF_SECRET, "64 digits of lower-case hex"},
	{"interface", set_interface, 0, "a network interface, as eth0"},
	{"network", set_network, 0, "dhcp or static"},
	{"address", set_address, 0, "an IPv4 address and prefix, as 192.0.2.7/24"},
	{"router", set_router, 0, "an IPv4 address"},
	{"ipv6", set_ipv6, 0, "on or off"},
	{"egress_interface", set_egress_interface, 0,
	 "a network interface, as eth1, not named as cells' are"},
	{"egress_vlan", set_egress_vlan, 0, "a number from 1 to 4094"},
	{"egress_address", set_egress_address, 0, "an IPv4 address and prefix, as 192.0.2.7/24"},
	{"egress_router", set_egress_router, 0, "an IPv4 address"},
	{"egress_kibps", set_egress_kibps, 0, "a number from 1 to 4194303"},
	{"cell_network", set_cells, 0, "an IPv4 network of 1 to 19 bits, as 100.127.224.0/19"},
	{"kernels_max", set_kernels_max, 0, "a number from 1 to 512"},
	{"kernels_ahead", set_kernels_ahead, 0, "a number from 0 to 32"},
	{"log_level", set_log_level, 0, "error, warning, info or debug"},
};

static bool within(uint32_t address, const struct ipv4_prefix *network)
{
	return ((address ^ network->address) & ipv4_mask(network->bits)) == 0;
}

static bool gateway_among_cells(const struct node_conf *conf)
{
	for (size_t i = 0; i < conf->gateways_count; i++)
		if (within(conf->gateways[i].address, &conf->cells))
			return true;
	return false;
}

static int check_egress(const struct node_conf *conf, struct conf_error *error)
{
	const struct ipv4_prefix *address = &conf->egress_address;

	if (!*conf->egress_interface) {
		if (conf->egress_vlan || address->address || conf->egress_router)
			return conf_fault(error, "egress_vlan, egress_address and egress_router "
						 "need an egress_interface");
		return 0;
	}
	if (conf->egress_vlan && !address->address)
		return conf_fault(error, "egress_vlan: expected an egress_address too");
	if (conf->egress_router && !address->address)
		return conf_fault(error, "egress_router: expected an egress_address too");
	if (conf->egress_router && !within(conf->egress_router, address))
		return conf_fault(error, "egress_router is not within the network of egress_address");
	if (conf->egress_router && conf->egress_router == address->address)
		return conf_fault(error, "egress_router is the node's own address");
	if (within(address->address, &conf->cells) || within(conf->address.address, &conf->cells) ||
	    gateway_among_cells(conf))
		return conf_fault(error, "cell_network holds an address of the node or a gateway");
	return 0;
}

/* What no single line can tell. */
static int check(const struct node_conf *conf, struct conf_error *error)
{
	uint32_t mask = ipv4_mask(conf->address.bits);

	if (conf->network == NODE_DHCP && (conf->address.address != 0 || conf->router != 0))
		return conf_fault(error, "address and router belong to network = static");
	if (conf->network == NODE_STATIC && conf->address.address == 0)
		return conf_fault(error, "network = static: expected an address too");
	if (conf->router != 0 && ((conf->router ^ conf->address.address) & mask) != 0)
		return conf_fault(error, "router is not within the network of address");
	if (conf->router != 0 && conf->router == conf->address.address)
		return conf_fault(error, "router is the node's own address");
	return check_egress(conf, error);
}

const char *node_conf_egress(const struct node_conf *conf)
{
	return conf->egress_vlan ? NODE_VLAN_INTERFACE : conf->egress_interface;
}

int node_conf_parse(const char *text, size_t len, struct node_conf *ret_conf,
		    struct conf_error *ret_error)
{
	struct node_conf conf = {
		.kernels_max = NODE_KERNELS_DEFAULT,
		.log_level = NODE_LOG_INFO,
		.egress_kibps = NODE_EGRESS_KIBPS_DEFAULT,
		.cells = {NODE_CELLS_DEFAULT, NODE_CELLS_BITS},
	};
	int err = conf_parse(text, len, node_keys, sizeof(node_keys) / sizeof(*node_keys), &conf,
			     ret_error);

	if (!err)
		err = check(&conf, ret_error);
	if (!err)
		*ret_conf = conf;
	return err;
}

int node_conf_read(const char *path, struct node_conf *ret_conf, struct conf_error *ret_error)
{
	char *text, why[CONF_ERROR_MAX];
	size_t len;
	int err = conf_read_file(path, NODE_CONF_MAX, &text, &len);

	if (err) {
		snprintf(why, sizeof(why), "cannot be read: %s", strerror(-err));
		conf_fault(ret_error, why);
		return err;
	}
	err = node_conf_parse(text, len, ret_conf, ret_error);
	free(text);
	return err;
}
