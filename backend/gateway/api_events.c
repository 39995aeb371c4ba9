/* SPDX-License-Identifier: Apache-2.0 */
/* What nodes told an operator should know. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "backend/gateway/api.h"
#include "backend/gateway/gateway.h"
#include "backend/gateway/log.h"

#define EVENTS_LIMIT 1000

unsigned long api_query_number(const struct request *request, const char *name,
			       unsigned long otherwise)
{
	const char *text = request_query(request, name);

	if (text == NULL || *text == '\0' || strspn(text, "0123456789") != strlen(text) ||
	    strlen(text) > 18)
		return otherwise;
	return strtoul(text, NULL, 10);
}

static bool event_add(void *ctx, const struct store_event *event)
{
	char boot_id[2 * 16 + 1];
	json_t *row;

	sodium_bin2hex(boot_id, sizeof(boot_id), event->boot_id, 16);
	row = json_pack(
		"{s:I, s:o, s:s, s:I, s:I, s:o, s:o, s:o, s:o}", "id", (json_int_t)event->id, "node",
		api_text(event->node), "boot_id", boot_id, "seq", (json_int_t)event->seq, "time_ms",
		(json_int_t)event->time_ms, "kernel", api_text(event->kernel), "kind",
		api_text(event->kind), "project", api_text(event->project), "text",
		api_text(event->text));

	return row == NULL || json_array_append_new(ctx, row) == 0;
}

void api_own_events(struct request *request)
{
	json_t *list = json_array();
	int64_t after = (int64_t)api_query_number(request, "after", 0), before = 0;
	int64_t last = (int64_t)api_query_number(request, "last", 0);

	if (last > EVENTS_LIMIT)
		last = EVENTS_LIMIT;
	if (last > 0 && store_event_before(request->gateway->store, last, &before) == 0 &&
	    before > after)
		after = before;
	if (store_event_walk(request->gateway->store, after, EVENTS_LIMIT, event_add, list) < 0)
		log_line("store: %s", store_error(request->gateway->store));
	request_json(request, 200, list);
}
