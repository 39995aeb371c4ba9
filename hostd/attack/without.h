/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tests' own build of the cell, from which single protections can be taken away: the very
 * sources of hostd/cell, compiled so that the calls below go through without.c. What sets a
 * protection is then not passed on to the kernel. A node's hostd is built from the same sources
 * without any of this.
 */
#ifndef ANCHORHOLD_ATTACK_WITHOUT_H
#define ANCHORHOLD_ATTACK_WITHOUT_H

#include <stdbool.h>

/* Added to the errno of what the filter refuses, so that it cannot be taken for the kernel's. */
#define WITHOUT_MARK 2000

enum without {
	WITHOUT_FILTER = 1 << 0,
	WITHOUT_LANDLOCK = 1 << 1,
	WITHOUT_NNP = 1 << 2,	 /* no_new_privs, and with it filter and Landlock */
	WITHOUT_CAPS = 1 << 3,	 /* capabilities are kept, in the cell's user namespace */
	WITHOUT_USERNS = 1 << 4, /* uid 0 of the node */
	WITHOUT_PIDNS = 1 << 5,	 /* the node's processes, and its /proc */
	WITHOUT_NETNS = 1 << 6,
	WITHOUT_IPCNS = 1 << 7,
	WITHOUT_UTSNS = 1 << 8,
	WITHOUT_PROC = 1 << 9,	      /* no masks, not read-only, nothing hidden */
	WITHOUT_MOUNTS = 1 << 10,     /* the node's /dev and /sys in the place of the cell's */
	WITHOUT_ATTRIBUTES = 1 << 11, /* read-only, nosuid, nodev, noexec */
	WITHOUT_RLIMIT = 1 << 12,
	WITHOUT_CGROUP = 1 << 13,      /* its limits */
	WITHOUT_DESCRIPTORS = 1 << 14, /* nothing is closed */
	WITHOUT_RESOLVE = 1 << 15,     /* links are followed while the root is built */
	WITHOUT_SYSCTL = 1 << 16,      /* of the node: set by cells.c, not here */
	WITHOUT_CGROUPNS = 1 << 18,
	WITHOUT_DUMPABLE = 1 << 17,    /* another cell-init: chosen by cells.c */
};

/* What the next cell is built without. */
extern unsigned without;

/* "filter,caps" to bits; 0 for "none" and "", -1 for a word that is none of ours. */
int without_parse(const char *words);

/* Before a spawn, in the home mount namespace: opens what WITHOUT_MOUNTS puts in. */
int without_prepare(void);

#endif
