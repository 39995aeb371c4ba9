/* SPDX-License-Identifier: Apache-2.0 */
#include "init/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void watchdog_open(struct watchdog *w, struct log *log)
{
	int seconds = WATCHDOG_TIMEOUT_S;

	w->next_ms = 0;
	w->fd = open("/dev/watchdog", O_WRONLY | O_CLOEXEC);
	if (w->fd < 0) {
		log_line(log, LOG_WARNING, "watchdog: /dev/watchdog: %s", strerror(errno));
		w->next_ms = UINT64_MAX;
		return;
	}
	if (ioctl(w->fd, WDIOC_SETTIMEOUT, &seconds) < 0) /* some have one time only */
		log_line(log, LOG_WARNING, "watchdog: timeout: %s", strerror(errno));
}

void watchdog_tick(struct watchdog *w, uint64_t now_ms)
{
	if (w->fd < 0 || now_ms < w->next_ms)
		return;
	w->next_ms = now_ms + WATCHDOG_PERIOD_MS;
	ioctl(w->fd, WDIOC_KEEPALIVE, 0); /* failing, the machine restarts: that is its purpose */
}
