/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PID 1 of a node: makes the machine ready, keeps hostd running, and reads nothing that comes
 * from the network or from a kernel but a lease of four values.
 *
 * Before the loop a failure may end in a restart of the machine; in the loop nothing does.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/node.h"
#include "init/cellnet.h"
#include "init/cgroups.h"
#include "init/files.h"
#include "init/firewall.h"
#include "init/lastwords.h"
#include "init/lease.h"
#include "init/log.h"
#include "init/mounts.h"
#include "init/network.h"
#include "init/promises.h"
#include "init/shutdown.h"
#include "init/supervise.h"
#include "init/sysctl.h"
#include "init/watchdog.h"

#define SYSCTL_CONF "/etc/anchorhold/sysctl.conf"
#define FILES_MAX 8192u
#define REPEAT_MS 60000u /* between two reminders that a node is idle */

struct init {
	struct log log;
	struct node_conf conf;
	struct conf_error idle; /* why hostd is not started; empty: it is */
	uint64_t remind_ms;
	struct supervise hostd;
	struct network network;
	struct cellnet cellnet;
	struct watchdog watchdog;
	int signals;
	int command; /* of reboot(2), once asked for */
};

static _Noreturn void give_up(struct log *log, const char *what, int err)
{
	log_line(log, LOG_ERROR, "cannot go on: %s: %s; restarting in 5 s", what, strerror(-err));
	sleep(5); /* to be read, and not to spin */
	sync();
	reboot(RB_AUTOBOOT);
	_exit(1); /* a panic, then */
}

/* hostd's descriptors are kept here (fdstore.h); children have limits of their own. */
static void raise_files(struct log *log)
{
	const struct rlimit files = {FILES_MAX, FILES_MAX};

	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		log_line(log, LOG_WARNING, "RLIMIT_NOFILE: %s", strerror(errno));
}

static void make_machine(struct init *init)
{
	struct log *log = &init->log;
	const char *target = "";
	int err;

	umask(022);
	if (chdir("/") < 0)
		give_up(log, "/", -errno);
	err = mounts_kernel(&target);
	if (err)
		give_up(log, target, err);
	file_set("/proc/sys/kernel/printk_devkmsg", "on\n"); /* init's lines are never dropped */
	log_open(log);
	log_reached("init");
	lastwords_say(log);
	sysctl_apply(log, SYSCTL_CONF);
	cgroups_make(log);
	reboot(RB_DISABLE_CAD); /* ctrl-alt-del becomes a SIGINT */
	raise_files(log);
	watchdog_open(&init->watchdog, log);
	watchdog_tick(&init->watchdog, clock_ms());
}

/* Without a good configuration there is a node that can be looked at, and no hostd. */
static void read_conf(struct init *init)
{
	struct log *log = &init->log;
	char text[CONF_ERROR_MAX];
	int err = mounts_disk(log);

	init->idle.text[0] = '\0';
	if (err) {
		snprintf(text, sizeof(text), "its disk is not mounted: %s", strerror(-err));
		conf_fault(&init->idle, text);
	} else if (node_conf_read(NODE_CONF_PATH, &init->conf, &init->idle) == 0) {
		init->idle.text[0] = '\0';
		explicit_bzero(init->conf.join_secret, sizeof(init->conf.join_secret));
		if (sethostname(init->conf.name, strlen(init->conf.name)) < 0)
			log_line(log, LOG_WARNING, "hostname: %s", strerror(errno));
	} else {
		snprintf(text, sizeof(text), "%s: %.200s", NODE_CONF_PATH, init->idle.text);
		conf_fault(&init->idle, text);
	}
	log_reached("disk");
}

/* The rules come before the first interface is up, and nothing comes up without them. */
static void make_network(struct init *init)
{
	const struct node_conf *conf = init->idle.text[0] ? NULL : &init->conf;
	int err = firewall_set(conf);
	char text[CONF_ERROR_MAX];

	if (err) {
		log_line(&init->log, LOG_ERROR, "firewall: %s", strerror(-err));
		snprintf(text, sizeof(text), "the firewall is not in force: %s", strerror(-err));
		conf_fault(&init->idle, text);
		conf = NULL;
	}
	network_init(&init->network, &init->log, conf);
	cellnet_init(&init->cellnet, &init->log, conf);
	log_reached("firewall");
}

/* 0, 1 and 2 are taken, even if the kernel found no console: nothing of ours may get them. */
static void fill_descriptors(void)
{
	int fd;

	while ((fd = open("/", O_RDONLY | O_DIRECTORY)) >= 0 && fd <= 2)
		continue;
	if (fd > 2)
		close(fd);
}

static int open_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		return -errno;
	return signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void reap(struct init *init, uint64_t now_ms)
{
	int status;
	pid_t pid;

	/* Most are orphans of hostd's and the cells': nobody asks for them. */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!supervise_ended(&init->hostd, &init->log, pid, status, now_ms))
			network_ended(&init->network, &init->log, pid, status, now_ms);
}

static void take_signals(struct init *init, uint64_t now_ms)
{
	struct signalfd_siginfo info;

	while (read(init->signals, &info, sizeof(info)) == sizeof(info)) {
		int command = shutdown_command((int)info.ssi_signo);

		if (command)
			init->command = command;
	}
	reap(init, now_ms); /* one SIGCHLD may stand for many */
}

static void remind(struct init *init, uint64_t now_ms)
{
	if (init->idle.text[0] == '\0' || now_ms < init->remind_ms)
		return;
	init->remind_ms = now_ms + REPEAT_MS;
	log_line(&init->log, LOG_ERROR, "hostd is not started: %s", init->idle.text);
}

static int wait_ms(const struct init *init, uint64_t now_ms)
{
	const uint64_t deadlines[] = {
		supervise_deadline(&init->hostd),
		network_deadline(&init->network),
		cellnet_deadline(&init->cellnet),
		init->watchdog.next_ms,
		init->idle.text[0] ? init->remind_ms : UINT64_MAX,
	};
	uint64_t next = now_ms + REPEAT_MS;

	for (size_t i = 0; i < sizeof(deadlines) / sizeof(*deadlines); i++)
		if (deadlines[i] < next)
			next = deadlines[i];
	return next > now_ms ? (int)(next - now_ms) : 0;
}

static void turn(struct init *init)
{
	struct pollfd fds[] = {
		{.fd = init->signals, .events = POLLIN},
		{.fd = init->log.pipe[0], .events = POLLIN},
		{.fd = supervise_fd(&init->hostd), .events = POLLIN},
	};
	uint64_t now_ms = clock_ms();

	poll(fds, sizeof(fds) / sizeof(*fds), wait_ms(init, now_ms));
	now_ms = clock_ms();
	log_drain(&init->log);
	take_signals(init, now_ms);
	if (init->command)
		shutdown_run(&init->log, &init->watchdog, init->hostd.pid, init->command);
	supervise_tick(&init->hostd, &init->log, now_ms);
	network_tick(&init->network, &init->log, now_ms);
	cellnet_tick(&init->cellnet, &init->log, &init->network, now_ms);
	watchdog_tick(&init->watchdog, now_ms);
	remind(init, now_ms);
}

static bool is_lease_writer(const char *name)
{
	const char *slash = strrchr(name, '/');

	return strcmp(slash ? slash + 1 : name, "udhcpc-lease") == 0;
}

int main(int argc, char **argv)
{
	static struct init init = {
		.log = {.kmsg = -1, .console = -1, .file = -1, .pipe = {-1, -1}},
		.watchdog = {.fd = -1},
	};

	if (argc > 0 && is_lease_writer(argv[0]))
		return lease_write_main(argc, argv);
	if (getpid() != 1) {
		fputs("init: is for the kernel to start, as process 1\n", stderr);
		return 1;
	}
	fill_descriptors();
	init.signals = open_signals();
	if (init.signals < 0)
		give_up(&init.log, "signalfd", -errno);
	make_machine(&init);
	promises_check(&init.log);
	log_reached("promises");
	read_conf(&init);
	make_network(&init);
	supervise_init(&init.hostd, init.idle.text[0] == '\0');
	log_reached("loop");
	for (;;)
		turn(&init);
}
