/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A DHCP lease on its way from udhcpc, which read it from the network, to init. udhcpc runs
 * LEASE_PROGRAM, which is init's own program under another name and under udhcpc's uid: it only
 * writes what the environment says. init trusts none of it and reads it by these rules.
 */
#ifndef ANCHORHOLD_INIT_LEASE_H
#define ANCHORHOLD_INIT_LEASE_H

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

#define LEASE_FOLDER "/run/dhcp"
#define LEASE_PATH LEASE_FOLDER "/lease"
#define LEASE_PROGRAM "/sbin/udhcpc-lease"
#define LEASE_MAX 1024u /* bytes of the file */
#define LEASE_SECONDS_MIN 60u
#define LEASE_SECONDS_MAX 86400u

struct lease {
	uint32_t address; /* a host's, not loopback */
	uint8_t bits;	  /* 1..32 */
	uint32_t router;  /* 0: none */
	uint32_t seconds; /* as given, brought within the two limits */
};

/* Reads `key = value` lines: address, subnet, router (the first counts), lease. As conf_parse. */
int lease_parse(const char *text, size_t len, struct lease *ret_lease,
		struct conf_error *ret_error);

/*
 * The program: argv is udhcpc's (the event), the values are in the environment. First it gives up
 * the capability that udhcpc's children inherit, which it has no use for. Exit code.
 */
int lease_write_main(int argc, char **argv);

#endif
