/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A root for a child of init's that reads what strangers send: the few files that it needs, by the
 * names that they have on the node, and nothing else of the node's.
 */
#ifndef ANCHORHOLD_INIT_ROOT_H
#define ANCHORHOLD_INIT_ROOT_H

struct root_row {
	const char *path;
	unsigned long flags; /* MS_*, of the node's file or folder, seen here; 0: an empty folder */
};

/*
 * Makes the rows, ended by a path of NULL and each after the folder it is in, the caller's whole
 * root, which nobody can write to but where a row's flags let him. For a process in a mount
 * namespace of its own, as root. 0 or -errno, with nothing promised of where the caller is then.
 */
int root_enter(const struct root_row *rows);

#endif
