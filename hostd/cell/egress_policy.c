/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a policy is in range. Changes nothing, asks nothing. */
#include "hostd/cell/egress.h"

#include <netinet/in.h>
#include <stdio.h>

static const char *rule_problem(const struct egress_rule *rule)
{
	bool ports = rule->port_first != 0 || rule->port_last != 0;

	if (rule->bits > 32)
		return "a prefix is longer than 32";
	if (rule->bits < 32 && (uint64_t)rule->address << rule->bits & UINT32_MAX)
		return "a rule's address has host bits";
	switch (rule->protocol) {
	case 0:
	case IPPROTO_ICMP:
		return ports ? "ports belong to TCP and UDP" : NULL;
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		if (ports && (rule->port_first == 0 || rule->port_first > rule->port_last))
			return "a rule's ports are out of order";
		return NULL;
	default:
		return "a rule's protocol is unknown";
	}
}

const char *egress_problem(const struct egress_policy *policy)
{
	if (policy->rules_count > EGRESS_RULES_MAX)
		return "too many rules";
	if (policy->resolvers_count > EGRESS_RESOLVERS_MAX)
		return "too many resolvers";
	for (size_t i = 0; i < policy->rules_count; i++) {
		const char *problem = rule_problem(&policy->rules[i]);

		if (problem)
			return problem;
	}
	for (size_t i = 0; i < policy->resolvers_count; i++)
		if (policy->resolvers[i] >> 24 == 0 || policy->resolvers[i] >> 24 >= 224)
			return "a resolver is no host";
	return NULL;
}

void egress_resolv_conf(const struct egress_policy *policy, char ret_text[EGRESS_RESOLV_MAX])
{
	size_t at = 0;

	ret_text[0] = '\0';
	for (size_t i = 0; i < policy->resolvers_count && i < EGRESS_RESOLVERS_MAX; i++) {
		uint32_t address = policy->resolvers[i];
		int len = snprintf(ret_text + at, EGRESS_RESOLV_MAX - at, "nameserver %u.%u.%u.%u\n",
				   address >> 24, address >> 16 & 255, address >> 8 & 255,
				   address & 255);

		if (len < 0 || (size_t)len >= EGRESS_RESOLV_MAX - at)
			return;
		at += (size_t)len;
	}
}
