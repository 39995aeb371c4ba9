/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/settings.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "backend/gateway/plain.h"
#include "backend/gateway/settings_private.h"

static const char *const WORKSPACE[] = {"none", "read", "write", NULL};
static const char *const NETWORK[] = {"sealed", "loopback", "egress", NULL};

#define AT(member)                                                                                 \
	.name = #member, .offset = offsetof(struct link_start, member),                            \
	.size = sizeof(((struct link_start *)0)->member)
#define NUMBER(member) {AT(member), .max = LINK_AMOUNT_MAX}
/* 0 stands for a value that is known, so more than that is more. */
#define STANDARD(member, max_, standard_) {AT(member), .max = (max_), .standard = (standard_)}

static const struct setting SETTING[] = {
	NUMBER(memory_mib),
	NUMBER(cpu_milli),
	STANDARD(cpu_weight, LINK_CPU_WEIGHT_MAX, 100),
	NUMBER(pids_max),
	NUMBER(tmpfs_mib),
	NUMBER(io_kibps),
	NUMBER(io_iops),
	NUMBER(wall_s),
	NUMBER(idle_s),
	NUMBER(execution_s),
	STANDARD(grace_s, LINK_GRACE_MAX_S, 5),
	NUMBER(output_kibps),
	NUMBER(output_messages),
	{AT(workspace), .kind = SETTING_CHOICE, .choices = WORKSPACE},
	{AT(workspace_exec), .kind = SETTING_FLAG},
	{AT(workspace_mib), .max = LINK_AMOUNT_MAX, .rule = SETTING_PROJECTS},
	{AT(workspace_inodes), .max = LINK_AMOUNT_MAX, .rule = SETTING_PROJECTS},
	{AT(strict), .kind = SETTING_FLAG, .rule = SETTING_MORE},
	{AT(network), .kind = SETTING_CHOICE, .choices = NETWORK, .network = true},
	{.name = "egress",
	 .kind = SETTING_RULES,
	 .offset = offsetof(struct link_start, egress),
	 .rule = SETTING_PROJECTS,
	 .network = true},
	{.name = "resolvers",
	 .kind = SETTING_RESOLVERS,
	 .offset = offsetof(struct link_start, egress),
	 .rule = SETTING_PROJECTS,
	 .network = true},
	{.name = "rate_kibps",
	 .offset = offsetof(struct link_start, egress.rate_kibps),
	 .size = 4,
	 .max = LINK_AMOUNT_MAX,
	 .rule = SETTING_PROJECTS,
	 .network = true},
	{.name = "bytes_max",
	 .offset = offsetof(struct link_start, egress.bytes_max),
	 .size = 8,
	 .max = INT64_MAX,
	 .rule = SETTING_PROJECTS,
	 .network = true},
};

#define COUNT (sizeof(SETTING) / sizeof(SETTING[0]))

_Static_assert(COUNT <= 64, "a bit each");

void settings_default(struct link_start *ret_start)
{
	memset(ret_start, 0, sizeof(*ret_start));
	ret_start->network = LINK_NET_LOOPBACK;
}

static const struct setting *find(const char *name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (strcmp(SETTING[i].name, name) == 0)
			return &SETTING[i];
	return NULL;
}

static int read_members(const json_t *object, bool network_only, struct link_start *start,
			uint64_t *given, char *error)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value) {
		const struct setting *setting = find(name);

		if (setting == NULL || (network_only && !setting->network)) {
			snprintf(error, SETTINGS_ERROR_MAX, "'%.60s' is no setting%s", name,
				 network_only ? " of a network policy" : "");
			plain_text(error, strlen(error)); /* it may have been cut in a letter */
			return -EINVAL;
		}
		if (setting_read(setting, value, start, error) < 0)
			return -EINVAL;
		*given |= UINT64_C(1) << (setting - SETTING);
	}
	return 0;
}

int settings_read(const json_t *object, struct link_start *start, uint64_t *ret_given,
		  char ret_error[SETTINGS_ERROR_MAX])
{
	*ret_given = 0;
	return read_members(object, false, start, ret_given, ret_error);
}

int settings_read_network(const json_t *object, struct link_start *start,
			  char ret_error[SETTINGS_ERROR_MAX])
{
	uint64_t given = 0;

	return read_members(object, true, start, &given, ret_error);
}

static json_t *json_of(const struct link_start *start, bool network_only)
{
	json_t *object = json_object();

	for (size_t i = 0; i < COUNT; i++)
		if (!network_only || SETTING[i].network)
			json_object_set_new(object, SETTING[i].name,
					    setting_json(&SETTING[i], start));
	return object;
}

json_t *settings_json(const struct link_start *start)
{
	return json_of(start, false);
}

json_t *settings_json_network(const struct link_start *start)
{
	return json_of(start, true);
}

/* ---- less and more ---- */

static uint64_t meaning(const struct setting *setting, const struct link_start *start)
{
	uint64_t value = setting_get(setting, start);

	return value == 0 ? setting->standard : value;
}

/* Is what start has more than the project allows? */
static bool exceeds(const struct setting *setting, const struct link_start *start,
		    const struct link_start *project)
{
	uint64_t asked = meaning(setting, start), allowed = meaning(setting, project);

	if (setting->rule == SETTING_MORE)
		return asked < allowed;
	/* A number of 0 asks for nothing, or allows anything. */
	if (setting->kind == SETTING_NUMBER && (asked == 0 || allowed == 0))
		return false;
	return asked > allowed;
}

static void text_of(const struct setting *setting, const struct link_start *start,
		    char ret_text[32])
{
	uint64_t value = setting_get(setting, start);

	if (setting->kind == SETTING_CHOICE)
		snprintf(ret_text, 32, "%s", setting->choices[value]);
	else if (setting->kind == SETTING_FLAG)
		snprintf(ret_text, 32, "%s", value ? "true" : "false");
	else
		snprintf(ret_text, 32, "%llu", (unsigned long long)meaning(setting, start));
}

int settings_ask(struct link_start *start, uint64_t given, const struct link_start *project,
		 char ret_error[SETTINGS_ERROR_MAX])
{
	char asked[32], allowed[32];

	for (size_t i = 0; i < COUNT; i++) {
		const struct setting *setting = &SETTING[i];
		bool named = (given >> i & 1) != 0;

		if (named && setting->rule == SETTING_PROJECTS) {
			snprintf(ret_error, SETTINGS_ERROR_MAX,
				 "%s is the project's and not a kernel's to ask for",
				 setting->name);
			return -EACCES;
		}
		/* A number of 0 is not asked for. */
		if (!named || (setting->kind == SETTING_NUMBER && setting_get(setting, start) == 0)) {
			setting_copy(setting, start, project);
			continue;
		}
		if (!exceeds(setting, start, project))
			continue;
		text_of(setting, start, asked);
		text_of(setting, project, allowed);
		snprintf(ret_error, SETTINGS_ERROR_MAX, "%s: %s was asked for, the project allows %s",
			 setting->name, asked, allowed);
		return -EACCES;
	}
	return 0;
}

bool settings_names_network(uint64_t given)
{
	for (size_t i = 0; i < COUNT; i++)
		if (SETTING[i].choices == NETWORK)
			return (given >> i & 1) != 0;
	return false;
}

void settings_narrow(struct link_start *start, const struct link_start *project)
{
	for (size_t i = 0; i < COUNT; i++) {
		const struct setting *setting = &SETTING[i];
		bool silent = setting->kind == SETTING_NUMBER && setting_get(setting, start) == 0;

		if (setting->rule == SETTING_PROJECTS || silent ||
		    exceeds(setting, start, project))
			setting_copy(setting, start, project);
	}
}

void settings_network(struct link_start *start, const struct link_start *project,
		      uint8_t network_max)
{
	start->network = project->network < network_max ? project->network : network_max;
	start->egress = project->egress;
}

static bool same_rule(const struct link_egress_rule *a, const struct link_egress_rule *b)
{
	return a->address == b->address && a->bits == b->bits && a->protocol == b->protocol &&
	       a->port_first == b->port_first && a->port_last == b->port_last;
}

bool settings_same_network(const struct link_start *a, const struct link_start *b)
{
	const struct link_egress *left = &a->egress, *right = &b->egress;

	if (a->network != b->network)
		return false;
	if (a->network != LINK_NET_EGRESS)
		return true;
	if (left->rules_count != right->rules_count || left->rate_kibps != right->rate_kibps ||
	    left->resolvers_count != right->resolvers_count || left->bytes_max != right->bytes_max)
		return false;
	for (uint32_t i = 0; i < left->rules_count; i++)
		if (!same_rule(&left->rules[i], &right->rules[i]))
			return false;
	for (uint32_t i = 0; i < left->resolvers_count; i++)
		if (left->resolvers[i] != right->resolvers[i])
			return false;
	return true;
}
