/* SPDX-License-Identifier: Apache-2.0 */
/* Anchorhold's own API, for its command line client and the operator. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/gateway/access.h"
#include "backend/gateway/api.h"
#include "backend/gateway/clock.h"
#include "backend/gateway/fleet.h"
#include "backend/gateway/gateway.h"
#include "backend/gateway/plain.h"

#define LOGS_DEFAULT 100u
#define LOGS_MAX 10000u

static json_t *node_model(const struct node *node)
{
	char seen[CLOCK_STAMP_LEN] = "";
	const char *state = node->revoked	       ? "revoked"
			    : node->locked	       ? "locked"
			    : node->up		       ? "ready"
			    : node->seen_unix_ms != 0 ? "lost"
						      : "never seen";

	if (node->up && node->missing_count > 0)
		state = "refusing";
	if (node->seen_unix_ms != 0)
		clock_stamp(node->seen_unix_ms * 1000u, seen);
	return json_pack("{s:s, s:s, s:b, s:i, s:i, s:i, s:i, s:o, s:o}", "name", node->name, "state",
			 state, "cut", node->cut, "kernels", (int)node->kernels_count, "kernels_max",
			 (int)node->kernels_max, "cpus", (int)node->cpus, "memory_mib",
			 (int)node->memory_mib, "version", api_text(node->version), "last_seen",
			 seen[0] != '\0' ? json_string(seen) : json_null());
}

static void node_details(const struct node *node, json_t *model)
{
	const struct link_status *status = &node->status;
	json_t *environments = json_array(), *missing = json_array(), *timeline = json_array();
	char boot_id[2 * sizeof(node->boot_id) + 1];

	for (uint32_t i = 0; i < node->environments_count; i++)
		json_array_append_new(environments, api_text(node->environments[i].name));
	for (uint32_t i = 0; i < node->missing_count; i++)
		json_array_append_new(missing, api_text(node->missing[i]));
	for (uint32_t i = 0; i < node->timeline_count; i++)
		json_array_append_new(timeline, json_pack("{s:o, s:I}", "name",
							  api_text(node->timeline[i].name), "ms",
							  (json_int_t)node->timeline[i].ms));
	sodium_bin2hex(boot_id, sizeof(boot_id), node->boot_id, sizeof(node->boot_id));
	json_object_set_new(model, "boot_id", api_text(boot_id));
	json_object_set_new(model, "promises", json_integer(node->promises));
	json_object_set_new(model, "timeline", timeline);
	json_object_set_new(model, "environments", environments);
	json_object_set_new(model, "missing", missing);
	json_object_set_new(model, "key", api_text(node->key));
	json_object_set_new(model, "next_key",
			    node->next_key[0] != '\0' ? api_text(node->next_key) : json_null());
	json_object_set_new(model, "build_id", api_text(node->build_id));
	json_object_set_new(model, "entry_to_link_ms",
			    json_integer((json_int_t)node->entry_to_link_ms));
	json_object_set_new(model, "uptime_ms", json_integer((json_int_t)status->uptime_ms));
	json_object_set_new(model, "memory_available_mib",
			    json_integer(status->memory_available_mib));
	json_object_set_new(model, "load", json_real(status->load_milli / 1000.0));
	json_object_set_new(model, "pressure",
			    json_pack("{s:f, s:f, s:f}", "cpu", status->pressure_cpu / 100.0,
				      "memory", status->pressure_memory / 100.0, "io",
				      status->pressure_io / 100.0));
}

static int by_name(const void *a, const void *b)
{
	const struct node *const *left = a, *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

/* A secret was given out for it and has not been used. */
static bool add_awaited(void *ctx, const struct store_enrolment *row)
{
	char expires[CLOCK_STAMP_LEN] = "";

	clock_stamp((uint64_t)row->expires * 1000000u, expires);
	json_array_append_new(ctx, json_pack("{s:s, s:s, s:s}", "name", row->name, "state", "awaited",
					     "expires", expires));
	return true;
}

void api_own_nodes(struct request *request)
{
	const struct fleet *fleet = request->gateway->fleet;
	size_t count = 0, cursor = 0;
	struct node **nodes = calloc(fleet_nodes_count(fleet) + 1, sizeof(*nodes));
	json_t *list = json_array();

	while (nodes != NULL && (nodes[count] = fleet_node_next(fleet, &cursor)) != NULL)
		count++;
	if (nodes != NULL)
		qsort(nodes, count, sizeof(*nodes), by_name);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, node_model(nodes[i]));
	free(nodes);
	(void)store_enrol_walk(request->gateway->store, (int64_t)(clock_unix_us() / 1000000u),
			       add_awaited, list);
	request_json(request, 200, list);
}

struct node *api_node_of(struct request *request)
{
	struct node *node = fleet_node(request->gateway->fleet, request->param[0]);

	if (node == NULL)
		request_error(request, 404, "there is no node '%s'", request->param[0]);
	return node;
}

void api_own_node(struct request *request)
{
	struct node *node = api_node_of(request);
	json_t *model;

	if (node == NULL)
		return;
	model = node_model(node);
	if (model != NULL)
		node_details(node, model);
	request_json(request, 200, model);
}

/* A log may hold any bytes; JSON may not. */
static json_t *log_text(const uint8_t *bytes, size_t len)
{
	char *text = malloc(len + 1);
	json_t *json;

	if (text == NULL)
		return NULL;
	memcpy(text, bytes, len);
	plain_text(text, len);
	json = json_stringn(text, len);
	free(text);
	return json;
}

static void logs_done(void *ctx, const struct pending_outcome *outcome)
{
	struct request *request = ctx;

	request->pending = 0;
	if (outcome->code == LINK_OK)
		request_json(request, 200,
			     json_pack("{s:s, s:o}", "name", request->param[0], "text",
				       log_text(outcome->text, outcome->text_len)));
	else
		request_error(request, outcome->code == LINK_E_TIMEOUT ? 504 : 502,
			      "the node's log: %s",
			      outcome->lost ? "the node was lost" : link_code_name(outcome->code));
}

void api_own_node_logs(struct request *request)
{
	struct node *node = api_node_of(request);
	unsigned long lines = api_query_number(request, "lines", LOGS_DEFAULT);

	if (node == NULL)
		return;
	if (fleet_logs(request->gateway->fleet, node,
		       (uint32_t)(lines > LOGS_MAX ? LOGS_MAX : lines), logs_done, request,
		       &request->pending) < 0)
		request_error(request, 503, "node %s is not connected", node->name);
}

void api_own_kernels(struct request *request)
{
	json_t *list = json_array();
	struct kernel *kernel;
	size_t cursor = 0;

	while ((kernel = fleet_kernel_next(request->gateway->fleet, &cursor)) != NULL) {
		json_t *model;

		if (kernel->deleting || !access_may(&request->owner, kernel->owner))
			continue;
		model = api_kernel_model(kernel);
		if (model == NULL)
			continue;
		json_object_set_new(model, "node", json_string(kernel->node->name));
		json_object_set_new(model, "node_up", json_boolean(kernel->node->up));
		json_object_set_new(model, "owner", api_text(kernel->owner));
		json_object_set_new(model, "project", api_text(kernel->project));
		json_object_set_new(model, "state", json_string(kernel_state_name(kernel->state)));
		json_object_set_new(model, "incarnation", json_integer(kernel->incarnation));
		json_object_set_new(model, "created", json_integer(kernel->created));
		json_object_set_new(model, "cut",
				    json_boolean(fleet_is_cut(request->gateway->fleet, kernel)));
		json_array_append_new(list, model);
	}
	request_json(request, 200, list);
}
