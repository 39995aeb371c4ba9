/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/specs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/gateway/api.h"
#include "backend/gateway/fleet.h"
#include "backend/gateway/gateway.h"
#include "backend/gateway/log.h"

#define USUAL_PYTHON "python3"

static void add(json_t *specs, const struct store_environment *environment)
{
	/* The argv is for validators: no client can start it, the node does. */
	json_t *spec = json_pack(
		"{s:o, s:{s:[s,s], s:o, s:o, s:{}, s:s, s:{s:o}}, s:{}}", "name",
		api_text(environment->name), "spec", "argv", "anchorhold", "{connection_file}",
		"display_name", api_text(environment->display_name), "language",
		api_text(environment->language), "env", "interrupt_mode",
		environment->interrupt_message ? "message" : "signal", "metadata", "version",
		api_text(environment->version), "resources");

	if (spec != NULL)
		json_object_set_new(specs, environment->name, spec);
}

static bool add_stored(void *ctx, const struct store_environment *environment)
{
	add(ctx, environment);
	return true;
}

json_t *specs_all(const struct gateway *gateway)
{
	json_t *specs = json_object();
	struct node *node;
	size_t cursor = 0;

	if (specs == NULL)
		return NULL;
	while ((node = fleet_node_next(gateway->fleet, &cursor)) != NULL) {
		if (!node->up)
			continue;
		for (uint32_t i = 0; i < node->environments_count; i++) {
			const struct link_environment *from = &node->environments[i];
			struct store_environment row = {
				.interrupt_message = from->interrupt_message != 0};

			if (json_object_get(specs, from->name) != NULL)
				continue;
			memcpy(row.name, from->name, sizeof(row.name));
			memcpy(row.display_name, from->display_name, sizeof(row.display_name));
			memcpy(row.language, from->language, sizeof(row.language));
			memcpy(row.version, from->version, sizeof(row.version));
			add(specs, &row);
		}
	}
	if (json_object_size(specs) == 0 &&
	    store_environment_walk(gateway->store, add_stored, specs) < 0)
		log_line("store: %s", store_error(gateway->store));
	return specs;
}

const char *specs_default(const json_t *specs)
{
	const char *name, *first = NULL, *python = NULL;
	json_t *spec;

	if (json_object_get(specs, USUAL_PYTHON) != NULL)
		return USUAL_PYTHON;
	json_object_foreach((json_t *)specs, name, spec) {
		const char *language = json_string_value(
			json_object_get(json_object_get(spec, "spec"), "language"));

		if (first == NULL || strcmp(name, first) < 0)
			first = name;
		if (language != NULL && strcmp(language, "python") == 0 &&
		    (python == NULL || strcmp(name, python) < 0))
			python = name;
	}
	return python != NULL ? python : first;
}

int specs_resolve(const struct gateway *gateway, const char *name,
		  char ret_environment[LINK_NAME_MAX])
{
	json_t *specs = specs_all(gateway);
	const char *found = NULL;

	if (name == NULL || *name == '\0')
		found = specs_default(specs);
	else if (json_object_get(specs, name) != NULL)
		found = name;
	else if (strcmp(name, USUAL_PYTHON) == 0)
		found = specs_default(specs);
	if (found != NULL)
		snprintf(ret_environment, LINK_NAME_MAX, "%s", found);
	json_decref(specs);
	return found == NULL ? -ENOENT : 0;
}
