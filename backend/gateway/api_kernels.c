/* SPDX-License-Identifier: Apache-2.0 */
/* Jupyter's kernels: list, start, look, stop, interrupt, restart. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/gateway/access.h"
#include "backend/gateway/api.h"
#include "backend/gateway/clock.h"
#include "backend/gateway/fleet.h"
#include "backend/gateway/gateway.h"
#include "backend/gateway/knobs.h"
#include "backend/gateway/log.h"
#include "backend/gateway/place.h"
#include "backend/gateway/specs.h"

#define STOP_TIMEOUT_MS 15000u
#define INTERRUPT_TIMEOUT_MS 10000u
#define RESTART_TIMEOUT_MS 60000u

json_t *api_kernel_model(const struct kernel *kernel)
{
	char active[CLOCK_STAMP_LEN], why[LINK_TEXT_MAX + 128];
	json_t *model;

	clock_stamp(kernel->activity.last_us, active);
	model = json_pack("{s:s, s:o, s:s, s:s, s:i}", "id", kernel->text, "name",
			  api_text(kernel->environment), "last_activity", active, "execution_state",
			  activity_name(kernel->activity.state), "connections",
			  (int)kernel->connections);
	if (model != NULL && kernel->state == LINK_KERNEL_DEAD) {
		kernel_reason(kernel, why, sizeof(why));
		json_object_set_new(model, "reason", api_text(why));
	}
	return model;
}

struct kernel *api_kernel_of(struct request *request)
{
	struct kernel *kernel = NULL;
	uint8_t id[LINK_ID_LEN];

	if (ids_uuid_parse(request->param[0], id) == 0)
		kernel = fleet_kernel(request->gateway->fleet, id);
	if (kernel == NULL || kernel->deleting || !access_may(&request->owner, kernel->owner)) {
		request_error(request, 404, "there is no kernel %s", request->param[0]);
		return NULL;
	}
	return kernel;
}

void api_kernels_list(struct request *request)
{
	json_t *list = json_array();
	struct kernel *kernel;
	size_t cursor = 0;

	while ((kernel = fleet_kernel_next(request->gateway->fleet, &cursor)) != NULL)
		if (!kernel->deleting && access_may(&request->owner, kernel->owner))
			json_array_append_new(list, api_kernel_model(kernel));
	request_json(request, 200, list);
}

void api_kernel_get(struct request *request)
{
	struct kernel *kernel = api_kernel_of(request);

	if (kernel != NULL)
		request_json(request, 200, api_kernel_model(kernel));
}

/* ---- what nodes answer, as HTTP ---- */

static int status_of(const struct pending_outcome *outcome)
{
	static const int STATUS[] = {
		[LINK_OK] = 200,	   [LINK_E_INVALID] = 400,  [LINK_E_UNKNOWN] = 404,
		[LINK_E_EXISTS] = 409,	   [LINK_E_ENVIRONMENT] = 404, [LINK_E_CAPACITY] = 503,
		[LINK_E_REFUSING] = 503,   [LINK_E_SYSTEM] = 500,   [LINK_E_STALE] = 409,
		[LINK_E_DEAD] = 500,	   [LINK_E_TOO_LARGE] = 400, [LINK_E_BUSY] = 409,
		[LINK_E_TIMEOUT] = 504,
	};

	if (outcome->lost)
		return 503;
	return STATUS[outcome->code];
}

static void node_error(struct request *request, const char *what,
		       const struct pending_outcome *outcome)
{
	request_error(request, status_of(outcome), "%s: %s%s%.*s", what,
		      outcome->lost ? "the node was lost" : link_code_name(outcome->code),
		      outcome->text_len > 0 ? ": " : "",
		      (int)(outcome->text_len > 256 ? 256 : outcome->text_len),
		      outcome->text_len > 0 ? (const char *)outcome->text : "");
}

static struct kernel *again(struct request *request)
{
	uint8_t id[LINK_ID_LEN];

	ids_uuid_parse(request->param[0], id);
	return fleet_kernel(request->gateway->fleet, id);
}

/* ---- start ---- */

static void started(void *ctx, const struct pending_outcome *outcome)
{
	struct request *request = ctx;
	struct kernel *kernel = again(request);
	char location[64];

	request->pending = 0;
	if (kernel == NULL || outcome->code != LINK_OK) {
		node_error(request, "the kernel was not started", outcome);
		/* Late or lost it may run all the same: it is stopped when the node is heard of. */
		if (kernel != NULL && (outcome->lost || outcome->code == LINK_E_TIMEOUT))
			kernel->deleting = true;
		else if (kernel != NULL)
			fleet_kernel_remove(request->gateway->fleet, kernel);
		return;
	}
	snprintf(location, sizeof(location), "/api/kernels/%s", kernel->text);
	request_location(request, location);
	request_json(request, 201, api_kernel_model(kernel));
}

/* The id is the client's if it names one, so that a retried POST cannot make two. */
static int id_choose(struct request *request, const json_t *body, uint8_t ret_id[LINK_ID_LEN])
{
	const json_t *given = json_object_get(body, "kernel_id");

	if (given == NULL || json_is_null(given)) {
		ids_uuid_make(ret_id);
		return 0;
	}
	if (!json_is_string(given) || ids_uuid_parse(json_string_value(given), ret_id) < 0) {
		request_error(request, 400, "kernel_id is not a UUID");
		return -EINVAL;
	}
	return 0;
}

static int describe(struct request *request, const json_t *body, struct kernel *ret_kernel,
		    uint32_t *ret_launch_ms)
{
	const json_t *name = json_object_get(body, "name");
	const char *bad;

	memset(ret_kernel, 0, sizeof(*ret_kernel));
	if (name != NULL && !json_is_null(name) && !json_is_string(name)) {
		request_error(request, 400, "name is not a string");
		return -EINVAL;
	}
	if (knobs_read(json_object_get(body, "env"), &ret_kernel->start, ret_launch_ms, &bad) < 0) {
		request_error(request, 400, "%s has no usable value", bad);
		return -EINVAL;
	}
	if (specs_resolve(request->gateway, json_string_value(name), ret_kernel->environment) < 0) {
		request_error(request, name == NULL ? 503 : 404, "there is no kernelspec '%s'",
			      name == NULL ? "" : json_string_value(name));
		return -ENOENT;
	}
	if (id_choose(request, body, ret_kernel->id) < 0)
		return -EINVAL;
	ret_kernel->start.network = LINK_NET_LOOPBACK;
	memcpy(ret_kernel->start.environment, ret_kernel->environment, LINK_NAME_MAX);
	memcpy(ret_kernel->owner, request->owner.name, LINK_NAME_MAX);
	memcpy(ret_kernel->project, request->owner.name, LINK_NAME_MAX);
	memcpy(ret_kernel->start.project, ret_kernel->project, LINK_NAME_MAX);
	return 0;
}

static void start_on_node(struct request *request, const struct kernel *described,
			  uint32_t launch_ms)
{
	struct fleet *fleet = request->gateway->fleet;
	struct kernel *kernel;
	struct node *node;
	char why[256];
	int r;

	node = place_choose(fleet, described->environment, why, sizeof(why));
	if (node == NULL) {
		request_error(request, 503, "%s", why);
		return;
	}
	r = fleet_kernel_add(fleet, node, described, &kernel);
	if (r < 0) {
		request_error(request, r == -EEXIST ? 409 : r == -ENOSPC ? 503 : 500,
			      r == -EEXIST ? "a kernel of this id exists"
					   : "the kernel cannot be registered");
		return;
	}
	snprintf(request->param[0], REQUEST_PARAM_LEN, "%s", kernel->text);
	r = fleet_request(fleet, kernel, LINK_START, launch_ms, started, request,
			  &request->pending);
	if (r < 0) {
		fleet_kernel_remove(fleet, kernel);
		request_error(request, 503, "node %s does not take requests", node->name);
	}
}

void api_kernels_start(struct request *request)
{
	json_t *body = request_object(request);
	struct kernel described;
	uint32_t launch_ms;

	if (body == NULL)
		return;
	if (describe(request, body, &described, &launch_ms) == 0)
		start_on_node(request, &described, launch_ms);
	json_decref(body);
}

/* ---- stop ---- */

static void stopped(void *ctx, const struct pending_outcome *outcome)
{
	struct request *request = ctx;
	struct kernel *kernel = again(request);

	request->pending = 0;
	/* Lost or late, it stays hidden until its node can be told again: gone for the client. */
	if (kernel != NULL && !outcome->lost && outcome->code != LINK_E_TIMEOUT)
		fleet_kernel_remove(request->gateway->fleet, kernel);
	request_empty(request, 204);
}

void api_kernel_delete(struct request *request)
{
	struct kernel *kernel = api_kernel_of(request);

	if (kernel == NULL)
		return;
	if (kernel->state == LINK_KERNEL_DEAD) {
		fleet_kernel_remove(request->gateway->fleet, kernel);
		request_empty(request, 204);
		return;
	}
	kernel->deleting = true;
	if (fleet_request(request->gateway->fleet, kernel, LINK_STOP, STOP_TIMEOUT_MS, stopped,
			  request, &request->pending) < 0)
		request_empty(request, 204);
}

/* ---- interrupt ---- */

static void interrupted(void *ctx, const struct pending_outcome *outcome)
{
	struct request *request = ctx;

	request->pending = 0;
	if (outcome->code == LINK_OK)
		request_empty(request, 204);
	else
		node_error(request, "the kernel was not interrupted", outcome);
}

void api_kernel_interrupt(struct request *request)
{
	struct kernel *kernel = api_kernel_of(request);

	if (kernel == NULL)
		return;
	if (kernel->state == LINK_KERNEL_DEAD)
		request_error(request, 409, "the kernel is dead");
	else if (fleet_request(request->gateway->fleet, kernel, LINK_INTERRUPT,
			       INTERRUPT_TIMEOUT_MS, interrupted, request, &request->pending) < 0)
		request_error(request, 503, "node %s is not connected", kernel->node->name);
}

/* ---- restart ---- */

static void restarted(void *ctx, const struct pending_outcome *outcome)
{
	struct request *request = ctx;
	struct kernel *kernel = again(request);

	request->pending = 0;
	if (kernel != NULL)
		kernel->restart_asked = false;
	if (kernel != NULL && outcome->code == LINK_OK)
		request_json(request, 200, api_kernel_model(kernel));
	else
		node_error(request, "the kernel was not restarted", outcome);
}

/* A dead kernel is started anew under its id, wherever there is room now. */
static void start_again(struct request *request, struct kernel *kernel)
{
	struct fleet *fleet = request->gateway->fleet;
	struct node *node;
	char why[256];

	node = place_choose(fleet, kernel->environment, why, sizeof(why));
	if (node == NULL) {
		request_error(request, 503, "%s", why);
		return;
	}
	memcpy(kernel->start.environment, kernel->environment, LINK_NAME_MAX);
	memcpy(kernel->start.project, kernel->project, LINK_NAME_MAX);
	kernel->start.network = LINK_NET_LOOPBACK;
	fleet_kernel_revive(fleet, kernel, node);
	kernel->restart_asked = true;
	if (fleet_request(fleet, kernel, LINK_START, RESTART_TIMEOUT_MS, restarted, request,
			  &request->pending) < 0)
		request_error(request, 503, "node %s is not connected", node->name);
}

static void buried(void *ctx, const struct pending_outcome *outcome)
{
	struct request *request = ctx;
	struct kernel *kernel = again(request);

	(void)outcome;
	request->pending = 0;
	if (kernel == NULL || kernel->state != LINK_KERNEL_DEAD)
		request_error(request, 409, "the kernel changed meanwhile");
	else
		start_again(request, kernel);
}

/* What its node keeps of a dead kernel goes first: the id is taken until then. */
static void restart_dead(struct request *request, struct kernel *kernel)
{
	if (fleet_request(request->gateway->fleet, kernel, LINK_STOP, STOP_TIMEOUT_MS, buried,
			  request, &request->pending) < 0)
		start_again(request, kernel);
}

void api_kernel_restart(struct request *request)
{
	struct kernel *kernel = api_kernel_of(request);

	if (kernel == NULL)
		return;
	if (kernel->state == LINK_KERNEL_DEAD) {
		restart_dead(request, kernel);
		return;
	}
	kernel->restart_asked = true;
	if (fleet_request(request->gateway->fleet, kernel, LINK_RESTART, RESTART_TIMEOUT_MS,
			  restarted, request, &request->pending) < 0)
		request_error(request, 503, "node %s is not connected", kernel->node->name);
}
