/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount namespaces of the monitor beside its own. A mount can only be cloned from within its
 * namespace (Linux 6.12: not from a detached one), and a cell's namespace starts as a copy of
 * the one it is cloned from. So there are two, each on a small tmpfs root:
 *   nursery  nothing but /proc and the stand-ins that mask it: all that a cell's child ever sees
 *            of the node, and quick to copy however many cells there are;
 *   keeper   the tmpfs that cells keep over restarts; never copied.
 */
#ifndef ANCHORHOLD_CELL_MOUNTNS_H
#define ANCHORHOLD_CELL_MOUNTNS_H

struct mountns {
	int home, nursery, keeper;
};

/*
 * `fill` gets the nursery's root (still writable) from inside. Fails leaving all closed. keeper: an
 * earlier monitor's, borrowed, to go on with; -1: a new one.
 */
int mountns_init(struct mountns *ns, int proc, int keeper, int (*fill)(int root));
void mountns_close(struct mountns *ns);

/* Go to a namespace; the working directory becomes its root. */
int mountns_enter(int ns);

/* Back home. Cannot fail on a namespace that was ours; aborts if it does, as every path the
 * monitor would open from then on leads elsewhere. */
void mountns_leave(const struct mountns *ns);

#endif
