/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pair BYTES NUMBER: so many messages of that size over one CURVE DEALER and ROUTER on loopback,
 * with libzmq's own marks, each in a process of its own, and nothing else on the way. Beside the
 * rate it tells what each of the two used of a CPU.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "hostd/bench/bench.h"
#include "hostd/bench/link/bench_link.h"
#include "hostd/log.h"
#include "link/curve.h"

static void curve_set(void *socket, const struct curve_pair *own)
{
	zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, own->public_key.bytes, CURVE_KEY_LEN);
	zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, own->secret_key.bytes, CURVE_KEY_LEN);
}

static int send_all(const struct curve_pair *own, const struct curve_key *server,
		    const char *endpoint, size_t size, unsigned long number)
{
	void *zmq = zmq_ctx_new(), *socket = zmq ? zmq_socket(zmq, ZMQ_DEALER) : NULL;
	uint8_t *bytes = calloc(1, size);
	char word;
	int r = 0;

	if (!socket || !bytes)
		return -ENOMEM;
	curve_set(socket, own);
	zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server->bytes, CURVE_KEY_LEN);
	if (zmq_connect(socket, endpoint) < 0)
		r = -zmq_errno();
	for (unsigned long i = 0; i < number && r == 0; i++)
		if (zmq_send(socket, bytes, size, 0) < 0)
			r = -zmq_errno();
	/* The other side's word that it has all. */
	if (r == 0 && zmq_recv(socket, &word, 1, 0) < 0)
		r = -zmq_errno();
	free(bytes);
	zmq_close(socket);
	zmq_ctx_term(zmq);
	return r;
}

/* From the first message's arrival to the last one's. */
static int receive_all(void *socket, unsigned long number, uint64_t *ret_ns)
{
	uint64_t began = 0;
	zmq_msg_t route, message;
	int r = 0;

	zmq_msg_init(&route);
	zmq_msg_init(&message);
	for (unsigned long i = 0; i < number && r == 0; i++) {
		if (zmq_msg_recv(&route, socket, 0) < 0 || zmq_msg_recv(&message, socket, 0) < 0)
			r = -zmq_errno();
		if (i == 0)
			began = bench_now_ns();
	}
	*ret_ns = bench_now_ns() - began;
	if (r == 0) {
		zmq_msg_send(&route, socket, ZMQ_SNDMORE);
		zmq_send(socket, "e", 1, 0);
	}
	zmq_msg_close(&route);
	zmq_msg_close(&message);
	return r;
}

static double cpu_us(int who)
{
	struct rusage used = {0};

	(void)getrusage(who, &used);
	return 1e6 * (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static void tell(unsigned long size, unsigned long number, uint64_t ns)
{
	const double rate = (double)number / ((double)ns / 1e9);

	figure("pair.bytes", (double)size * rate / (1 << 20), "MiB/s");
	figure("pair.messages", rate, "1/s");
	figure("pair.cpu.sender", cpu_us(RUSAGE_CHILDREN) / (double)number, "us a message");
	figure("pair.cpu.receiver", cpu_us(RUSAGE_SELF) / (double)number, "us a message");
}

int bench_pair(int argc, char **argv)
{
	const int one = 1, wait_ms = BENCH_WAIT_S * 1000;
	struct curve_pair server, client;
	unsigned long size, number;
	char endpoint[128];
	size_t len = sizeof(endpoint);
	void *zmq, *socket;
	uint64_t ns = 1;
	int ends[2], r = 0;
	pid_t pid;

	if (argc != 3)
		return 2;
	size = strtoul(argv[1], NULL, 10);
	number = strtoul(argv[2], NULL, 10);
	if (curve_pair_make(&server) < 0 || curve_pair_make(&client) < 0 || pipe(ends) < 0)
		return 1;
	pid = fork(); /* before this process has threads */
	if (pid == 0) {
		close(ends[1]);
		memset(endpoint, 0, sizeof(endpoint));
		r = read(ends[0], endpoint, sizeof(endpoint) - 1) > 0 ? 0 : -EPIPE;
		if (r == 0)
			r = send_all(&client, &server.public_key, endpoint, size, number);
		_exit(r < 0);
	}
	zmq = zmq_ctx_new();
	socket = zmq ? zmq_socket(zmq, ZMQ_ROUTER) : NULL;
	if (!socket || pid < 0)
		return 1;
	curve_set(socket, &server);
	zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &one, sizeof(one));
	zmq_setsockopt(socket, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms));
	if (zmq_bind(socket, "tcp://127.0.0.1:*") < 0 ||
	    zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &len) < 0 ||
	    write(ends[1], endpoint, len) < 0)
		r = -errno;
	if (r == 0)
		r = receive_all(socket, number, &ns);
	if (r < 0)
		log_error(r, "pair");
	else
		(void)waitpid(pid, NULL, 0);
	tell(size, number, ns);
	zmq_close(socket);
	zmq_ctx_term(zmq);
	return r < 0 ? 1 : 0;
}
