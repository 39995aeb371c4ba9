/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client may ask of a kernel by POST /api/kernels' `env`. Clients send their whole
 * environment there, secrets included: everything but a few KERNEL_ names is dropped unread, and
 * nothing of it ever reaches a kernel or a log.
 */
#ifndef ANCHORHOLD_GATEWAY_KNOBS_H
#define ANCHORHOLD_GATEWAY_KNOBS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "link/wire.h"

#define KNOBS_MEMORY_MIN_MIB 16u
#define KNOBS_MEMORY_MAX_MIB (256u * 1024u)
#define KNOBS_CPU_MIN_MILLI 50u
#define KNOBS_CPU_MAX_MILLI 64000u
#define KNOBS_LAUNCH_DEFAULT_MS 40000u
#define KNOBS_LAUNCH_MAX_MS 600000u

/*
 * Reads KERNEL_CPUS (as in 0.5), KERNEL_MEMORY (MiB, or with K, M, G, Ki, Mi, Gi, B) and
 * KERNEL_LAUNCH_TIMEOUT (seconds) of env, an object or NULL, each clamped. 0, or -EINVAL and the
 * name of the knob whose value makes no sense ("env" where it is no object).
 */
int knobs_read(const json_t *env, struct link_start *start, uint32_t *ret_launch_ms,
	       const char **ret_bad);

#endif
