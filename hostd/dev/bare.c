/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare NAME [TURNS]: the bench's floor. Starts the kernel of an environment as a plain child in a
 * chroot on the same read-only root that cells see, with none of a cell's walls, and tells the
 * seconds until the relay's own code finds it ready, and the median of so many executions after
 * that: {"s": 0.731, "turn_ms": 1.2}. For test images; it is no part of a product.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "hostd/bench/bench.h"
#include "hostd/bench/link/bench_link.h"
#include "hostd/log.h"
#include "hostd/loop.h"
#include "hostd/relay_kernel.h"
#include "link/jupyter.h"

#define PATH_LEN 256
#define WORDS_MAX 32
#define LIMIT_MS 180000
#define CONNECTION "/run/kernel/connection-1.json"

struct bare {
	char root[PATH_LEN];
	char text[16384]; /* the manifest; argv and env point into it */
	char *argv[WORDS_MAX + 1];
	char *env[WORDS_MAX + 1];
	struct jupyter_key key;
	struct loop *loop;
	struct relay_kernel *kernel;
	bool ready;
	unsigned turns; /* still to do, the one under way included */
	bool replied, idle;
	uint64_t sent_ns, ready_ms;
	struct samples took;
};

static void read_manifest(struct bare *bare, const char *name)
{
	char path[PATH_LEN];
	size_t args = 0, envs = 0, len;
	FILE *file;

	snprintf(path, sizeof(path), "/work/environments/%s/manifest", name);
	file = fopen(path, "re");
	if (!file)
		log_die(errno, "%s", path);
	len = fread(bare->text, 1, sizeof(bare->text) - 1, file);
	fclose(file);
	bare->text[len] = '\0';
	for (char *rest = bare->text, *line; (line = strsep(&rest, "\n")) != NULL;) {
		if (strncmp(line, "env = ", 6) == 0 && envs < WORDS_MAX)
			bare->env[envs++] = line + 6;
		if (strncmp(line, "argv = ", 7) != 0)
			continue;
		line += 7;
		for (char *word; args < WORDS_MAX && (word = strsep(&line, " ")) != NULL;)
			bare->argv[args++] = strcmp(word, "{connection_file}") == 0
						     ? (char *)CONNECTION
						     : word;
	}
	if (args == 0)
		log_die(0, "%s names no argv", path);
}

static void mount_at(const struct bare *bare, const char *from, const char *to)
{
	char path[2 * PATH_LEN];

	snprintf(path, sizeof(path), "%s%s", bare->root, to);
	if ((from ? mount(from, path, NULL, MS_BIND | MS_REC, NULL)
		  : mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0777")) < 0)
		log_die(errno, "mount %s", path);
}

/* A mount namespace of its own: all of it is gone with this process. */
static void prepare_root(const struct bare *bare)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		log_die(errno, "mount namespace");
	mount_at(bare, "/proc", "/proc");
	mount_at(bare, "/dev", "/dev");
	mount_at(bare, NULL, "/tmp");
	mount_at(bare, NULL, "/home/user");
	mount_at(bare, NULL, "/run/kernel");
}

static void write_connection(struct bare *bare, const char *name)
{
	char path[2 * PATH_LEN], json[JUPYTER_CONNECTION_MAX];
	uint8_t random[32] = {0};
	size_t len;
	FILE *file;

	jupyter_key_make(random, &bare->key);
	snprintf(path, sizeof(path), "%s" CONNECTION, bare->root);
	file = fopen(path, "we");
	if (!file || jupyter_connection_write(&bare->key, "/run/kernel/k1", name, json,
					      sizeof(json), &len) < 0)
		log_die(errno, "%s", path);
	fwrite(json, 1, len, file);
	fclose(file);
	snprintf(path, sizeof(path), "%s/run/kernel", bare->root);
	if (chdir(path) < 0)
		log_die(errno, "%s", path);
}

static pid_t start(const struct bare *bare)
{
	const pid_t pid = fork();

	if (pid == 0) {
		const int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
			_exit(127);
		if (chroot(bare->root) == 0 && chdir("/home/user") == 0)
			execve(bare->argv[0], bare->argv, bare->env);
		_exit(127);
	}
	return pid;
}

static bool on_room(void *ctx)
{
	return ctx != NULL;
}

static void on_passed(void *ctx, size_t bytes)
{
}

static void on_message(void *ctx, enum link_channel channel, uint64_t to, struct message *message)
{
	struct bare *bare = ctx;

	if (channel == LINK_SHELL && bare->turns > 0) {
		samples_add(&bare->took, (double)(bench_now_ns() - bare->sent_ns) / 1e6);
		bare->replied = true;
	}
	bare->idle |= channel == LINK_IOPUB && memmem(message->data, message->len, "\"idle\"", 6);
	free(message->data);
	message->data = NULL;
}

static void turn(struct bare *bare)
{
	struct request request;
	struct link_parts parts;
	uint8_t blob[4096];
	size_t len;

	bare->replied = bare->idle = false;
	if (request_make(&request, "1+1", &parts) < 0 ||
	    link_parts_pack(&parts, blob, sizeof(blob), &len) < 0)
		log_die(0, "request");
	bare->sent_ns = bench_now_ns();
	if (relay_kernel_send(bare->kernel, LINK_SHELL, 1, blob, len) < 0)
		log_die(0, "turn");
}

static void on_ready(void *ctx)
{
	struct bare *bare = ctx;

	bare->ready = true;
	bare->ready_ms = loop_now_ms();
	bare->replied = bare->idle = true;
}

static void on_event(void *ctx, enum ipc_relay_event_kind kind, uint64_t count)
{
}

static void on_limit(void *ctx)
{
	loop_stop(((struct bare *)ctx)->loop);
}

static void act(void *ctx)
{
	struct bare *bare = ctx;

	(void)relay_kernel_pump(bare->kernel);
	if (!bare->ready || !bare->replied || !bare->idle)
		return;
	if (bare->took.count < bare->turns) {
		turn(bare);
		loop_again(bare->loop);
	} else {
		loop_stop(bare->loop);
	}
}

int main(int argc, char **argv)
{
	static const struct relay_kernel_calls calls = {
		.room = on_room, .passed = on_passed, .message = on_message,
		.ready = on_ready, .settled = on_ready, .event = on_event,
	};
	static struct bare bare;
	struct loop_timer limit = {0};
	struct relay_kernel_setup setup = {.calls = &calls, .ctx = &bare};
	uint64_t began;
	pid_t pid;

	log_open("bare");
	if (argc != 2 && argc != 3)
		log_die(0, "usage: bare ENVIRONMENT [TURNS]");
	bare.turns = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	snprintf(bare.root, sizeof(bare.root), "/run/environments/%s", argv[1]);
	read_manifest(&bare, argv[1]);
	prepare_root(&bare);
	write_connection(&bare, argv[1]);
	setup.zmq = zmq_ctx_new();
	if (!setup.zmq || loop_new(&bare.loop) < 0)
		log_die(errno, "loop");
	setup.loop = bare.loop;
	began = loop_now_ms();
	pid = start(&bare);
	if (pid < 0 || relay_kernel_new(&setup, &bare.kernel) < 0)
		log_die(errno, "start");
	relay_kernel_begin(bare.kernel, 1, bare.key.hex, false);
	loop_timer_start(bare.loop, &limit, LIMIT_MS, on_limit, &bare);
	(void)loop_run(bare.loop, act, &bare);
	printf("{\"s\": %.3f, \"turn_ms\": %.4f}\n", (double)(bare.ready_ms - began) / 1000,
	       samples_percentile(&bare.took, 50));
	kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	relay_kernel_free(bare.kernel);
	return bare.ready && bare.took.count == bare.turns ? 0 : 1;
}
