/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/network.h"

#include "hostd/cell/util.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* The kernel gives lo its addresses when it comes up. */
static int loopback_up(void)
{
	CLEANUP_FD int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request;

	if (fd < 0)
		return -errno;
	memset(&request, 0, sizeof(request));
	strcpy(request.ifr_name, "lo");
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return -errno;
	request.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

int network_setup(enum cell_network network)
{
	/* Sealed: lo stays down, and the seccomp filter refuses every domain but AF_UNIX. */
	return network == CELL_NETWORK_SEALED ? 0 : loopback_up();
}
