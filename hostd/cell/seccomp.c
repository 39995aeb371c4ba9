/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/seccomp.h"

#include "hostd/cell/sys.h"
#include "hostd/cell/util.h"
#include "hostd/policy/policy.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define FILTER_MAX 4096u /* instructions: the kernel's own ceiling */
#define DOMAINS 46	 /* AF_MAX of Linux 6.12 */

static int add(scmp_filter_ctx context, uint32_t action, const struct policy_rule *rule)
{
	struct scmp_arg_cmp compare = {
		.arg = (unsigned)rule->argument,
		.op = SCMP_CMP_MASKED_EQ,
		.datum_a = rule->mask,
		.datum_b = rule->value,
	};

	/* A number below zero stands for a call that only other machines have. */
	if (rule->number < 0)
		return 0;
	if (rule->argument < 0)
		return seccomp_rule_add_array(context, action, rule->number, 0, NULL);
	return seccomp_rule_add_array(context, action, rule->number, 1, &compare);
}

/* Of what is for cells with a network, one with a way out has IPv4 alone: so has its way. */
static bool applies(const struct policy_rule *rule, enum cell_network network)
{
	if (!rule->loopback)
		return true;
	if (network == CELL_NETWORK_EGRESS && rule->number == SCMP_SYS(socket))
		return rule->value != AF_INET6;
	return network != CELL_NETWORK_SEALED;
}

static int add_rule(scmp_filter_ctx context, const struct policy_rule *rule)
{
	return add(context, rule->error ? SCMP_ACT_ERRNO(rule->error) : SCMP_ACT_ALLOW, rule);
}

/* A whole call is only told where the policy has nothing to say of it. */
static bool told(const struct policy *policy, const struct policy_rule *loud)
{
	for (size_t i = 0; loud->argument < 0 && i < policy->count; i++)
		if (policy->rules[i].number == loud->number)
			return false;
	return true;
}

/* action 0: each row's own error. */
static int add_loud(scmp_filter_ctx context, const struct policy *policy, uint32_t action)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < policy_loud.count; i++) {
		const struct policy_rule *rule = &policy_loud.rules[i];

		if (told(policy, rule))
			result = add(context, action ? action : SCMP_ACT_ERRNO(rule->error), rule);
	}
	return result;
}

static bool domain_named(const struct policy *policy, int domain, enum cell_network network)
{
	for (size_t i = 0; i < policy->count; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		if (rule->number == SCMP_SYS(socket) && rule->argument == 0 &&
		    rule->value == (uint64_t)domain && applies(rule, network))
			return true;
	}
	return false;
}

/* Of a domain that no rule names, a program hears what it would where that is not built in. */
static int refuse_domains(scmp_filter_ctx context, const struct policy *policy,
			  enum cell_network network)
{
	int result = 0;

	for (int domain = 0; result == 0 && domain < DOMAINS; domain++) {
		const struct policy_rule rule = {
			.number = SCMP_SYS(socket),
			.error = EAFNOSUPPORT,
			.argument = 0,
			.mask = 0xffffffff,
			.value = (uint64_t)domain,
		};

		if (!domain_named(policy, domain, network) &&
		    !domain_named(&policy_loud, domain, network))
			result = add_rule(context, &rule);
	}
	return result;
}

/* Only the native architecture is in a new context: i386 and x32 calls are 'bad'. */
static int attributes(scmp_filter_ctx context)
{
	int result = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	return result < 0 ? result : seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
}

static int fill(scmp_filter_ctx context, const struct policy *policy, enum cell_network network)
{
	int result = attributes(context);

	for (size_t i = 0; result == 0 && i < policy->count; i++)
		if (applies(&policy->rules[i], network))
			result = add_rule(context, &policy->rules[i]);
	if (result == 0)
		result = add_loud(context, policy, SCMP_ACT_NOTIFY);
	return result < 0 ? result : refuse_domains(context, policy, network);
}

/* By way of a memfd: libseccomp before 2.6 exports to a descriptor only. */
static int export(scmp_filter_ctx context, struct sock_filter **ret_code,
		  unsigned short *ret_count)
{
	struct sock_filter *code;
	CLEANUP_FD int fd = memfd_create("filter", MFD_CLOEXEC);
	struct stat st;
	int result;

	if (fd < 0)
		return -errno;
	result = seccomp_export_bpf(context, fd);
	if (result < 0)
		return result;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size <= 0 || (size_t)st.st_size > FILTER_MAX * sizeof(struct sock_filter))
		return -E2BIG;
	code = malloc((size_t)st.st_size);
	if (!code)
		return -ENOMEM;
	if (pread(fd, code, (size_t)st.st_size, 0) != st.st_size) {
		free(code);
		return -EIO;
	}
	*ret_code = code;
	*ret_count = (unsigned short)((size_t)st.st_size / sizeof(struct sock_filter));
	return 0;
}

static int compile_loud(const struct policy *policy, struct filter *filter)
{
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_ALLOW);
	int result;

	if (!context)
		return -ENOMEM;
	result = attributes(context);
	if (result == 0)
		result = add_loud(context, policy, 0);
	if (result == 0)
		result = export(context, &filter->loud, &filter->loud_count);
	seccomp_release(context);
	return result;
}

int filter_compile(const struct policy *policy, enum cell_network network,
		   struct filter *ret_filter)
{
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int result;

	if (!context)
		return -ENOMEM;
	*ret_filter = (struct filter){0};
	result = fill(context, policy, network);
	if (result == 0)
		result = export(context, &ret_filter->code, &ret_filter->count);
	seccomp_release(context);
	if (result == 0)
		result = compile_loud(policy, ret_filter);
	if (result < 0)
		filter_free(ret_filter);
	return result;
}

void filter_free(struct filter *filter)
{
	free(filter->code);
	free(filter->loud);
	*filter = (struct filter){0};
}

static int load(unsigned short count, struct sock_filter *code, unsigned flags)
{
	const struct sock_fprog program = {.len = count, .filter = code};

	return sys_result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

/* The loud one first: it is milder to seccomp(2) itself, and where both refuse alike the later
 * one's silence would count. */
int filter_load(const struct filter *filter)
{
	int result = load(filter->loud_count, filter->loud, SECCOMP_FILTER_FLAG_LOG);

	return result < 0 ? result : load(filter->count, filter->code, 0);
}
