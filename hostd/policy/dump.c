/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy-dump: the policies as this machine has them, one rule a line, for tests and for people.
 *
 *	PROFILE CALL NUMBER ACTION NETWORK ARGUMENT MASK VALUE REASON
 *
 * separated by tabs. ACTION is allow, an errno's number, or tell:ERRNO for the refusals that are
 * told (loud.def; they are of every profile, which is then `*`). NETWORK is `any`, or `loopback`
 * for what a sealed cell has not. ARGUMENT is - where none is checked. A call that this machine
 * does not have has a negative number.
 */
#include "hostd/policy/policy.h"

#include <inttypes.h>
#include <stdio.h>

static void dump(const struct policy *policy, const char *profile, const char *prefix)
{
	for (size_t i = 0; i < policy->count; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		printf("%s\t%s\t%d\t", profile, rule->name, rule->number);
		if (rule->error)
			printf("%s%u\t", prefix, rule->error);
		else
			printf("allow\t");
		printf("%s\t", rule->loopback ? "loopback" : "any");
		if (rule->argument < 0)
			printf("-\t-\t-\t");
		else
			printf("%d\t0x%" PRIx64 "\t0x%" PRIx64 "\t", rule->argument, rule->mask,
			       rule->value);
		printf("%s\n", rule->reason);
	}
}

int main(void)
{
	const struct policy *policy;

	for (size_t i = 0; (policy = policy_at(i)); i++)
		dump(policy, policy->name, "");
	dump(&policy_loud, "*", "tell:");
	return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
