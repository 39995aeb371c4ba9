/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/routes.h"

#include "backend/gateway/api.h"
#include "backend/gateway/clock.h"
#include "backend/gateway/gateway.h"
#include "backend/gateway/refusals.h"

#define OWN "/api/anchorhold"

static const struct route ROUTES[] = {
	{REQUEST_GET, "/api", api_version, false},
	{REQUEST_GET, "/api/status", api_status, false},
	{REQUEST_GET, "/api/me", api_me, false},
	{REQUEST_GET, "/api/kernelspecs", api_specs_list, false},
	{REQUEST_GET, "/api/kernelspecs/{}", api_spec_get, false},
	{REQUEST_GET | REQUEST_HEAD, "/kernelspecs/{}/*", api_spec_file, false},
	{REQUEST_GET, "/api/kernels", api_kernels_list, false},
	{REQUEST_POST, "/api/kernels", api_kernels_start, false},
	{REQUEST_GET, "/api/kernels/{id}", api_kernel_get, false},
	{REQUEST_DELETE, "/api/kernels/{id}", api_kernel_delete, false},
	{REQUEST_POST, "/api/kernels/{id}/interrupt", api_kernel_interrupt, false},
	{REQUEST_POST, "/api/kernels/{id}/restart", api_kernel_restart, false},
	{REQUEST_GET, "/api/kernels/{id}/channels", api_upgrade_needed, false},
	{REQUEST_GET, "/api/sessions", api_sessions_list, false},
	{REQUEST_GET, OWN "/nodes", api_own_nodes, true},
	{REQUEST_POST, OWN "/nodes", api_node_add, true},
	{REQUEST_POST, OWN "/nodes/{}/rotate", api_node_rotate, true},
	{REQUEST_POST, OWN "/nodes/{}/revoke", api_node_revoke, true},
	{REQUEST_POST, OWN "/nodes/{}/unlock", api_node_unlock, true},
	{REQUEST_GET, OWN "/nodes/{}", api_own_node, true},
	{REQUEST_GET, OWN "/nodes/{}/logs", api_own_node_logs, true},
	{REQUEST_GET, OWN "/kernels", api_own_kernels, false},
	{REQUEST_PUT, OWN "/kernels/{id}/network", api_kernel_network, true},
	{REQUEST_GET, OWN "/kernels/{id}/usage", api_kernel_usage, false},
	{REQUEST_GET, OWN "/events", api_own_events, true},
	{REQUEST_GET, OWN "/projects", api_projects_list, false},
	{REQUEST_GET, OWN "/projects/{}", api_project_get, false},
	{REQUEST_PUT | REQUEST_PATCH, OWN "/projects/{}", api_project_set, true},
	{REQUEST_GET, OWN "/cut", api_cut_get, true},
	{REQUEST_PUT, OWN "/cut", api_cut_set, true},
};

#define ROUTES_COUNT (sizeof(ROUTES) / sizeof(ROUTES[0]))

static void refuse(struct request *request, int status)
{
	if (status == 401)
		request_error(request, 401, "a valid token is needed: Authorization: token T, "
					    "?token=T or /t/T/ in the path");
	else if (status == 405)
		request_error(request, 405, "this path does not answer that method");
	else
		request_error(request, status, "there is nothing at %s", request->path);
}

void routes_dispatch(struct request *request)
{
	const struct route *route;
	int status;

	/* A browser asks this without credentials; the answer is nothing but headers. */
	if (request->method == REQUEST_OPTIONS) {
		request_empty(request, 200);
		return;
	}
	if (request->denied != 0) {
		refuse(request, request->denied);
		return;
	}
	if (request->body_too_large) {
		request_error(request, 413, "the body is over %u bytes", REQUEST_BODY_MAX);
		return;
	}
	route = route_find(ROUTES, ROUTES_COUNT, request->method, request->path, request->param,
			   &status);
	if (route == NULL) {
		refuse(request, status);
		return;
	}
	if (route->admin && !request->owner.admin) {
		char address[64];

		request_address(request, address, sizeof(address));
		refusals_tell(request->gateway->refusals, clock_ms(), REFUSAL_FORBIDDEN, address,
			      "%.63s asked for %.80s, which is an administrator's",
			      request->owner.name, request->path);
		request_error(request, 403, "this needs an administrator's token");
		return;
	}
	route->handle(request);
}

const char *routes_channels(const char *path,
			    char ret_param[REQUEST_PARAMS_MAX][REQUEST_PARAM_LEN])
{
	return route_match("/api/kernels/{id}/channels", path, ret_param) ? ret_param[0] : NULL;
}
