/* SPDX-License-Identifier: Apache-2.0 */
/* Projects: list, look, set. A new network policy goes at once to the kernels that run in it. */
#include <errno.h>
#include <string.h>

#include "backend/gateway/api.h"
#include "backend/gateway/fleet.h"
#include "backend/gateway/gateway.h"
#include "backend/gateway/log.h"
#include "backend/gateway/many.h"
#include "backend/gateway/projects.h"
#include "backend/gateway/settings.h"

static unsigned running(const struct fleet *fleet, const char *name)
{
	const struct kernel *kernel;
	unsigned count = 0;
	size_t cursor = 0;

	while ((kernel = fleet_kernel_next(fleet, &cursor)) != NULL)
		if (kernel->state != LINK_KERNEL_DEAD && !kernel->deleting &&
		    strcmp(kernel->project, name) == 0)
			count++;
	return count;
}

static json_t *model_of(const struct request *request, const char *name,
			const struct link_start *settings)
{
	json_t *model = settings_json(settings);

	json_object_set_new(model, "name", api_text(name));
	json_object_set_new(model, "kernels",
			    json_integer(running(request->gateway->fleet, name)));
	return model;
}

struct listing {
	struct request *request;
	json_t *list;
};

static bool list_one(void *ctx, const char *name, const char *text)
{
	struct listing *listing = ctx;
	struct link_start settings;

	(void)text;
	if (project_may(&listing->request->owner, name) &&
	    project_get(listing->request->gateway->store, name, &settings) == 0)
		json_array_append_new(listing->list, model_of(listing->request, name, &settings));
	return true;
}

void api_projects_list(struct request *request)
{
	struct listing listing = {request, json_array()};

	if (store_project_walk(request->gateway->store, list_one, &listing) < 0)
		log_line("store: %s", store_error(request->gateway->store));
	request_json(request, 200, listing.list);
}

int api_project_settings(struct request *request, const char *name, struct link_start *ret_settings)
{
	int r = project_may(&request->owner, name)
			? project_get(request->gateway->store, name, ret_settings)
			: -ENOENT;

	/* Everybody has the own project, made or not. */
	if (r == -ENOENT && strcmp(request->owner.name, name) == 0)
		return 0;
	if (r == -ENOENT)
		request_error(request, 404, "there is no project '%s'", name);
	else if (r < 0)
		request_error(request, 500, "project '%s' cannot be read", name);
	return r;
}

void api_project_get(struct request *request)
{
	struct link_start settings;

	if (api_project_settings(request, request->param[0], &settings) == 0)
		request_json(request, 200, model_of(request, request->param[0], &settings));
}

/* ---- set ---- */

static void tell_one(struct many *many, struct fleet *fleet, struct kernel *kernel,
		     const struct link_start *policy)
{
	void *one = many_one(many, kernel->text);
	uint64_t ignored;
	int r;

	r = fleet_kernel_network(fleet, kernel, policy, one == NULL ? NULL : many_done, one,
				 &ignored);
	if (r < 0 && one != NULL)
		many_unsent(one, r);
}

/* Each of its kernels gets the new policy as far as its client wanted any. */
static void tell_all(struct many *many, struct fleet *fleet, const char *name,
		     const struct link_start *settings)
{
	struct link_start policy = {0};
	struct kernel *kernel;
	size_t cursor = 0;

	while ((kernel = fleet_kernel_next(fleet, &cursor)) != NULL) {
		if (kernel->state == LINK_KERNEL_DEAD || strcmp(kernel->project, name) != 0)
			continue;
		settings_network(&policy, settings, kernel->network_max);
		if (!settings_same_network(&policy, &kernel->start))
			tell_one(many, fleet, kernel, &policy);
	}
	many_go(many);
}

static void set(struct request *request, const char *name, const json_t *body)
{
	struct store *store = request->gateway->store;
	struct link_start settings;
	char error[SETTINGS_ERROR_MAX];
	int r = project_get(store, name, &settings);
	int status = r == -ENOENT ? 201 : 200;
	struct many *many;
	uint64_t given;

	/* A row that is damaged can be replaced, not amended. */
	if (r < 0 && r != -ENOENT && (r != -EBADMSG || request->method != REQUEST_PUT)) {
		request_error(request, 500, "project '%s' cannot be read", name);
		return;
	}
	if (request->method == REQUEST_PUT)
		settings_default(&settings);
	if (settings_read(body, &settings, &given, error) < 0) {
		request_error(request, 400, "%s", error);
		return;
	}
	r = project_put(store, name, &settings);
	if (r < 0) {
		request_error(request, 500, "the project cannot be stored: %s", store_error(store));
		return;
	}
	log_line("project %s: set by %s", name, request->owner.name);
	many = many_new(request, status, model_of(request, name, &settings));
	if (many == NULL)
		request_error(request, 500, "out of memory");
	else
		tell_all(many, request->gateway->fleet, name, &settings);
}

void api_project_set(struct request *request)
{
	const char *name = request->param[0];
	json_t *body;

	if (!ids_name_ok(name)) {
		request_error(request, 400,
			      "project '%s': a name is 1 to 63 of a-z, 0-9 and -, not beginning "
			      "with -",
			      name);
		return;
	}
	body = request_object(request);
	if (body == NULL)
		return;
	/* What it was read as may be sent back. */
	json_object_del(body, "name");
	json_object_del(body, "kernels");
	set(request, name, body);
	json_decref(body);
}
