/* SPDX-License-Identifier: Apache-2.0 */
/* A policy compiled to the kernel's filter once, and loaded into every cell. */
#ifndef ANCHORHOLD_CELL_SECCOMP_H
#define ANCHORHOLD_CELL_SECCOMP_H

#include "hostd/cell/cell.h"

struct policy;
struct sock_filter;

struct filter {
	unsigned short count;
	struct sock_filter *code; /* owned */
};

/* -errno as libseccomp gives it. filter_free is fine on one that is all zero. */
int filter_compile(const struct policy *policy, enum cell_network network,
		   struct filter *ret_filter);
void filter_free(struct filter *filter);

/* In the child, with no_new_privs and nothing left to do but exec. */
int filter_load(const struct filter *filter);

#endif
