/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of POST /api/kernels: a client's wishes and its whole environment. What is read can be
 * sent in a START and asks for no more than the most there is.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backend/gateway/ids.h"
#include "backend/gateway/knobs.h"
#include "backend/gateway/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void knobs(const json_t *body)
{
	const char *bad = NULL;
	struct link_start start;
	uint32_t launch_ms = 0;

	settings_default(&start);
	if (knobs_read(json_object_get(body, "env"), &start, &launch_ms, &bad) < 0) {
		assert(bad != NULL && strlen(bad) > 0);
		return;
	}
	assert(start.memory_mib <= KNOBS_MEMORY_MAX_MIB && start.cpu_milli <= KNOBS_CPU_MAX_MILLI);
	assert(launch_ms > 0 && launch_ms <= KNOBS_LAUNCH_MAX_MS);
	assert(link_start_problem(&start) == NULL);
}

static void names(const json_t *body)
{
	const char *name = json_string_value(json_object_get(body, "name"));
	const char *id = json_string_value(json_object_get(body, "kernel_id"));
	uint8_t parsed[LINK_ID_LEN];

	if (name != NULL && ids_name_ok(name))
		assert(strlen(name) < LINK_NAME_MAX && link_identifier_ok(name));
	if (id != NULL && ids_uuid_parse(id, parsed) == 0)
		assert(strlen(id) == 36 || strlen(id) == 32);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *body = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(body)) {
		knobs(body);
		names(body);
	}
	json_decref(body);
	return 0;
}
