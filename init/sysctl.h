/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ANCHORHOLD_INIT_SYSCTL_H
#define ANCHORHOLD_INIT_SYSCTL_H

#include <stddef.h>

#include "init/log.h"

#define SYSCTL_PATH_MAX 160u

/*
 * The file below /proc/sys of a name ("kernel.kptr_restrict"): words of [a-z0-9_-] joined by
 * dots, which become slashes. Returns 0 or -EINVAL.
 */
int sysctl_path(const char *name, char ret_path[SYSCTL_PATH_MAX]);

/* Cuts a line `NAME = VALUE` in place. Returns 0 or -EINVAL. */
int sysctl_split(char *line, char **ret_name, char **ret_value);

/* Writes every line of a file; says each one that could not be. Returns 0, or the last -errno. */
int sysctl_apply(struct log *log, const char *path);

#endif
