/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anchorhold-gateway: Jupyter's kernel API on one side, the link to the nodes on the other.
 *
 * One process, one thread, one loop. Exit codes: 0 stopped as asked, 1 it could not start or
 * go on, 2 the command line or the database is not right.
 */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "backend/gateway/access.h"
#include "backend/gateway/channels.h"
#include "backend/gateway/clock.h"
#include "backend/gateway/fleet.h"
#include "backend/gateway/gateway.h"
#include "backend/gateway/http.h"
#include "backend/gateway/linkio.h"
#include "backend/gateway/log.h"
#include "backend/gateway/process.h"
#include "backend/gateway/refusals.h"
#include "backend/gateway/setup.h"

#define EXIT_TROUBLE 1
#define EXIT_USAGE 2
#define SWEEP_MS 100
#define STOP_MS 3000u	   /* for clients to take their close frames */
#define RETRY_NS 2000000L /* a node's queue was full: try again so soon */

struct loop {
	struct gateway *gateway;
	int signals, sweep, retry;
	uint64_t stop_ms;
};

static void drain_timer(int fd)
{
	uint64_t count;

	while (read(fd, &count, sizeof(count)) > 0)
		;
}

static void on_sweep(void *ctx)
{
	struct loop *loop = ctx;

	drain_timer(loop->sweep);
	fleet_sweep(loop->gateway->fleet);
	channels_sweep(loop->gateway->channels);
	linkio_sweep(loop->gateway->linkio, clock_ms());
	refusals_sweep(loop->gateway->refusals, clock_ms());
}

static void on_retry(void *ctx)
{
	struct loop *loop = ctx;

	drain_timer(loop->retry);
}

static void on_signal(void *ctx)
{
	struct loop *loop = ctx;
	struct signalfd_siginfo info;

	while (read(loop->signals, &info, sizeof(info)) == sizeof(info)) {
		if (loop->gateway->stopping)
			continue;
		log_line("stopping: signal %u", info.ssi_signo);
		loop->gateway->stopping = true;
		loop->stop_ms = clock_ms() + STOP_MS;
		/* 1012: `service restart`; clients take it for a reason to come again. */
		channels_close_all(loop->gateway->channels, 1012, "the gateway stops");
	}
}

/* What arrived is taken by the loop after each turn, whoever woke it. */
static void on_link(void *ctx)
{
	*(bool *)ctx = true;
}

static int loop_open(struct loop *loop)
{
	static const struct itimerspec EVERY = {{0, SWEEP_MS * 1000000L}, {0, SWEEP_MS * 1000000L}};
	struct gateway *gateway = loop->gateway;
	sigset_t signals;
	int link[LINKIO_FDS];

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	loop->signals = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	loop->sweep = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	loop->retry = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (loop->signals < 0 || loop->sweep < 0 || loop->retry < 0)
		return -errno;
	timerfd_settime(loop->sweep, 0, &EVERY, NULL);
	linkio_fds(gateway->linkio, link);
	if (http_watch(gateway, loop->signals, on_signal, loop) < 0 ||
	    http_watch(gateway, loop->sweep, on_sweep, loop) < 0 ||
	    http_watch(gateway, loop->retry, on_retry, loop) < 0)
		return -ENOMEM;
	for (int fd = 0; fd < LINKIO_FDS; fd++)
		if (http_watch(gateway, link[fd], on_link,
			       linkio_ready(gateway->linkio, (enum linkio_fd)fd)) < 0)
			return -ENOMEM;
	return 0;
}

static void loop_run(struct loop *loop)
{
	static const struct itimerspec SOON = {.it_value = {0, RETRY_NS}};
	struct gateway *gateway = loop->gateway;
	bool more = true;

	while (!gateway->stopping ||
	       (channels_count(gateway->channels) > 0 && clock_ms() < loop->stop_ms)) {
		http_wait(gateway, more);
		linkio_run(gateway->linkio, gateway->fleet);
		if (fleet_flush(gateway->fleet))
			timerfd_settime(loop->retry, 0, &SOON, NULL);
		/* Sending may have swallowed the edge that announced something to receive. */
		more = linkio_waiting(gateway->linkio);
	}
}

static int parts_open(struct gateway *gateway)
{
	struct fleet_hooks hooks;
	struct curve_pair pair;
	char error[512] = "out of memory";
	int r = setup_key_read(gateway->options.database, &pair, error, sizeof(error));

	gateway->refusals = refusals_new(gateway->store);
	if (r == 0 && gateway->refusals == NULL)
		r = -ENOMEM;
	if (r == 0) {
		curve_key_format(&pair.public_key, gateway->gateway_key);
		r = linkio_new(&gateway->options.link, &pair, gateway->store,
			       gateway->refusals, &gateway->linkio,
			       error, sizeof(error));
	}
	curve_pair_wipe(&pair);
	if (r == 0)
		r = setup_next_key_read(gateway->options.database, &gateway->next, error,
					sizeof(error));
	if (r == 0 && curve_key_check(&gateway->next) == 0)
		curve_key_format(&gateway->next, gateway->next_key);
	gateway->channels = channels_new();
	if (r == 0 && gateway->channels == NULL)
		r = -ENOMEM;
	if (r == 0) {
		channels_hooks(gateway->channels, &hooks);
		r = fleet_new(gateway->store, gateway->refusals, linkio_socket(gateway->linkio),
			      &hooks, &gateway->fleet);
	}
	if (r == 0) {
		channels_fleet(gateway->channels, gateway->fleet);
		fleet_next_key(gateway->fleet, gateway->next_key[0] != '\0' ? &gateway->next : NULL);
		r = http_new(gateway, error, sizeof(error));
	}
	if (r < 0)
		log_line("%s", error);
	return r;
}

static void parts_close(struct gateway *gateway)
{
	http_free(gateway);
	channels_free(gateway->channels);
	fleet_free(gateway->fleet);
	linkio_free(gateway->linkio);
	refusals_free(gateway->refusals);
}

static int run(struct gateway *gateway)
{
	struct loop loop = {.gateway = gateway, .signals = -1, .sweep = -1, .retry = -1};
	sigset_t signals;
	int code = EXIT_TROUBLE;

	/* Blocked before libzmq makes its threads, so that only the descriptor sees them. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (parts_open(gateway) == 0 && loop_open(&loop) == 0) {
		log_line("http on %s:%d, link on %s:%d, %zu nodes, %zu kernels",
			 gateway->options.http.host, http_port(gateway), gateway->options.link.host,
			 linkio_port(gateway->linkio), fleet_nodes_count(gateway->fleet),
			 fleet_kernels_count(gateway->fleet));
		loop_run(&loop);
		code = EXIT_SUCCESS;
	}
	parts_close(gateway);
	close(loop.signals);
	close(loop.sweep);
	close(loop.retry);
	return code;
}

int main(int argc, char **argv)
{
	struct gateway gateway = {.started_us = clock_unix_us()};
	char error[512];
	int code, r;

	if (options_parse(argc, argv, &gateway.options, error, sizeof(error)) < 0) {
		fprintf(stderr, "anchorhold-gateway: %s\n%s", error, options_usage());
		return EXIT_USAGE;
	}
	if (gateway.options.task == OPTIONS_HELP) {
		fputs(options_usage(), stdout);
		return EXIT_SUCCESS;
	}
	if (gateway.options.task == OPTIONS_VERSION) {
		puts("anchorhold-gateway " GATEWAY_VERSION);
		return EXIT_SUCCESS;
	}
	process_heap();
	r = process_harden();
	if (r < 0)
		log_line("core dumps, descriptors: %s", strerror(-r));
	if (r < 0 || sodium_init() < 0)
		return EXIT_TROUBLE;
	/* jansson's hash tables hold names that come from outside. */
	json_object_seed(0);
	if (gateway.options.task == OPTIONS_INIT)
		return setup_init(&gateway.options);
	if (gateway.options.task == OPTIONS_NEXT_KEY)
		return setup_next_key(&gateway.options);
	if (gateway.options.task == OPTIONS_USE_NEXT_KEY)
		return setup_use_next_key(&gateway.options);
	if (store_open(gateway.options.database, &gateway.store, error, sizeof(error)) < 0) {
		log_line("%s", error);
		return EXIT_USAGE;
	}
	code = gateway.options.task == OPTIONS_ADD_TOKEN
		       ? setup_add_token(&gateway.options, gateway.store)
		       : run(&gateway);
	store_close(gateway.store);
	return code;
}
