/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts on terminals: typing into one, and what line disciplines offer. */
#include "hostd/attack/attempt.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <termios.h>

static long terminal_ioctl(unsigned long request, const void *argument)
{
	int fd = (int)TRY(SYS_openat, AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? fd : TRY(SYS_ioctl, fd, request, argument);
}

/* Into one's own terminal, as if it were another's shell. */
static long type_in(const struct world *world)
{
	int fd = (int)TRY(SYS_openat, AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	int number = 0, unlocked = 0;
	char path[32];

	(void)world;
	if (fd < 0)
		return fd;
	(void)syscall(SYS_setsid);
	(void)syscall(SYS_ioctl, fd, TIOCSPTLCK, &unlocked);
	(void)syscall(SYS_ioctl, fd, TIOCGPTN, &number);
	snprintf(path, sizeof(path), "/dev/pts/%d", number);
	fd = (int)TRY(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? fd : TRY(SYS_ioctl, fd, TIOCSTI, "x");
}

static long paste(const struct world *world)
{
	(void)world;
	return terminal_ioctl(TIOCLINUX, "\3");
}

static long line_discipline(const struct world *world)
{
	static const int n_null = 0;

	(void)world;
	return terminal_ioctl(TIOCSETD, &n_null);
}

static long exclusive(const struct world *world)
{
	(void)world;
	return terminal_ioctl(TIOCEXCL, NULL);
}

const struct attempt terminal_attempts[] = {
	{"tty-tiocsti", type_in},
	{"tty-tioclinux", paste},
	{"tty-ldisc", line_discipline},
	{"tty-exclusive", exclusive},
	{NULL, NULL},
};
