/* SPDX-License-Identifier: Apache-2.0 */
/* Sets, maps, and named counters and quotas. */
#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <string.h>

#include "netlink/nft.h"
#include "netlink/nft_expression.h"
#include "netlink/socket.h"

/* The types of keys are nft's own numbers: the kernel keeps them for whoever lists a set. */
#define TYPE_ADDRESS 7u
#define TYPE_NAME 41u
#define TYPE_BITS 6u /* of each part of a joined key's type */

struct key {
	char name[IFNAMSIZ];
	uint32_t address;
};

void nft_set(struct nl *nl, const char *table, const char *set, enum nft_set_kind kind,
	     uint32_t id)
{
	/* What nft itself notes there: names are text, in the order of its bytes. */
	static const uint8_t order[] = {0, 4, 1, 0, 0, 0};
	bool both = kind == NFT_SET_NAMES_ADDRESSES;
	uint32_t flags = 0;

	if (kind == NFT_SET_VERDICTS)
		flags = NFT_SET_MAP;
	if (kind == NFT_SET_COUNTERS)
		flags = NFT_SET_OBJECT;
	nft_message(nl, NFT_MSG_NEWSET, NLM_F_CREATE);
	nl_put_string(nl, NFTA_SET_TABLE, table);
	nl_put_string(nl, NFTA_SET_NAME, set);
	nl_put_be32(nl, NFTA_SET_FLAGS, flags);
	nl_put_be32(nl, NFTA_SET_KEY_TYPE,
		    both ? TYPE_NAME << TYPE_BITS | TYPE_ADDRESS : TYPE_NAME);
	nl_put_be32(nl, NFTA_SET_KEY_LEN, both ? sizeof(struct key) : IFNAMSIZ);
	if (kind == NFT_SET_VERDICTS)
		nl_put_be32(nl, NFTA_SET_DATA_TYPE, NFT_DATA_VERDICT);
	if (kind == NFT_SET_COUNTERS)
		nl_put_be32(nl, NFTA_SET_OBJ_TYPE, NFT_OBJECT_COUNTER);
	nl_put_be32(nl, NFTA_SET_ID, id);
	if (!both)
		nl_put(nl, NFTA_SET_USERDATA, order, sizeof(order));
	nl_end(nl);
}

static void element_message(struct nl *nl, uint16_t type, uint16_t flags, const char *table,
			    const char *set, const struct nft_element *element)
{
	bool both = element->kind == NFT_SET_NAMES_ADDRESSES;
	struct key key = {.address = htonl(element->address)};

	nft_interface_name(nl, element->interface, key.name);
	nft_message(nl, type, flags);
	nl_put_string(nl, NFTA_SET_ELEM_LIST_TABLE, table);
	nl_put_string(nl, NFTA_SET_ELEM_LIST_SET, set);
	nl_nest(nl, NFTA_SET_ELEM_LIST_ELEMENTS);
	nl_nest(nl, NFTA_LIST_ELEM);
	nft_data(nl, NFTA_SET_ELEM_KEY, &key, both ? sizeof(key) : IFNAMSIZ);
	if (type == NFT_MSG_NEWSETELEM && element->kind == NFT_SET_VERDICTS)
		nft_verdict_data(nl, NFTA_SET_ELEM_DATA, NFT_GOTO, element->target);
	if (type == NFT_MSG_NEWSETELEM && element->kind == NFT_SET_COUNTERS)
		nl_put_string(nl, NFTA_SET_ELEM_OBJREF, element->target);
	nl_unnest(nl);
	nl_unnest(nl);
	nl_end(nl);
}

void nft_element_add(struct nl *nl, const char *table, const char *set,
		     const struct nft_element *element)
{
	element_message(nl, NFT_MSG_NEWSETELEM, NLM_F_CREATE, table, set, element);
}

void nft_element_delete(struct nl *nl, const char *table, const char *set,
			const struct nft_element *element)
{
	element_message(nl, NFT_MSG_DELSETELEM, 0, table, set, element);
}

/* ---- in rules ---- */

static void load(struct nl *nl, enum nft_meta_keys key)
{
	nft_expression(nl, "meta");
	nl_put_be32(nl, NFTA_META_DREG, NFT_REG_1);
	nl_put_be32(nl, NFTA_META_KEY, key);
	nft_expression_end(nl);
}

static void lookup(struct nl *nl, const char *set, bool verdict)
{
	nft_expression(nl, "lookup");
	nl_put_string(nl, NFTA_LOOKUP_SET, set);
	nl_put_be32(nl, NFTA_LOOKUP_SREG, NFT_REG_1);
	if (verdict)
		nl_put_be32(nl, NFTA_LOOKUP_DREG, NFT_REG_VERDICT);
	nft_expression_end(nl);
}

static void count_by(struct nl *nl, const char *map)
{
	nft_expression(nl, "objref");
	nl_put_be32(nl, NFTA_OBJREF_SET_SREG, NFT_REG_1);
	nl_put_string(nl, NFTA_OBJREF_SET_NAME, map);
	nft_expression_end(nl);
}

void nft_lookup_iifname(struct nl *nl, const char *set)
{
	load(nl, NFT_META_IIFNAME);
	lookup(nl, set, false);
}

void nft_lookup_oifname(struct nl *nl, const char *set)
{
	load(nl, NFT_META_OIFNAME);
	lookup(nl, set, false);
}

void nft_verdict_by_iifname(struct nl *nl, const char *map)
{
	load(nl, NFT_META_IIFNAME);
	lookup(nl, map, true);
}

void nft_verdict_by_oifname(struct nl *nl, const char *map)
{
	load(nl, NFT_META_OIFNAME);
	lookup(nl, map, true);
}

void nft_count_by_iifname(struct nl *nl, const char *map)
{
	load(nl, NFT_META_IIFNAME);
	count_by(nl, map);
}

void nft_count_by_oifname(struct nl *nl, const char *map)
{
	load(nl, NFT_META_OIFNAME);
	count_by(nl, map);
}

/* The two parts of the key stand in registers one after the other. */
void nft_lookup_iifname_source(struct nl *nl, const char *set)
{
	nft_match_ipv4(nl, NFT_SOURCE, 0, 0);
	load(nl, NFT_META_IIFNAME);
	nft_expression(nl, "payload");
	nl_put_be32(nl, NFTA_PAYLOAD_DREG, NFT_REG32_04);
	nl_put_be32(nl, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
	nl_put_be32(nl, NFTA_PAYLOAD_OFFSET, 12);
	nl_put_be32(nl, NFTA_PAYLOAD_LEN, 4);
	nft_expression_end(nl);
	lookup(nl, set, false);
}

/* ---- named objects ---- */

static void object(struct nl *nl, uint16_t type, uint16_t flags, const char *table,
		   const char *name, uint32_t kind)
{
	nft_message(nl, type, flags);
	nl_put_string(nl, NFTA_OBJ_TABLE, table);
	nl_put_string(nl, NFTA_OBJ_NAME, name);
	nl_put_be32(nl, NFTA_OBJ_TYPE, kind);
}

static void reference(struct nl *nl, const char *name, uint32_t kind)
{
	nft_expression(nl, "objref");
	nl_put_be32(nl, NFTA_OBJREF_IMM_TYPE, kind);
	nl_put_string(nl, NFTA_OBJREF_IMM_NAME, name);
	nft_expression_end(nl);
}

void nft_counter_add(struct nl *nl, const char *table, const char *name)
{
	object(nl, NFT_MSG_NEWOBJ, NLM_F_CREATE, table, name, NFT_OBJECT_COUNTER);
	nl_nest(nl, NFTA_OBJ_DATA);
	nl_unnest(nl);
	nl_end(nl);
}

void nft_counter_delete(struct nl *nl, const char *table, const char *name)
{
	object(nl, NFT_MSG_DELOBJ, 0, table, name, NFT_OBJECT_COUNTER);
	nl_end(nl);
}

void nft_counter_use(struct nl *nl, const char *name)
{
	reference(nl, name, NFT_OBJECT_COUNTER);
}

void nft_quota_add(struct nl *nl, const char *table, const char *name, uint64_t bytes)
{
	object(nl, NFT_MSG_NEWOBJ, NLM_F_CREATE, table, name, NFT_OBJECT_QUOTA);
	nl_nest(nl, NFTA_OBJ_DATA);
	nl_put_be64(nl, NFTA_QUOTA_BYTES, bytes <= INT64_MAX ? bytes : INT64_MAX);
	nl_put_be32(nl, NFTA_QUOTA_FLAGS, NFT_QUOTA_F_INV);
	nl_unnest(nl);
	nl_end(nl);
}

void nft_quota_delete(struct nl *nl, const char *table, const char *name)
{
	object(nl, NFT_MSG_DELOBJ, 0, table, name, NFT_OBJECT_QUOTA);
	nl_end(nl);
}

void nft_quota_over(struct nl *nl, const char *name)
{
	reference(nl, name, NFT_OBJECT_QUOTA);
}

/* ---- reading them back ---- */

struct reading {
	void (*found)(void *ctx, const struct nft_count *count);
	void *ctx;
};

static uint64_t number(const uint8_t *bytes, size_t len, uint16_t type)
{
	uint64_t value = 0;
	size_t value_len;
	const uint8_t *at = nl_attribute(bytes, len, type, &value_len);

	if (at && value_len == sizeof(value))
		memcpy(&value, at, sizeof(value));
	return be64toh(value);
}

static void read_one(void *ctx, uint16_t type, const uint8_t *body, size_t len)
{
	const struct reading *reading = ctx;
	const size_t head = NLMSG_ALIGN(sizeof(struct nfgenmsg));
	const uint8_t *name, *numbers;
	size_t name_len, numbers_len;
	struct nft_count count;

	if (type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWOBJ) || len < head)
		return;
	name = nl_attribute(body + head, len - head, NFTA_OBJ_NAME, &name_len);
	numbers = nl_attribute(body + head, len - head, NFTA_OBJ_DATA, &numbers_len);
	if (!name || !numbers || !memchr(name, '\0', name_len))
		return;
	count = (struct nft_count){
		.name = (const char *)name,
		.packets = number(numbers, numbers_len, NFTA_COUNTER_PACKETS),
		.bytes = number(numbers, numbers_len, NFTA_COUNTER_BYTES),
	};
	reading->found(reading->ctx, &count);
}

int nft_counters_read(int fd, const char *table,
		      void (*found)(void *ctx, const struct nft_count *count), void *ctx)
{
	struct reading reading = {found, ctx};
	struct nl nl;

	nl_init(&nl);
	nft_message(&nl, NFT_MSG_GETOBJ, NLM_F_DUMP);
	nl_put_string(&nl, NFTA_OBJ_TABLE, table);
	nl_put_be32(&nl, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
	nl_end(&nl);
	return nl_dump(fd, &nl, read_one, &reading);
}
