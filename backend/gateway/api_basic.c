/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "backend/gateway/access.h"
#include "backend/gateway/api.h"
#include "backend/gateway/clock.h"
#include "backend/gateway/fleet.h"
#include "backend/gateway/gateway.h"

json_t *api_text(const char *text)
{
	json_t *json = json_string(text);

	return json != NULL ? json : json_string("?");
}

void api_version(struct request *request)
{
	request_json(request, 200, json_pack("{s:s}", "version", GATEWAY_VERSION));
}

void api_status(struct request *request)
{
	char started[CLOCK_STAMP_LEN], active[CLOCK_STAMP_LEN];
	uint64_t last_us = request->gateway->started_us;
	int kernels = 0, connections = 0;
	struct kernel *kernel;
	size_t cursor = 0;

	while ((kernel = fleet_kernel_next(request->gateway->fleet, &cursor)) != NULL) {
		if (kernel->deleting || !access_may(&request->owner, kernel->owner))
			continue;
		kernels++;
		connections += (int)kernel->connections;
		if (kernel->activity.last_us > last_us)
			last_us = kernel->activity.last_us;
	}
	clock_stamp(request->gateway->started_us, started);
	clock_stamp(last_us, active);
	request_json(request, 200,
		     json_pack("{s:s, s:s, s:i, s:i}", "started", started, "last_activity", active,
			       "kernels", kernels, "connections", connections));
}

void api_me(struct request *request)
{
	const char *name = request->owner.name;
	char initial[2] = {name[0], '\0'};

	request_json(request, 200,
		     json_pack("{s:{s:s, s:s, s:s, s:s, s:n, s:n}, s:{}}", "identity", "username",
			       name, "name", name, "display_name", name, "initials", initial,
			       "avatar_url", "color", "permissions"));
}

void api_upgrade_needed(struct request *request)
{
	request_error(request, 400, "this path is a WebSocket");
}
