/* SPDX-License-Identifier: Apache-2.0 */
/* The tables themselves: complete, without doubles, small, and silent about what must not be. */
#include "hostd/policy/policy.h"

#include "hostd/cell/seccomp.h"
#include "link/check.h"

#include <seccomp.h>
#include <string.h>

#define CALLS_MAX 150

/* Calls that no profile may allow whatever the arguments. By name: most have no number here. */
static const char *const never[] = {
	"mount", "umount2", "pivot_root", "chroot", "fsopen", "fsmount", "fsconfig", "fspick",
	"open_tree", "move_mount", "mount_setattr", "unshare", "setns", "clone3", "ptrace",
	"process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp", "bpf",
	"perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register",
	"io_setup", "keyctl", "add_key", "request_key", "open_by_handle_at", "name_to_handle_at",
	"fanotify_init", "inotify_init", "inotify_init1", "init_module", "finit_module",
	"delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff", "acct", "quotactl", "syslog",
	"sethostname", "setdomainname", "settimeofday", "clock_settime", "adjtimex",
	"clock_adjtime", "iopl", "ioperm", "modify_ldt", "setuid", "setgid", "setreuid",
	"setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid", "capset",
	"seccomp", "splice", "tee", "vmsplice", "shmget", "semget", "msgget", "mq_open",
	"move_pages", "migrate_pages", "mbind", "lookup_dcookie", "vhangup", "uselib",
	"nfsservctl", "memfd_secret", "sync", "syncfs", "execveat", "remap_file_pages",
};

static bool allowed(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->count; i++)
		if (!policy->rules[i].error && strcmp(policy->rules[i].name, name) == 0)
			return true;
	return false;
}

static bool same(const struct policy_rule *a, const struct policy_rule *b)
{
	if (a->number != b->number)
		return false;
	/* A call allowed whole needs no line for one of its arguments. */
	return a->argument < 0 || b->argument < 0 ||
	       (a->argument == b->argument && a->mask == b->mask && a->value == b->value);
}

static void test_rules(struct check *check, const struct policy *policy)
{
	for (size_t i = 0; i < policy->count; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		check_row(check, rule->name);
		CHECK(check, rule->reason && strlen(rule->reason) >= 4);
		CHECK(check, rule->argument < 6);
		CHECK(check, rule->error < 4096);
		for (size_t j = 0; j < i; j++)
			CHECK(check, !same(rule, &policy->rules[j]));
	}
}

static unsigned count_calls(const struct policy *policy)
{
	unsigned count = 0;

	for (size_t i = 0; i < policy->count; i++) {
		bool first = policy->rules[i].error == 0 && policy->rules[i].number >= 0;

		for (size_t j = 0; first && j < i; j++)
			first = policy->rules[j].number != policy->rules[i].number;
		count += first;
	}
	return count;
}

static void test_policy(struct check *check, const struct policy *policy)
{
	struct filter filter = {0, NULL};

	test_rules(check, policy);
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		check_row(check, never[i]);
		CHECK(check, !allowed(policy, never[i]));
	}
	check_row(check, policy->name);
	CHECK(check, allowed(policy, "execve") && allowed(policy, "exit_group"));
	CHECK(check, count_calls(policy) <= CALLS_MAX);
	CHECK(check, policy_find(policy->name) == policy);
	for (int network = CELL_NETWORK_SEALED; network <= CELL_NETWORK_EGRESS; network++) {
		CHECK_EQ(check, filter_compile(policy, (enum cell_network)network, &filter), 0);
		CHECK(check, filter.count > 50);
		printf("%s: %u calls, %zu rules, %u instructions\n", policy->name,
		       count_calls(policy), policy->count, filter.count);
		filter_free(&filter);
	}
}

/* What is told is what no profile may do: none allows it, and none has to answer it politely. */
static void test_loud(struct check *check)
{
	const struct policy *policy;

	for (size_t i = 0; i < policy_loud.count; i++) {
		const struct policy_rule *loud = &policy_loud.rules[i];

		check_row(check, loud->name);
		CHECK(check, loud->error > 0);
		for (size_t j = 0; (policy = policy_at(j)); j++)
			for (size_t k = 0; k < policy->count; k++)
				CHECK(check, loud->number < 0 || !same(loud, &policy->rules[k]));
	}
}

int main(void)
{
	struct check check = {0};
	const struct policy *policy;

	for (size_t i = 0; (policy = policy_at(i)); i++)
		test_policy(&check, policy);
	test_rules(&check, &policy_loud);
	test_loud(&check);
	check_row(&check, NULL);
	CHECK(&check, policy_find("none") == NULL);
	CHECK(&check, policy_find("") == NULL);
	return CHECK_DONE(&check);
}
