/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/egress.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define WANTED "expected ADDRESS[/BITS][:any|icmp|tcp|udp[:PORT[-PORT]]]"

static const struct {
	const char *name;
	uint8_t number;
} PROTOCOL[] = {{"any", 0}, {"icmp", 1}, {"tcp", 6}, {"udp", 17}};

#define PROTOCOL_COUNT (sizeof(PROTOCOL) / sizeof(PROTOCOL[0]))

/* A number of up to max without leading zeros; *at then stands behind it. */
static bool number(const char **at, uint32_t max, uint32_t *ret_value)
{
	const char *text = *at;
	uint32_t value = 0;

	if (*text < '0' || *text > '9' || (text[0] == '0' && text[1] >= '0' && text[1] <= '9'))
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		value = value * 10 + (uint32_t)(*text - '0');
		if (value > max)
			return false;
	}
	*at = text;
	*ret_value = value;
	return true;
}

static bool address(const char **at, uint32_t *ret_address)
{
	uint32_t result = 0, byte;

	for (int i = 0; i < 4; i++) {
		if (i > 0 && *(*at)++ != '.')
			return false;
		if (!number(at, 255, &byte))
			return false;
		result = result << 8 | byte;
	}
	*ret_address = result;
	return true;
}

static bool protocol(const char **at, uint8_t *ret_protocol)
{
	for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
		size_t len = strlen(PROTOCOL[i].name);

		if (strncmp(*at, PROTOCOL[i].name, len) != 0)
			continue;
		*at += len;
		*ret_protocol = PROTOCOL[i].number;
		return true;
	}
	return false;
}

/* ":PORT[-PORT]". */
static bool ports(const char **at, struct link_egress_rule *rule)
{
	uint32_t first, last;

	++*at;
	if (!number(at, UINT16_MAX, &first))
		return false;
	last = first;
	if (**at == '-') {
		++*at;
		if (!number(at, UINT16_MAX, &last))
			return false;
	}
	rule->port_first = (uint16_t)first;
	rule->port_last = (uint16_t)last;
	return first != 0;
}

const char *egress_rule_parse(const char *text, struct link_egress_rule *ret_rule)
{
	struct link_egress egress = {.rules_count = 1};
	struct link_egress_rule *rule = &egress.rules[0];
	uint32_t bits = 32;
	const char *problem;

	if (!address(&text, &rule->address))
		return WANTED;
	if (*text == '/') {
		text++;
		if (!number(&text, 32, &bits))
			return WANTED;
	}
	rule->bits = (uint8_t)bits;
	if (*text == ':') {
		text++;
		if (!protocol(&text, &rule->protocol))
			return WANTED;
		if (*text == ':' && !ports(&text, rule))
			return WANTED;
	}
	if (*text != '\0')
		return WANTED;
	problem = link_egress_problem(&egress);
	if (problem == NULL)
		*ret_rule = *rule;
	return problem;
}

void egress_address_format(uint32_t address, char ret_text[EGRESS_TEXT_MAX])
{
	snprintf(ret_text, EGRESS_TEXT_MAX, "%u.%u.%u.%u", (unsigned)(address >> 24),
		 (unsigned)(address >> 16 & 255), (unsigned)(address >> 8 & 255),
		 (unsigned)(address & 255));
}

int egress_address_parse(const char *text, uint32_t *ret_address)
{
	return address(&text, ret_address) && *text == '\0' ? 0 : -EINVAL;
}

void egress_rule_format(const struct link_egress_rule *rule, char ret_text[EGRESS_TEXT_MAX])
{
	const char *name = "any";
	size_t at;

	for (size_t i = 0; i < PROTOCOL_COUNT; i++)
		if (PROTOCOL[i].number == rule->protocol)
			name = PROTOCOL[i].name;
	egress_address_format(rule->address, ret_text);
	at = strlen(ret_text);
	at += (size_t)snprintf(ret_text + at, EGRESS_TEXT_MAX - at, "/%u:%s", rule->bits, name);
	if (rule->port_first == 0)
		return;
	at += (size_t)snprintf(ret_text + at, EGRESS_TEXT_MAX - at, ":%u", rule->port_first);
	if (rule->port_last != rule->port_first)
		snprintf(ret_text + at, EGRESS_TEXT_MAX - at, "-%u", rule->port_last);
}
