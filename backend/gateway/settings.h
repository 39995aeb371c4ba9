/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limits and policies of a project or a kernel, as JSON members and as the fields of a START.
 * One table has them all: name, range, and what `less` means for it. Pure.
 *
 *	"memory_mib": 512, "workspace": "write", "strict": false, "network": "egress",
 *	"egress": ["10.0.0.0/8:tcp:443"], "resolvers": ["10.0.0.53"], ...
 *
 * A number of 0 says nothing: the node's default, or no limit, as PROTOCOL.md has it by field.
 */
#ifndef ANCHORHOLD_GATEWAY_SETTINGS_H
#define ANCHORHOLD_GATEWAY_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link/wire.h"

#define SETTINGS_ERROR_MAX 256u

/* What a project has that nobody has set: nothing of its own, network loopback. */
void settings_default(struct link_start *ret_start);

/*
 * Takes the members of object over into start; those not named stay. *ret_given gets a bit for
 * each that was named (for settings_ask). -EINVAL with a sentence that names member, value and
 * what was expected: an unknown member, another type, a value out of range.
 */
int settings_read(const json_t *object, struct link_start *start, uint64_t *ret_given,
		  char ret_error[SETTINGS_ERROR_MAX]);

/* Of them network, egress, resolvers, rate_kibps and bytes_max alone. */
int settings_read_network(const json_t *object, struct link_start *start,
			  char ret_error[SETTINGS_ERROR_MAX]);

/* Every setting; NULL: no memory. settings_read() of it gives the same start. */
json_t *settings_json(const struct link_start *start);
json_t *settings_json_network(const struct link_start *start);

/*
 * What a client asks of a project, by the bits of given; start gets it and the project's for the
 * rest. -EACCES with a sentence where it asks for more than the project has, or for what is the
 * project's alone.
 */
int settings_ask(struct link_start *start, uint64_t given, const struct link_start *project,
		 char ret_error[SETTINGS_ERROR_MAX]);

/* Is the network policy among what was named? */
bool settings_names_network(uint64_t given);

/* Nothing of start stays above the project: for each the tighter of both; egress is project's. */
void settings_narrow(struct link_start *start, const struct link_start *project);

/* The project's network policy, as far as network_max (enum link_network) goes. */
void settings_network(struct link_start *start, const struct link_start *project,
		      uint8_t network_max);

bool settings_same_network(const struct link_start *a, const struct link_start *b);

#endif
