/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet HOST:PORT GATEWAY_KEY KEYS: nodes that dial the gateway, say HELLO with their ticket,
 * JOIN_ACK for the next one, an EVENT, and STATUS every 5 s, as link/ has them, each under a key of
 * its own. KEYS is a file with a line "NAME SECRET_KEY" a node. One has joined once its event is
 * acknowledged: the gateway has then stored all three. Whenever all have joined, a line tells how
 * long after the first of them was lost (or the start) that was. It runs until standard input ends.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "hostd/bench/bench.h"
#include "hostd/bench/link/bench_link.h"
#include "hostd/log.h"
#include "hostd/relay_socket.h"
#include "link/curve.h"
#include "link/peer.h"
#include "link/socket.h"
#include "link/watch.h"

#define NODES_MAX 20000u
#define A_PROCESS 1000u /* nodes; their sockets are one libzmq context's */
#define LOOK_MS 20
#define STATUS_NS (LINK_STATUS_MS * 1000000ull)

/* Seen by all processes. */
struct counts {
	_Atomic uint32_t joined;
	_Atomic uint64_t statuses, events_acked, lost, refused;
};

struct sim {
	char name[LINK_NAME_MAX];
	struct curve_pair own;
	uint8_t boot_id[16];
	void *socket;
	struct link_watch *watch;
	struct link_ticket ticket; /* as a disk would keep it */
	bool welcomed, joined;
	uint64_t status_ns; /* when the next STATUS is due */
	uint64_t event;
};

struct share { /* of one process */
	struct sim *sims;
	size_t count;
	struct counts *counts;
	struct link_inbox *inbox;
	struct link_frame frame;
	int epoll;
};

/* ---- the frames ---- */

static int hello(struct share *share, struct sim *sim)
{
	struct link_hello *body = &share->frame.u.hello;

	memset(&share->frame, 0, sizeof(share->frame));
	share->frame.type = LINK_HELLO;
	memcpy(body->boot_id, sim->boot_id, sizeof(body->boot_id));
	memcpy(body->name, sim->name, sizeof(body->name));
	memcpy(body->version, "simulated", 10);
	memcpy(body->build_id, "0", 2);
	body->cpus = 2;
	body->memory_mib = 1024;
	body->kernels_max = 10;
	body->ticket = sim->ticket;
	body->environments_count = 1;
	body->environments[0] =
		(struct link_environment){.name = "lua", .display_name = "Lua", .language = "lua",
					  .version = "5.4"};
	return link_send(sim->socket, NULL, &share->frame);
}

/* At once: this node loses nothing by a power cut. */
static int ticket_keep(struct share *share, struct sim *sim, const struct link_ticket *ticket)
{
	sim->ticket = *ticket;
	share->frame.type = LINK_JOIN_ACK;
	share->frame.u.join_ack = ticket->counter;
	return link_send(sim->socket, NULL, &share->frame);
}

static int event(struct share *share, struct sim *sim)
{
	struct link_event *body = &share->frame.u.event;

	share->frame.type = LINK_EVENT;
	*body = (struct link_event){.seq = ++sim->event, .time_ms = 1,
				    .kind = "bench.joined", .text = "a simulated node has joined"};
	return link_send(sim->socket, NULL, &share->frame);
}

static void status(struct share *share, struct sim *sim)
{
	share->frame.type = LINK_STATUS;
	share->frame.u.status = (struct link_status){.uptime_ms = 1, .memory_available_mib = 512};
	if (link_send(sim->socket, NULL, &share->frame) == 0)
		share->counts->statuses++;
	sim->status_ns += STATUS_NS;
}

/* ---- a node ---- */

static void lost(struct share *share, struct sim *sim)
{
	sim->welcomed = false;
	if (!sim->joined)
		return;
	sim->joined = false;
	share->counts->joined--;
	share->counts->lost++;
}

static void welcomed(struct share *share, struct sim *sim, const struct link_welcome *welcome)
{
	sim->welcomed = true;
	/* A fleet's nodes do not speak in step. */
	sim->status_ns = bench_now_ns() + (uint64_t)randombytes_uniform(LINK_STATUS_MS) * 1000000u;
	if (ticket_keep(share, sim, &welcome->ticket) < 0 || event(share, sim) < 0)
		log_info("%s: what it says after its WELCOME was not taken", sim->name);
}

static void frame_take(struct share *share, struct sim *sim, const struct link_frame *frame)
{
	if (frame->type == LINK_WELCOME && !sim->welcomed)
		welcomed(share, sim, &frame->u.welcome);
	if (frame->type == LINK_VERDICT)
		log_info("%s: %s", sim->name, frame->u.verdict.text);
	if (frame->type != LINK_EVENT_ACK)
		return;
	share->counts->events_acked++;
	if (sim->welcomed && !sim->joined && frame->u.event_ack == sim->event) {
		sim->joined = true;
		share->counts->joined++;
	}
}

/* All that there is, as the descriptors only tell of edges. */
static void serve(struct share *share, struct sim *sim)
{
	const struct link_frame *frame;
	enum link_watch_event change;

	do {
		while ((change = link_watch_next(sim->watch)) != LINK_WATCH_NONE) {
			lost(share, sim);
			if (change == LINK_WATCH_UP && hello(share, sim) < 0)
				log_info("%s: HELLO was not taken", sim->name);
			share->counts->refused += change == LINK_WATCH_REFUSED ||
						  change == LINK_WATCH_WRONG_SERVER;
		}
		while (link_inbox_receive(share->inbox, sim->socket, &frame) == 0)
			frame_take(share, sim, frame);
	} while (relay_socket_events(sim->socket) & ZMQ_POLLIN ||
		 relay_socket_events(link_watch_socket(sim->watch)) & ZMQ_POLLIN);
}

static int sim_open(struct share *share, struct sim *sim, void *zmq, const char *endpoint,
		    const struct curve_key *server)
{
	struct epoll_event watch = {.events = EPOLLIN, .data.ptr = sim};
	int r = link_socket_node(zmq, &sim->own, server, &sim->socket);

	if (r == 0)
		r = link_watch_new(zmq, sim->socket, &sim->watch);
	if (r < 0)
		return r;
	randombytes_buf(sim->boot_id, sizeof(sim->boot_id));
	if (epoll_ctl(share->epoll, EPOLL_CTL_ADD, relay_socket_fd(sim->socket), &watch) < 0 ||
	    epoll_ctl(share->epoll, EPOLL_CTL_ADD, relay_socket_fd(link_watch_socket(sim->watch)),
		      &watch) < 0)
		return -errno;
	return zmq_connect(sim->socket, endpoint) < 0 ? -zmq_errno() : 0;
}

static void share_loop(struct share *share)
{
	for (;;) {
		struct epoll_event events[256];
		int count = epoll_wait(share->epoll, events, 256, LOOK_MS);
		const uint64_t now = bench_now_ns();

		for (int i = 0; i < count; i++)
			serve(share, events[i].data.ptr);
		for (size_t i = 0; i < share->count; i++) {
			struct sim *sim = &share->sims[i];

			if (!sim->welcomed || sim->status_ns > now)
				continue;
			status(share, sim);
			serve(share, sim); /* sending may have taken an edge */
		}
	}
}

static _Noreturn void share_run(struct share *share, const char *address,
				const struct curve_key *server)
{
	void *zmq = zmq_ctx_new();
	char endpoint[96];
	int r = zmq ? link_inbox_new(&share->inbox) : -ENOMEM;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(endpoint, sizeof(endpoint), "tcp://%s", address);
	share->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (r == 0)
		zmq_ctx_set(zmq, ZMQ_MAX_SOCKETS, 4 * A_PROCESS);
	for (size_t i = 0; i < share->count && r == 0; i++)
		r = sim_open(share, &share->sims[i], zmq, endpoint, server);
	if (r < 0)
		log_error(r, "nodes");
	else
		share_loop(share);
	_exit(1);
}

/* ---- all of them ---- */

static size_t keys_read(const char *path, struct sim *sims)
{
	char name[LINK_NAME_MAX], key[CURVE_TEXT_LEN + 1];
	FILE *file = fopen(path, "re");
	size_t count = 0;

	while (file && count < NODES_MAX && fscanf(file, "%63s %40s", name, key) == 2) {
		struct curve_key secret;

		if (curve_key_parse(key, strlen(key), &secret) < 0 ||
		    curve_pair_from_secret(&secret, &sims[count].own) < 0) {
			log_info("%s: not a key", name);
			break;
		}
		memcpy(sims[count++].name, name, sizeof(name));
	}
	if (file)
		(void)fclose(file);
	return count;
}

static void tell(const struct counts *counts, size_t count)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	uint64_t since = bench_now_ns();
	bool all = false;

	while (poll(&input, 1, LOOK_MS) == 0) {
		const bool now_all = counts->joined == count;

		if (all && !now_all)
			since = bench_now_ns();
		if (!all && now_all)
			figure("fleet.joined", (double)(bench_now_ns() - since) / 1e9, "s");
		all = now_all;
	}
	figure("fleet.statuses", (double)counts->statuses, "frames");
	figure("fleet.events_acked", (double)counts->events_acked, "frames");
	figure("fleet.lost", (double)counts->lost, "connections");
	figure("fleet.refused", (double)counts->refused, "handshakes");
	figure("fleet.joined_at_end", (double)counts->joined, "nodes");
}

int bench_fleet(int argc, char **argv)
{
	static struct sim sims[NODES_MAX];
	struct counts *counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[NODES_MAX / A_PROCESS];
	struct curve_key server;
	struct rlimit files;
	size_t count, processes = 0;

	if (argc != 4 || counts == MAP_FAILED)
		return 2;
	if (curve_key_parse(argv[2], strlen(argv[2]), &server) < 0) {
		log_info("'%s' is not a gateway's key", argv[2]);
		return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	count = keys_read(argv[3], sims);
	for (size_t at = 0; at < count; at += A_PROCESS) {
		struct share share = {.sims = sims + at, .counts = counts};

		share.count = count - at < A_PROCESS ? count - at : A_PROCESS;
		pids[processes] = fork();
		if (pids[processes] == 0)
			share_run(&share, argv[1], &server);
		if (pids[processes] < 0) {
			log_info("process %zu of the fleet: %s", processes, strerror(errno));
			break;
		}
		processes++;
	}
	tell(counts, count);
	for (size_t i = 0; i < processes; i++) {
		kill(pids[i], SIGKILL);
		(void)waitpid(pids[i], NULL, 0);
	}
	return count > 0 && counts->joined == count ? 0 : 1;
}
