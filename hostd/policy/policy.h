/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System call policies as data. A profile is a list of what is allowed, one line a call (or a
 * call with one value of an argument) with its reason; all else is refused with EPERM, and any
 * other calling convention (i386, x32) kills. The lists are the .def files of this folder:
 * every profile contains cell-init's, a kernel's profile also what is common to kernels.
 */
#ifndef ANCHORHOLD_POLICY_H
#define ANCHORHOLD_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy_rule {
	const char *name;
	int number; /* as libseccomp counts; negative where this machine has no such call */
	uint16_t error; /* 0: allowed; else answered with it */
	bool loopback;	/* only for cells with a network of their own */
	int8_t argument; /* the checked one, or -1 */
	uint64_t mask, value; /* (argument & mask) == value */
	const char *reason;
};

struct policy {
	const char *name;
	const struct policy_rule *rules;
	size_t count;
};

/* No profile, but which refusals of every profile are told; a call that a profile has a rule for
 * is as that rule says. */
extern const struct policy policy_loud;

/* NULL where there is no such profile. Static. */
const struct policy *policy_find(const char *name);

/* The profiles in turn; NULL after the last. */
const struct policy *policy_at(size_t index);

#endif
