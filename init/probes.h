/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to ask the running kernel whether a promise holds. */
#ifndef ANCHORHOLD_INIT_PROBES_H
#define ANCHORHOLD_INIT_PROBES_H

#include <stddef.h>

#define PROBE_WORDS_MAX 8u /* arguments of a probe */
#define PROBE_WHY_MAX 160u

/*
 * Runs the probe of this name. Returns 0 (the promise holds), or a negative code with the
 * reason in ret_why: -EPERM (it does not hold), -EINVAL (no such probe, or not its
 * arguments), another errno (asking failed, which counts as not holding).
 */
int probe_run(const char *name, char *const *args, size_t args_len, char ret_why[PROBE_WHY_MAX]);

/* The GNU build id in a text of ELF notes, as hex. Returns 0 or -ENOENT. */
int probe_build_id(const char *notes, size_t len, char *ret_hex, size_t hex_size);

#endif
