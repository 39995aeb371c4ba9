/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two kinds of sockets a link has, made with every ceiling set before bind or connect.
 *
 * Worst-case memory of messages, by ceilings alone. libzmq counts messages, so it is marks x
 * frame size for each peer and direction, and the single-part option keeps a peer from sending
 * an endless multipart message, which the marks do not count:
 *
 *	gateway: peers x (LINK_GATEWAY_RCVHWM + LINK_GATEWAY_SNDHWM) x LINK_FRAME_MAX
 *		 = peers x (64 + 32) x 96 KiB = 9 MiB a peer that both floods and does not read;
 *		 an idle or well-behaved peer holds none of it. Peers are authenticated nodes
 *		 (descriptors are the ceiling of the others: LINK_BACKLOG and the process's
 *		 RLIMIT_NOFILE; each unauthenticated one holds at most one handshake command of
 *		 LINK_FRAME_MAX for LINK_HANDSHAKE_MS).
 *	node:	 (LINK_NODE_RCVHWM + LINK_NODE_SNDHWM) x LINK_FRAME_MAX
 *		 = (32 + 64) x 96 KiB = 9 MiB for each gateway.
 * On the way that output takes the mark is 64: at 16, small frames cross at half the rate of
 * libzmq's default of 1000, at 64 at the same.
 *
 * Built with ANCHORHOLD_REQUIRE_SINGLE_PART (every product build) making a socket fails with
 * -ENOTSUP where libzmq lacks our patch; without it, a developer's build on a stock libzmq, the
 * patch is used where it is there, and peer.h still drops multipart messages after reassembly.
 *
 * Threads: a socket belongs to the thread that uses it.
 */
#ifndef ANCHORHOLD_LINK_SOCKET_H
#define ANCHORHOLD_LINK_SOCKET_H

#include "link/curve.h"

#define LINK_ZAP_DOMAIN "anchorhold"
#define LINK_NODE_RCVHWM 32
#define LINK_NODE_SNDHWM 64
#define LINK_GATEWAY_RCVHWM 64
#define LINK_GATEWAY_SNDHWM 32
#define LINK_BACKLOG 4096
#define LINK_HANDSHAKE_MS 5000
#define LINK_SILENT_MS 20000 /* from accepting to HELLO or ENROL, at a gateway */
#define LINK_HEARTBEAT_MS 10000		/* a ping this often */
#define LINK_HEARTBEAT_TIMEOUT_MS 30000 /* silence ends a connection; also the TTL told the peer */
#define LINK_RECONNECT_MS 100
#define LINK_RECONNECT_MAX_MS 30000
#define LINK_SINGLE_PART_OPTION 1001 /* ZMQ_ANCHORHOLD_SINGLE_PART of our patched libzmq, int */

/*
 * A node's DEALER, not yet connected: the caller may put a watch on it (watch.h) and then calls
 * zmq_connect() with "tcp://ADDRESS:PORT". server is the gateway's public key. The caller closes
 * it with zmq_close(). It has no routing id of its own: the gateway's ROUTER makes one a
 * connection.
 */
int link_socket_node(void *ctx, const struct curve_pair *own, const struct curve_key *server,
		     void **ret_socket);

/*
 * A gateway's ROUTER, not yet bound. The ZAP handler (zap.h) must be bound in the same context
 * before peers come: without it nobody gets in.
 */
int link_socket_gateway(void *ctx, const struct curve_pair *own, void **ret_socket);

#endif
