/* SPDX-License-Identifier: Apache-2.0 */
/* The workers' roles, as every program that has a monitor starts itself for them. */
#ifndef ANCHORHOLD_HOSTD_ROLES_H
#define ANCHORHOLD_HOSTD_ROLES_H

#include <stdbool.h>

/* Whether the first argument names a worker's role. */
bool roles_are(int argc, char **argv);

/* Becomes it; the process's exit code. It refuses whoever is not a monitor's child. */
int roles_run(int argc, char **argv);

#endif
