/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What administrators, clients and nodes send of limits: settings as JSON, egress rules, usage
 * lines. What is read can be sent in a START, is written and read the same, and never gets more
 * than the project has.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backend/gateway/egress.h"
#include "backend/gateway/settings.h"
#include "backend/gateway/usage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void rule(const char *text)
{
	struct link_egress_rule first, second;
	char once[EGRESS_TEXT_MAX], again[EGRESS_TEXT_MAX];

	if (egress_rule_parse(text, &first) != NULL)
		return;
	egress_rule_format(&first, once);
	assert(egress_rule_parse(once, &second) == NULL);
	egress_rule_format(&second, again);
	assert(strcmp(once, again) == 0);
}

static void round_trip(const struct link_start *start)
{
	json_t *first = settings_json(start), *second;
	char error[SETTINGS_ERROR_MAX];
	struct link_start again;
	uint64_t given;

	settings_default(&again);
	assert(settings_read(first, &again, &given, error) == 0);
	second = settings_json(&again);
	assert(json_equal(first, second));
	json_decref(first);
	json_decref(second);
}

static void settings(const char *text)
{
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	char error[SETTINGS_ERROR_MAX] = "";
	struct link_start start, project;
	uint64_t given;

	settings_default(&start);
	settings_default(&project);
	if (json != NULL && settings_read(json, &start, &given, error) == 0) {
		start.project[0] = 'p';
		assert(link_start_problem(&start) == NULL);
		assert(link_egress_problem(&start.egress) == NULL);
		round_trip(&start);
		if (settings_ask(&start, given, &project, error) == 0)
			assert(start.network <= project.network && start.strict >= project.strict);
		settings_narrow(&start, &project);
		assert(start.workspace <= project.workspace);
	}
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	json_decref(usage_json(data, size));
	rule(text);
	settings(text);
	free(text);
	return 0;
}
