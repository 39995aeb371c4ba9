/* SPDX-License-Identifier: Apache-2.0 */
/* Netlink messages to the kernel and its answers. */
#ifndef ANCHORHOLD_NETLINK_SOCKET_H
#define ANCHORHOLD_NETLINK_SOCKET_H

#include "netlink/message.h"

/*
 * Opens a socket of the calling process's network namespace for protocol (NETLINK_ROUTE,
 * NETLINK_NETFILTER). Returns the descriptor (close-on-exec, owned by the caller) or -errno.
 */
int nl_open(int protocol);

/*
 * Sends all of nl in one datagram and collects the answers. acked is the sequence number of
 * the message that asked for an acknowledgement (NLM_F_ACK). Returns 0 once it is there and no
 * message failed; else the kernel's first error, -ENOBUFS (nl was full), -EIO (no answer).
 */
int nl_send(int fd, const struct nl *nl, uint32_t acked);

/*
 * Sends nl, one message with NLM_F_DUMP, and calls found for each message of the answer. Returns
 * 0, or -errno; found may have been called before a failure.
 */
int nl_dump(int fd, const struct nl *nl, nl_found *found, void *ctx);

#endif
