/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to running kernels besides their life: network policy, kill switch, usage. */
#include <errno.h>
#include <string.h>

#include "backend/gateway/api.h"
#include "backend/gateway/fleet.h"
#include "backend/gateway/gateway.h"
#include "backend/gateway/log.h"
#include "backend/gateway/many.h"
#include "backend/gateway/settings.h"
#include "backend/gateway/usage.h"

#define USAGE_TIMEOUT_MS 10000u

/* ---- network ---- */

static void network_done(void *ctx, const struct pending_outcome *outcome)
{
	struct request *request = ctx;
	struct kernel *kernel = api_kernel_again(request);

	request->pending = 0;
	if (kernel == NULL || outcome->code != LINK_OK)
		api_node_error(request, "the network policy was not taken over", outcome);
	else
		request_json(request, 200, settings_json_network(&kernel->start));
}

static void network_set(struct request *request, struct kernel *kernel, const json_t *body)
{
	struct link_start policy = {.network = kernel->start.network,
				    .egress = kernel->start.egress};
	char error[SETTINGS_ERROR_MAX];

	if (settings_read_network(body, &policy, error) < 0)
		request_error(request, 400, "%s", error);
	else if (kernel->state == LINK_KERNEL_DEAD)
		request_error(request, 409, "the kernel is dead");
	else if (!kernel->node->up)
		request_error(request, 503, "node %s is not connected", kernel->node->name);
	else if (fleet_kernel_network(request->gateway->fleet, kernel, &policy, network_done,
				      request, &request->pending) < 0)
		request_error(request, 503, "node %s does not take requests", kernel->node->name);
	else
		log_line("kernel %s: network policy set by %s", kernel->text, request->owner.name);
}

void api_kernel_network(struct request *request)
{
	struct kernel *kernel = api_kernel_of(request);
	json_t *body = kernel == NULL ? NULL : request_object(request);

	if (body == NULL)
		return;
	network_set(request, kernel, body);
	json_decref(body);
}

/* ---- the kill switch ---- */

static bool cut_row(void *ctx, enum store_cut what, const char *name)
{
	json_t *model = ctx;

	if (what == STORE_CUT_ALL)
		json_object_set_new(model, "all", json_true());
	else if (what == STORE_CUT_NODE)
		json_array_append_new(json_object_get(model, "nodes"), api_text(name));
	else
		json_array_append_new(json_object_get(model, "kernels"), api_text(name));
	return true;
}

void api_cut_get(struct request *request)
{
	json_t *model = json_pack("{s:b, s:[], s:[]}", "all", 0, "nodes", "kernels");

	if (model != NULL && store_cut_walk(request->gateway->store, cut_row, model) < 0) {
		json_decref(model);
		request_error(request, 500, "the store: %s", store_error(request->gateway->store));
		return;
	}
	request_json(request, 200, model);
}

static void cut_kernel(struct request *request, struct many *many, struct kernel *kernel, bool on)
{
	void *one = many_one(many, kernel->text);
	uint64_t ignored;
	int r = fleet_cut_kernel(request->gateway->fleet, kernel, on,
				 one == NULL ? NULL : many_done, one, &ignored);

	if (r < 0 && one != NULL)
		many_unsent(one, r);
}

static void cut_node(struct request *request, struct many *many, struct node *node, bool on)
{
	void *one = many_one(many, node->name);
	uint64_t ignored;
	int r = fleet_cut_node(request->gateway->fleet, node, on, one == NULL ? NULL : many_done,
			       one, &ignored);

	if (r < 0 && one != NULL)
		many_unsent(one, r);
}

static void cut_all(struct request *request, struct many *many, bool on)
{
	struct fleet *fleet = request->gateway->fleet;
	struct node *node;
	size_t cursor = 0;
	uint64_t ignored;
	int stored = fleet_cut_all(fleet, on);

	while ((node = fleet_node_next(fleet, &cursor)) != NULL) {
		void *one = many_one(many, node->name);
		int r = fleet_cut_tell(fleet, node, one == NULL || stored < 0 ? NULL : many_done,
				       one, &ignored);

		if (one != NULL && (r < 0 || stored < 0))
			many_unsent(one, stored < 0 ? stored : r);
	}
}

/* The one kernel or node that the body names; false: the request was answered. */
static bool cut_target(struct request *request, const json_t *body, struct kernel **ret_kernel,
		       struct node **ret_node)
{
	const json_t *kernel = json_object_get(body, "kernel");
	const json_t *node = json_object_get(body, "node");
	const char *name = json_string_value(node), *id = json_string_value(kernel);
	uint8_t bytes[LINK_ID_LEN];

	if (kernel != NULL && node != NULL) {
		request_error(request, 400, "expected kernel or node or neither, not both");
		return false;
	}
	if (kernel != NULL && (id == NULL || ids_uuid_parse(id, bytes) < 0 ||
			       (*ret_kernel = fleet_kernel(request->gateway->fleet, bytes)) == NULL)) {
		request_error(request, 404, "there is no kernel '%s'", id == NULL ? "" : id);
		return false;
	}
	if (node != NULL && (name == NULL ||
			     (*ret_node = fleet_node(request->gateway->fleet, name)) == NULL)) {
		request_error(request, 404, "there is no node '%s'", name == NULL ? "" : name);
		return false;
	}
	return true;
}

static void cut(struct request *request, const json_t *body)
{
	const json_t *on = json_object_get(body, "on");
	struct kernel *kernel = NULL;
	struct node *node = NULL;
	struct many *many;

	if (!json_is_boolean(on)) {
		request_error(request, 400, "on: expected true or false");
		return;
	}
	if (!cut_target(request, body, &kernel, &node))
		return;
	many = many_new(request, 200, json_pack("{s:b}", "on", json_is_true(on)));
	if (many == NULL) {
		request_error(request, 500, "out of memory");
		return;
	}
	log_line("kill switch %s for %s by %s", json_is_true(on) ? "on" : "off",
		 kernel != NULL ? kernel->text : node != NULL ? node->name : "all nodes",
		 request->owner.name);
	if (kernel != NULL)
		cut_kernel(request, many, kernel, json_is_true(on));
	else if (node != NULL)
		cut_node(request, many, node, json_is_true(on));
	else
		cut_all(request, many, json_is_true(on));
	many_go(many);
}

void api_cut_set(struct request *request)
{
	json_t *body = request_object(request);

	if (body == NULL)
		return;
	cut(request, body);
	json_decref(body);
}

/* ---- usage ---- */

static void usage_done(void *ctx, const struct pending_outcome *outcome)
{
	struct request *request = ctx;
	json_t *usage;

	request->pending = 0;
	if (outcome->code != LINK_OK) {
		api_node_error(request, "the usage is not known", outcome);
		return;
	}
	usage = usage_json(outcome->text, outcome->text_len);
	if (usage == NULL)
		request_error(request, 502, "the node's answer is no usage");
	else
		request_json(request, 200, usage);
}

void api_kernel_usage(struct request *request)
{
	struct kernel *kernel = api_kernel_of(request);

	if (kernel == NULL)
		return;
	if (kernel->state == LINK_KERNEL_DEAD)
		request_error(request, 409, "the kernel is dead");
	else if (fleet_request(request->gateway->fleet, kernel, LINK_USAGE, USAGE_TIMEOUT_MS,
			       usage_done, request, &request->pending) < 0)
		request_error(request, 503, "node %s is not connected", kernel->node->name);
}
