/* SPDX-License-Identifier: Apache-2.0 */
/* What the node says of its own load: read from /proc, parsed by pure functions. */
#ifndef ANCHORHOLD_HOSTD_STATUS_H
#define ANCHORHOLD_HOSTD_STATUS_H

#include <stdint.h>

#include "link/wire.h"

/* A file of /proc that is missing or odd leaves its fields 0: a node without PSI still reports. */
void status_read(struct link_status *ret_status);

/* MemTotal and MemAvailable of /proc/meminfo, MiB; 0 or -EBADMSG. */
int status_memory(const char *text, uint32_t *ret_total, uint32_t *ret_available);

/* The 1-minute average of /proc/loadavg x 1000. */
int status_load(const char *text, uint32_t *ret_milli);

/* `some avg10` of a /proc/pressure file x 100. */
int status_pressure(const char *text, uint32_t *ret_centi);

/* A whole small file as text, NUL-terminated. The length, or -errno. */
int status_file(const char *path, char *ret, int size);

#endif
