/* SPDX-License-Identifier: Apache-2.0 */
/* Jupyter's kernels: list, look, stop, interrupt. */
#include <stdio.h>
#include <string.h>

#include "backend/gateway/access.h"
#include "backend/gateway/api.h"
#include "backend/gateway/clock.h"
#include "backend/gateway/fleet.h"
#include "backend/gateway/gateway.h"
#include "backend/gateway/settings.h"

#define STOP_TIMEOUT_MS 15000u
#define INTERRUPT_TIMEOUT_MS 10000u

json_t *api_kernel_model(const struct kernel *kernel)
{
	char active[CLOCK_STAMP_LEN], why[LINK_TEXT_MAX + 128];
	json_t *model, *limits;

	clock_stamp(kernel->activity.last_us, active);
	model = json_pack("{s:s, s:o, s:s, s:s, s:i}", "id", kernel->text, "name",
			  api_text(kernel->environment), "last_activity", active, "execution_state",
			  activity_name(kernel->activity.state), "connections",
			  (int)kernel->connections);
	if (model == NULL)
		return NULL;
	limits = settings_json(&kernel->start);
	json_object_set_new(model, "project", api_text(kernel->project));
	json_object_set_new(model, "limits", limits);
	if (kernel->state == LINK_KERNEL_DEAD) {
		kernel_reason(kernel, why, sizeof(why));
		json_object_set_new(model, "reason", api_text(why));
		json_object_set_new(model, "reason_name", json_string(kernel_reason_name(kernel)));
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

void api_node_error(struct request *request, const char *what,
		    const struct pending_outcome *outcome)
{
	request_error(request, status_of(outcome), "%s: %s%s%.*s%s%s", what,
		      outcome->lost ? "the node was lost" : link_code_name(outcome->code),
		      outcome->text_len > 0 ? ": " : "",
		      (int)(outcome->text_len > 256 ? 256 : outcome->text_len),
		      outcome->text_len > 0 ? (const char *)outcome->text : "",
		      outcome->error > 0 ? ": " : "",
		      outcome->error > 0 ? strerror(outcome->error) : "");
}

struct kernel *api_kernel_again(struct request *request)
{
	uint8_t id[LINK_ID_LEN];

	ids_uuid_parse(request->param[0], id);
	return fleet_kernel(request->gateway->fleet, id);
}

/* ---- stop ---- */

static void stopped(void *ctx, const struct pending_outcome *outcome)
{
	struct request *request = ctx;
	struct kernel *kernel = api_kernel_again(request);

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
		api_node_error(request, "the kernel was not interrupted", outcome);
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
