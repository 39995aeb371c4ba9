/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/policy/policy.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* Newer than some kernel headers we are built with; the same number on every machine. */
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif

/*
 * An int argument is compared by its low 32 bits, as the kernel takes it: the upper half is
 * whatever the register held (musl sign-extends), and must neither refuse nor let through.
 */
#define INT_MASK 0xffffffffull

#define RULE(call, err, loop, arg, msk, val, why)                                                  \
	{#call, SCMP_SYS(call), (err), (loop), (arg), (msk), (val) & (msk), (why)},
#define ALLOW(call, why) RULE(call, 0, false, -1, 0, 0, why)
#define ALLOW_INT(call, arg, value, why) RULE(call, 0, false, arg, INT_MASK, value, why)
#define ALLOW_INT_LOOPBACK(call, arg, value, why) RULE(call, 0, true, arg, INT_MASK, value, why)
#define ALLOW_MASKED(call, arg, mask, value, why) RULE(call, 0, false, arg, mask, value, why)
#define ANSWER(call, error, why) RULE(call, error, false, -1, 0, 0, why)
#define ANSWER_INT(call, arg, value, error, why) RULE(call, error, false, arg, INT_MASK, value, why)

#define LOUD(call, why) RULE(call, EPERM, false, -1, 0, 0, why)
#define LOUD_INT(call, arg, value, error, why) RULE(call, error, false, arg, INT_MASK, value, why)
#define LOUD_BITS(call, arg, bits, why) RULE(call, EPERM, false, arg, bits, bits, why)

/* A new process may get no namespace of its own. CLONE_NEWTIME's bit is a signal's here. */
#define CLONE_NAMESPACES                                                                           \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET)

static const struct policy_rule cell_init_rules[] = {
#include "hostd/policy/cell-init.def"
};

static const struct policy_rule lua_rules[] = {
#include "hostd/policy/cell-init.def"
#include "hostd/policy/common.def"
#include "hostd/policy/lua.def"
};

static const struct policy_rule python_rules[] = {
#include "hostd/policy/cell-init.def"
#include "hostd/policy/common.def"
#include "hostd/policy/python.def"
};

static const struct policy_rule loud_rules[] = {
#include "hostd/policy/loud.def"
};

#define POLICY(name, rules) {(name), (rules), sizeof(rules) / sizeof((rules)[0])}

static const struct policy policies[] = {
	POLICY("cell-init", cell_init_rules),
	POLICY("lua", lua_rules),
	POLICY("python", python_rules),
};

const struct policy policy_loud = POLICY("loud", loud_rules);

const struct policy *policy_at(size_t index)
{
	return index < sizeof(policies) / sizeof(policies[0]) ? &policies[index] : NULL;
}

const struct policy *policy_find(const char *name)
{
	const struct policy *policy;

	for (size_t i = 0; (policy = policy_at(i)); i++)
		if (strcmp(policy->name, name) == 0)
			return policy;
	return NULL;
}
