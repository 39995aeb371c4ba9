/* SPDX-License-Identifier: Apache-2.0 */
/* Starting kernels in their projects, and starting them again. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/gateway/api.h"
#include "backend/gateway/fleet.h"
#include "backend/gateway/gateway.h"
#include "backend/gateway/knobs.h"
#include "backend/gateway/place.h"
#include "backend/gateway/projects.h"
#include "backend/gateway/settings.h"
#include "backend/gateway/specs.h"

#define STOP_TIMEOUT_MS 15000u
#define RESTART_TIMEOUT_MS 60000u

static void started(void *ctx, const struct pending_outcome *outcome)
{
	struct request *request = ctx;
	struct kernel *kernel = api_kernel_again(request);
	char location[64];

	request->pending = 0;
	if (kernel == NULL || outcome->code != LINK_OK) {
		api_node_error(request, "the kernel was not started", outcome);
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
	if (link_id_is_none(ret_id)) {
		request_error(request, 400, "kernel_id '%s' is nobody's: zeros stand for no kernel",
			      json_string_value(given));
		return -EINVAL;
	}
	return 0;
}

/* The project's settings, and of the client's wishes what they allow. */
static int limits_choose(struct request *request, const json_t *body, struct kernel *ret_kernel,
			 uint32_t *ret_launch_ms)
{
	const json_t *limits = json_object_get(body, "limits");
	struct link_start project, *start = &ret_kernel->start;
	char error[SETTINGS_ERROR_MAX];
	uint64_t given = 0;
	const char *bad;
	int r;

	if (api_project_settings(request, ret_kernel->project, &project) < 0)
		return -ENOENT;
	if (limits != NULL && !json_is_null(limits) && !json_is_object(limits)) {
		request_error(request, 400, "limits is not an object");
		return -EINVAL;
	}
	settings_default(start);
	if (json_is_object(limits) && settings_read(limits, start, &given, error) < 0) {
		request_error(request, 400, "%s", error);
		return -EINVAL;
	}
	ret_kernel->network_max = settings_names_network(given) ? start->network : LINK_NET_EGRESS;
	r = settings_ask(start, given, &project, error);
	if (r < 0) {
		request_error(request, 403, "%s", error);
		return r;
	}
	if (knobs_read(json_object_get(body, "env"), start, ret_launch_ms, &bad) < 0) {
		request_error(request, 400, "%s has no usable value", bad);
		return -EINVAL;
	}
	/* Clients send these by themselves: what is too much is cut, as it was before. */
	settings_narrow(start, &project);
	settings_network(start, &project, ret_kernel->network_max);
	return 0;
}

static int describe(struct request *request, const json_t *body, struct kernel *ret_kernel,
		    uint32_t *ret_launch_ms)
{
	const json_t *name = json_object_get(body, "name");
	const json_t *project = json_object_get(body, "project");

	memset(ret_kernel, 0, sizeof(*ret_kernel));
	if (name != NULL && !json_is_null(name) && !json_is_string(name)) {
		request_error(request, 400, "name is not a string");
		return -EINVAL;
	}
	if (project != NULL && !json_is_null(project) &&
	    (!json_is_string(project) || !ids_name_ok(json_string_value(project)))) {
		request_error(request, 400, "project is not a project's name");
		return -EINVAL;
	}
	memcpy(ret_kernel->owner, request->owner.name, LINK_NAME_MAX);
	snprintf(ret_kernel->project, LINK_NAME_MAX, "%s",
		 json_is_string(project) ? json_string_value(project) : request->owner.name);
	if (limits_choose(request, body, ret_kernel, ret_launch_ms) < 0)
		return -EINVAL;
	if (specs_resolve(request->gateway, json_string_value(name), ret_kernel->environment) < 0) {
		request_error(request, name == NULL ? 503 : 404, "there is no kernelspec '%s'",
			      name == NULL ? "" : json_string_value(name));
		return -ENOENT;
	}
	if (id_choose(request, body, ret_kernel->id) < 0)
		return -EINVAL;
	memcpy(ret_kernel->start.environment, ret_kernel->environment, LINK_NAME_MAX);
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

/* ---- restart ---- */

static void restarted(void *ctx, const struct pending_outcome *outcome)
{
	struct request *request = ctx;
	struct kernel *kernel = api_kernel_again(request);

	request->pending = 0;
	if (kernel != NULL)
		kernel->restart_asked = false;
	if (kernel != NULL && outcome->code == LINK_OK)
		request_json(request, 200, api_kernel_model(kernel));
	else
		api_node_error(request, "the kernel was not restarted", outcome);
}

/* A dead kernel is started anew under its id, wherever there is room now. */
static void start_again(struct request *request, struct kernel *kernel)
{
	struct fleet *fleet = request->gateway->fleet;
	struct link_start project;
	struct node *node;
	char why[256];
	int r = project_get(request->gateway->store, kernel->project, &project);

	if (r < 0 && r != -ENOENT) {
		request_error(request, 500, "project '%s' cannot be read", kernel->project);
		return;
	}
	node = place_choose(fleet, kernel->environment, why, sizeof(why));
	if (node == NULL) {
		request_error(request, 503, "%s", why);
		return;
	}
	/* As it was started, and no more than the project allows by now. */
	settings_narrow(&kernel->start, &project);
	settings_network(&kernel->start, &project, kernel->network_max);
	memcpy(kernel->start.environment, kernel->environment, LINK_NAME_MAX);
	memcpy(kernel->start.project, kernel->project, LINK_NAME_MAX);
	fleet_kernel_revive(fleet, kernel, node);
	kernel->restart_asked = true;
	if (fleet_request(fleet, kernel, LINK_START, RESTART_TIMEOUT_MS, restarted, request,
			  &request->pending) < 0)
		request_error(request, 503, "node %s is not connected", node->name);
}

static void buried(void *ctx, const struct pending_outcome *outcome)
{
	struct request *request = ctx;
	struct kernel *kernel = api_kernel_again(request);

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
