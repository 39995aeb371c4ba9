/* SPDX-License-Identifier: Apache-2.0 */
#include "init/shutdown.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init/cgroups.h"
#include "init/files.h"
#include "init/mounts.h"

#define HOSTD_GRACE_MS 5000u
#define KILL_GRACE_MS 2000u

static const struct {
	int signal, command;
} commands[] = {
	{SIGTERM, RB_AUTOBOOT},	  {SIGINT, RB_AUTOBOOT}, /* ctrl-alt-del */
	{SIGUSR1, (int)RB_HALT_SYSTEM}, {SIGUSR2, RB_POWER_OFF}, {SIGPWR, RB_POWER_OFF},
};

int shutdown_command(int signal)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (commands[i].signal == signal)
			return commands[i].command;
	return 0;
}

/* Reaps until pid (-1: every child) is gone or the time is over. */
static void wait_gone(struct log *log, struct watchdog *watchdog, pid_t pid, uint64_t grace_ms)
{
	const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
	uint64_t deadline = clock_ms() + grace_ms;

	while (clock_ms() < deadline) {
		pid_t gone = waitpid(-1, NULL, WNOHANG);

		if ((gone > 0 && gone == pid) || (gone < 0 && errno == ECHILD))
			return;
		watchdog_tick(watchdog, clock_ms());
		log_drain(log);
		if (gone == 0)
			nanosleep(&pause, NULL);
	}
}

_Noreturn void shutdown_run(struct log *log, struct watchdog *watchdog, pid_t hostd, int command)
{
	log_line(log, LOG_WARNING, "shutdown: %s",
		 command == RB_AUTOBOOT	   ? "restart"
		 : command == RB_POWER_OFF ? "power off"
					   : "halt");
	if (hostd > 0 && kill(hostd, SIGTERM) == 0)
		wait_gone(log, watchdog, hostd, HOSTD_GRACE_MS);
	file_set(CGROUP_CELLS "/cgroup.kill", "1"); /* no fork gets away from that */
	file_set(CGROUP_HOSTD "/cgroup.kill", "1");
	kill(-1, SIGKILL);
	wait_gone(log, watchdog, -1, KILL_GRACE_MS);
	sync();
	mounts_release(log);
	sync();
	watchdog_tick(watchdog, UINT64_MAX);
	reboot(command);
	reboot(RB_AUTOBOOT); /* a machine that cannot do the other */
	for (;;)
		pause(); /* the watchdog ends it */
}
