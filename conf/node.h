/* SPDX-License-Identifier: Apache-2.0 */
/* /state/node.conf, typed. docs/node.conf.5 says what each key means. */
#ifndef ANCHORHOLD_CONF_NODE_H
#define ANCHORHOLD_CONF_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "conf/value.h"

#define NODE_CONF_PATH "/state/node.conf"
#define NODE_KEY_PATH "/state/node.key"
#define NODE_CONF_MAX 16384u /* bytes of the file */
#define NODE_NAME_MAX 64u    /* NUL included */
#define NODE_INTERFACE_MAX 16u
#define NODE_GATEWAYS_MAX 4u
#define NODE_KEY_LEN 40u /* a CURVE key in Z85 */
#define NODE_SECRET_LEN 32u /* bytes of a one-time secret */
#define NODE_KERNELS_MAX 512u
#define NODE_KERNELS_DEFAULT 128u
#define NODE_KERNELS_AHEAD_MAX 32u
#define NODE_VLAN_INTERFACE "egress" /* what the VLAN of egress_vlan is called */
#define NODE_CELLS_DEFAULT 0x647fe000u /* 100.127.224.0, shared address space (RFC 6598) */
#define NODE_CELLS_BITS 19u	       /* at most: two addresses for each of 4096 cells */
#define NODE_EGRESS_KIBPS_DEFAULT 12800u

enum node_network { NODE_DHCP, NODE_STATIC };
enum node_log { NODE_LOG_ERROR, NODE_LOG_WARNING, NODE_LOG_INFO, NODE_LOG_DEBUG };

struct node_conf {
	char name[NODE_NAME_MAX];
	size_t gateways_count; /* at least 1 */
	struct ipv4_endpoint gateways[NODE_GATEWAYS_MAX];
	char gateway_key[NODE_KEY_LEN + 1];	 /* Z85, public */
	char gateway_key_next[NODE_KEY_LEN + 1]; /* empty when not given */
	bool enrols; /* a join_secret is given; whoever needs it not wipes it */
	uint8_t join_secret[NODE_SECRET_LEN];
	char interface[NODE_INTERFACE_MAX]; /* empty: the first Ethernet interface */
	enum node_network network;
	struct ipv4_prefix address; /* NODE_STATIC alone */
	uint32_t router;	    /* NODE_STATIC alone; 0 = none */
	bool ipv6;
	char egress_interface[NODE_INTERFACE_MAX]; /* empty: no cell has a way out */
	uint32_t egress_vlan;			   /* on it; 0: none */
	struct ipv4_prefix egress_address;	   /* none: the link's, whose interface it is */
	uint32_t egress_router;			   /* 0: none, or the link's */
	uint32_t egress_kibps;			   /* of a cell whose policy names no rate */
	struct ipv4_prefix cells;		   /* their addresses; host bits zero */
	uint32_t kernels_max;
	uint32_t kernels_ahead; /* cells that wait for kernels like those of late */
	enum node_log log_level;
};

/* The interface through which cells' traffic leaves: egress_interface, or the VLAN on it. */
const char *node_conf_egress(const struct node_conf *conf);

/* Reads a text into a complete configuration, or as conf_parse. */
int node_conf_parse(const char *text, size_t len, struct node_conf *ret_conf,
		    struct conf_error *ret_error);

/*
 * Reads the file at path (NODE_CONF_PATH). Returns 0, or -errno with *ret_error filled in
 * every case: the file could not be read, or as node_conf_parse.
 */
int node_conf_read(const char *path, struct node_conf *ret_conf, struct conf_error *ret_error);

#endif
