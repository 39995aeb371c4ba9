/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/api.h"
#include "backend/gateway/gateway.h"
#include "backend/gateway/specs.h"

void api_specs_list(struct request *request)
{
	json_t *specs = specs_all(request->gateway);
	const char *name = specs_default(specs);

	request_json(request, 200,
		     json_pack("{s:s?, s:o}", "default", name, "kernelspecs", specs));
}

void api_spec_get(struct request *request)
{
	json_t *specs = specs_all(request->gateway);
	json_t *spec = json_object_get(specs, request->param[0]);

	if (spec == NULL)
		request_error(request, 404, "there is no kernelspec '%s'", request->param[0]);
	else
		request_json(request, 200, json_incref(spec));
	json_decref(specs);
}

void api_spec_file(struct request *request)
{
	/* Clients draw a letter instead of the logo. */
	request_error(request, 404, "kernelspecs have no files here");
}
