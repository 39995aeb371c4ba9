/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay: one a kernel. It owns nothing but that kernel's sockets and message key, its output
 * log and one stream to the link, and speaks to nobody else.
 */
#ifndef ANCHORHOLD_HOSTD_RELAY_H
#define ANCHORHOLD_HOSTD_RELAY_H

/*
 * Runs until the monitor ends it: ipc_fd is the pair to the monitor, the working directory holds
 * the kernel's sockets. Needs no privilege. Returns the process's exit code.
 */
int relay_run(int ipc_fd);

#endif
