/* SPDX-License-Identifier: Apache-2.0 */
#include "environments/lua/sockets.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

#include "link/wire.h"

#define QUEUE_MESSAGES 1000 /* of each outer socket, each way */
#define PAIR_MESSAGES 64    /* between the threads: the interpreter waits beyond that */
#define PART_MAX ((int64_t)LINK_MESSAGE_MAX)
#define BACKLOG 16

static const struct {
	enum jupyter_port port;
	int type;
} outer_rows[] = {
	{JUPYTER_SHELL, ZMQ_ROUTER}, {JUPYTER_CONTROL, ZMQ_ROUTER}, {JUPYTER_STDIN, ZMQ_ROUTER},
	{JUPYTER_IOPUB, ZMQ_XPUB},   {JUPYTER_HB, ZMQ_REP},
};

static const struct {
	const char *endpoint;
	enum pair_end bound;
	enum pair_end connected;
} pair_rows[] = {
	{"inproc://work", PAIR_WORK, PAIR_WORK_INTERP},
	{"inproc://input", PAIR_INPUT, PAIR_INPUT_INTERP},
};

static int option_set(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* Every ceiling is set before bind: options set later do not hold for existing connections. */
static int outer_limits(void *socket, int type)
{
	int64_t part_max = PART_MAX;
	int rc;

	if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &part_max, sizeof(part_max)) < 0)
		return -errno;
	rc = option_set(socket, ZMQ_SNDHWM, QUEUE_MESSAGES);
	if (rc == 0)
		rc = option_set(socket, ZMQ_RCVHWM, QUEUE_MESSAGES);
	if (rc == 0)
		rc = option_set(socket, ZMQ_BACKLOG, BACKLOG);
	/* A slow reader must slow the kernel; by default libzmq drops what does not fit. */
	if (rc == 0 && type == ZMQ_XPUB)
		rc = option_set(socket, ZMQ_XPUB_NODROP, 1);
	if (rc == 0 && type == ZMQ_XPUB)
		rc = option_set(socket, ZMQ_XPUB_VERBOSE, 1);
	if (rc == 0 && type == ZMQ_ROUTER)
		rc = option_set(socket, ZMQ_ROUTER_MANDATORY, 1);
	return rc;
}

static int outer_open(struct sockets *sockets, const struct connection *connection, size_t row)
{
	enum jupyter_port port = outer_rows[row].port;
	int rc;

	sockets->outer[port] = zmq_socket(sockets->context, outer_rows[row].type);
	if (!sockets->outer[port])
		return -errno;
	rc = outer_limits(sockets->outer[port], outer_rows[row].type);
	if (rc == 0 && zmq_bind(sockets->outer[port], connection->endpoint[port]) < 0)
		rc = -errno;
	return rc;
}

static int pair_end_open(struct sockets *sockets, enum pair_end end)
{
	int rc;

	sockets->pair[end] = zmq_socket(sockets->pairs_context, ZMQ_PAIR);
	if (!sockets->pair[end])
		return -errno;
	rc = option_set(sockets->pair[end], ZMQ_SNDHWM, PAIR_MESSAGES / 2);
	if (rc == 0)
		rc = option_set(sockets->pair[end], ZMQ_RCVHWM, PAIR_MESSAGES / 2);
	return rc;
}

static int pair_open(struct sockets *sockets, size_t row)
{
	int rc;

	rc = pair_end_open(sockets, pair_rows[row].bound);
	if (rc == 0)
		rc = pair_end_open(sockets, pair_rows[row].connected);
	if (rc == 0 &&
	    (zmq_bind(sockets->pair[pair_rows[row].bound], pair_rows[row].endpoint) < 0 ||
	     zmq_connect(sockets->pair[pair_rows[row].connected], pair_rows[row].endpoint) < 0))
		rc = -errno;
	return rc;
}

int sockets_open(const struct connection *connection, struct sockets *ret_sockets)
{
	int rc = 0;

	memset(ret_sockets, 0, sizeof(*ret_sockets));
	ret_sockets->context = zmq_ctx_new();
	ret_sockets->pairs_context = zmq_ctx_new();
	if (!ret_sockets->context || !ret_sockets->pairs_context)
		rc = -errno;
	for (size_t i = 0; rc == 0 && i < sizeof(pair_rows) / sizeof(pair_rows[0]); i++)
		rc = pair_open(ret_sockets, i);
	for (size_t i = 0; rc == 0 && i < sizeof(outer_rows) / sizeof(outer_rows[0]); i++)
		rc = outer_open(ret_sockets, connection, i);
	if (rc < 0) {
		sockets_close(ret_sockets, 0);
		for (size_t i = 0; i < PAIR_ENDS; i++)
			if (ret_sockets->pair[i])
				zmq_close(ret_sockets->pair[i]);
		if (ret_sockets->pairs_context)
			zmq_ctx_term(ret_sockets->pairs_context);
	}
	return rc;
}

void sockets_close(struct sockets *sockets, int linger_ms)
{
	for (size_t i = 1; i <= CONNECTION_SOCKETS; i++) {
		if (!sockets->outer[i])
			continue;
		option_set(sockets->outer[i], ZMQ_LINGER, linger_ms);
		zmq_close(sockets->outer[i]);
		sockets->outer[i] = NULL;
	}
	if (sockets->context)
		zmq_ctx_term(sockets->context);
	sockets->context = NULL;
}
