/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy compiled once to two of the kernel's filters, which are loaded into every cell.
 *
 * The kernel logs refusals by filter, all of its or none, and most are nobody's business: what a
 * library tries to see whether it may. So what is worth knowing (policy/loud.def) is refused by a
 * filter of its own, loaded with SECCOMP_FILTER_FLAG_LOG, that allows all else. Of two filters the
 * stricter answer counts; where both refuse alike, the later's, unlogged. Therefore the policy's
 * own filter, which is loaded after it, answers the loud calls by SECCOMP_RET_USER_NOTIF without a
 * listener: a refusal too (ENOSYS), but a milder one than the first filter's. Neither filter lets
 * through what the other refuses, and the policy's alone would do.
 */
#ifndef ANCHORHOLD_CELL_SECCOMP_H
#define ANCHORHOLD_CELL_SECCOMP_H

#include "hostd/cell/cell.h"

struct policy;
struct sock_filter;

struct filter {
	unsigned short count;
	struct sock_filter *code; /* owned, as is loud; the policy */
	unsigned short loud_count;
	struct sock_filter *loud;
};

/* -errno as libseccomp gives it. filter_free is fine on one that is all zero. */
int filter_compile(const struct policy *policy, enum cell_network network,
		   struct filter *ret_filter);
void filter_free(struct filter *filter);

/* In the child, with no_new_privs and nothing left to do but exec. */
int filter_load(const struct filter *filter);

#endif
