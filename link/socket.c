/* SPDX-License-Identifier: Apache-2.0 */
#include "link/socket.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <zmq.h>

#include "link/wire.h"

/* Stable in the library since 4.3.0, but only declared to those who ask for drafts. */
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

/* What CURVE adds to a frame on the wire (RFC 26, MESSAGE): name, nonce, box, flags. */
#define CURVE_OVERHEAD (8 + 8 + 16 + 1)

struct option {
	int name;
	int value;
};

static const struct option node_options[] = {
	{ZMQ_RCVHWM, LINK_NODE_RCVHWM},
	{ZMQ_SNDHWM, LINK_NODE_SNDHWM},
	{ZMQ_IMMEDIATE, 1}, /* nothing is queued for a connection that is not there */
	{ZMQ_RECONNECT_IVL, LINK_RECONNECT_MS}, /* libzmq adds up to as much again, at random */
	{ZMQ_RECONNECT_IVL_MAX, LINK_RECONNECT_MAX_MS},
	{ZMQ_CONNECT_TIMEOUT, LINK_HEARTBEAT_MS},
};

static const struct option gateway_options[] = {
	{ZMQ_RCVHWM, LINK_GATEWAY_RCVHWM},
	{ZMQ_SNDHWM, LINK_GATEWAY_SNDHWM},
	{ZMQ_BACKLOG, LINK_BACKLOG},
	{ZMQ_ROUTER_MANDATORY, 1}, /* else what is sent to nobody vanishes */
	{ZMQ_ROUTER_HANDOVER, 0},  /* nobody takes over another's routing id */
	{ZMQ_CURVE_SERVER, 1},
};

static const struct option common_options[] = {
	{ZMQ_LINGER, 0},
	{ZMQ_IPV6, 0},
	{ZMQ_HANDSHAKE_IVL, LINK_HANDSHAKE_MS},
	{ZMQ_HEARTBEAT_IVL, LINK_HEARTBEAT_MS},
	{ZMQ_HEARTBEAT_TIMEOUT, LINK_HEARTBEAT_TIMEOUT_MS},
	{ZMQ_HEARTBEAT_TTL, LINK_HEARTBEAT_TIMEOUT_MS},
	/* While it has something to send libzmq does not ping: what TCP does not get rid of in the
	 * same time ends the connection too. */
	{ZMQ_TCP_MAXRT, LINK_HEARTBEAT_TIMEOUT_MS},
	{ZMQ_TCP_KEEPALIVE, 1},
	{ZMQ_TCP_KEEPALIVE_IDLE, 60},
	{ZMQ_TCP_KEEPALIVE_INTVL, 10},
	{ZMQ_TCP_KEEPALIVE_CNT, 3},
};

static int set(void *socket, int name, const void *value, size_t len)
{
	return zmq_setsockopt(socket, name, value, len) == 0 ? 0 : -zmq_errno();
}

static int set_options(void *socket, const struct option *options, size_t count)
{
	int error = 0;

	for (size_t i = 0; i < count && error == 0; i++)
		error = set(socket, options[i].name, &options[i].value, sizeof(int));
	return error;
}

/* The patched option: more than one part in a message ends the connection while it is read. */
static int set_single_part(void *socket)
{
	const int on = 1;
	int error = set(socket, LINK_SINGLE_PART_OPTION, &on, sizeof(on));

#ifdef ANCHORHOLD_REQUIRE_SINGLE_PART
	return error == 0 ? 0 : -ENOTSUP;
#else
	return error == -EINVAL ? 0 : error;
#endif
}

/*
 * An empty ZAP domain, or one not enforced, lets everybody in who knows the server's public key
 * when the handler is gone.
 */
static int set_common(void *socket)
{
	const int64_t size_max = LINK_FRAME_MAX + CURVE_OVERHEAD;
	const int on = 1;
	int error = set_options(socket, common_options,
				sizeof(common_options) / sizeof(common_options[0]));

	if (error == 0)
		error = set(socket, ZMQ_MAXMSGSIZE, &size_max, sizeof(size_max));
	if (error == 0)
		error = set(socket, ZMQ_ZAP_DOMAIN, LINK_ZAP_DOMAIN, strlen(LINK_ZAP_DOMAIN));
	if (error == 0)
		error = set(socket, ZMQ_ZAP_ENFORCE_DOMAIN, &on, sizeof(on));
	if (error == 0)
		error = set_single_part(socket);
	return error;
}

static int socket_new(void *ctx, int type, const struct option *options, size_t count,
		      void **ret_socket)
{
	void *socket = zmq_socket(ctx, type);
	int error;

	if (socket == NULL)
		return -zmq_errno();
	error = set_common(socket);
	if (error == 0)
		error = set_options(socket, options, count);
	if (error == 0)
		*ret_socket = socket;
	else
		zmq_close(socket);
	return error;
}

int link_socket_node(void *ctx, const struct curve_pair *own, const struct curve_key *server,
		     void **ret_socket)
{
	void *socket = NULL;
	int error = socket_new(ctx, ZMQ_DEALER, node_options,
			       sizeof(node_options) / sizeof(node_options[0]), &socket);

	if (error != 0)
		return error;
	error = set(socket, ZMQ_CURVE_SERVERKEY, server->bytes, CURVE_KEY_LEN);
	if (error == 0)
		error = set(socket, ZMQ_CURVE_PUBLICKEY, own->public_key.bytes, CURVE_KEY_LEN);
	if (error == 0)
		error = set(socket, ZMQ_CURVE_SECRETKEY, own->secret_key.bytes, CURVE_KEY_LEN);
	if (error == 0)
		*ret_socket = socket;
	else
		zmq_close(socket);
	return error;
}

int link_socket_gateway(void *ctx, const struct curve_pair *own, void **ret_socket)
{
	void *socket = NULL;
	int error = socket_new(ctx, ZMQ_ROUTER, gateway_options,
			       sizeof(gateway_options) / sizeof(gateway_options[0]), &socket);

	if (error != 0)
		return error;
	error = set(socket, ZMQ_CURVE_SECRETKEY, own->secret_key.bytes, CURVE_KEY_LEN);
	if (error == 0)
		*ret_socket = socket;
	else
		zmq_close(socket);
	return error;
}
