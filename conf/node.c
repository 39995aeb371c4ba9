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

static int set_address(void *object, const char *value)
{
	struct node_conf *conf = object;
	struct ipv4_prefix address;

	if (value_ipv4_prefix(value, &address) || !ipv4_is_host(address.address) ||
	    address.bits < 1)
		return -EINVAL;
	conf->address = address;
	return 0;
}

static int set_router(void *object, const char *value)
{
	struct node_conf *conf = object;
	uint32_t router;

	if (value_ipv4(value, &router) || !ipv4_is_host(router))
		return -EINVAL;
	conf->router = router;
	return 0;
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

static int set_kernels_max(void *object, const char *value)
{
	struct node_conf *conf = object;

	return value_u32(value, 1, NODE_KERNELS_MAX, &conf->kernels_max);
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
	{"interface", set_interface, 0, "a network interface, as eth0"},
	{"network", set_network, 0, "dhcp or static"},
	{"address", set_address, 0, "an IPv4 address and prefix, as 192.0.2.7/24"},
	{"router", set_router, 0, "an IPv4 address"},
	{"ipv6", set_ipv6, 0, "on or off"},
	{"kernels_max", set_kernels_max, 0, "a number from 1 to 512"},
	{"log_level", set_log_level, 0, "error, warning, info or debug"},
};

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
	return 0;
}

int node_conf_parse(const char *text, size_t len, struct node_conf *ret_conf,
		    struct conf_error *ret_error)
{
	struct node_conf conf = {
		.kernels_max = NODE_KERNELS_DEFAULT,
		.log_level = NODE_LOG_INFO,
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
