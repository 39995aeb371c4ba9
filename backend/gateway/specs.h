/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environments offered as kernelspecs: the union of what nodes that are up have, and where
 * none is up what was last seen, since some clients take an empty list for a broken server.
 */
#ifndef ANCHORHOLD_GATEWAY_SPECS_H
#define ANCHORHOLD_GATEWAY_SPECS_H

#include <jansson.h>
#include <stddef.h>

#include "link/wire.h"

struct gateway;

/* {name: {"name", "spec", "resources"}}; NULL: no memory. */
json_t *specs_all(const struct gateway *gateway);

/* The default's name, NULL where there are none; lives as long as specs. */
const char *specs_default(const json_t *specs);

/*
 * The environment a client means by name: "" or NULL is the default. Notebooks made elsewhere
 * name `python3`; where no environment is called so, any Python does. 0 or -ENOENT.
 */
int specs_resolve(const struct gateway *gateway, const char *name,
		  char ret_environment[LINK_NAME_MAX]);

#endif
