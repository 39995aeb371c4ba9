/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines for the tests of the network: processes in network namespaces of their own, which do
 * what they are told. A machine serves TCP and UDP echo on the ports that it is told to.
 */
#ifndef ANCHORHOLD_CELL_TEST_HOSTS_H
#define ANCHORHOLD_CELL_TEST_HOSTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum host_act {
	HOST_SERVE_TCP, /* from now on; address 0: on each of the machine's */
	HOST_SERVE_UDP,
	HOST_TCP,	/* connect, send, be echoed, close */
	HOST_OPEN,	/* connect, be echoed, and keep the connection */
	HOST_TALK,	/* be echoed on the kept connection */
	HOST_UDP,	/* send, be echoed */
	HOST_PING,
	HOST_SPOOF,	/* a datagram from the address `from`, which is not the machine's */
	HOST_HEARD	/* datagrams that its UDP server has had so far */
};

struct host_request {
	enum host_act act;
	uint32_t address, from; /* host order */
	uint16_t port;
	uint32_t bytes; /* of TCP and talk; 0: a few */
	bool brief;	/* an answer is not expected: it is waited for little */
};

struct host {
	pid_t pid;
	int pidfd, channel;
};

/* Starts one; -errno. */
int host_start(struct host *ret_host);
void host_stop(struct host *host);

/* 0, or the errno that the attempt ended with (ETIMEDOUT: nothing came). HOST_HEARD: the number. */
int host_ask(const struct host *host, const struct host_request *request);

/* Serves TCP echo in the caller's own network namespace, until it ends; 0 or an errno. */
int host_serve_here(uint16_t port);

#endif
