/* SPDX-License-Identifier: Apache-2.0 */
#include "link/rules.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "link/json_scan.h"
#include "link/wire.h"

enum { ICMP = 1, TCP = 6, UDP = 17 };

/* ---- what a START or NETWORK asks for ---- */

static const char *rule_problem(const struct link_egress_rule *rule)
{
	bool ports = rule->port_first != 0 || rule->port_last != 0;

	if (rule->bits > 32)
		return "egress rule: prefix over 32 bits";
	if (rule->bits < 32 && (rule->address & (UINT32_MAX >> rule->bits)) != 0)
		return "egress rule: address has bits behind its prefix";
	if (rule->protocol != 0 && rule->protocol != ICMP && rule->protocol != TCP &&
	    rule->protocol != UDP)
		return "egress rule: protocol is none of any, ICMP, TCP, UDP";
	if (ports && rule->protocol != TCP && rule->protocol != UDP)
		return "egress rule: ports without TCP or UDP";
	if (ports && (rule->port_first == 0 || rule->port_first > rule->port_last))
		return "egress rule: ports out of order";
	return NULL;
}

const char *link_egress_problem(const struct link_egress *egress)
{
	const char *problem = NULL;

	if (egress->rules_count > LINK_EGRESS_RULES_MAX)
		return "egress: too many rules";
	if (egress->resolvers_count > LINK_RESOLVERS_MAX)
		return "egress: too many resolvers";
	if (egress->rate_kibps > LINK_AMOUNT_MAX)
		return "egress: rate over its ceiling";
	for (uint32_t i = 0; i < egress->rules_count && problem == NULL; i++)
		problem = rule_problem(&egress->rules[i]);
	for (uint32_t i = 0; i < egress->resolvers_count && problem == NULL; i++)
		if (egress->resolvers[i] == 0)
			problem = "egress: resolver 0.0.0.0";
	return problem;
}

static const char *amounts_problem(const struct link_start *start)
{
	const struct {
		const char *problem;
		uint32_t value;
		uint32_t max;
	} rows[] = {
		{"memory_mib", start->memory_mib, LINK_AMOUNT_MAX},
		{"cpu_milli", start->cpu_milli, LINK_AMOUNT_MAX},
		{"cpu_weight", start->cpu_weight, LINK_CPU_WEIGHT_MAX},
		{"pids_max", start->pids_max, LINK_AMOUNT_MAX},
		{"tmpfs_mib", start->tmpfs_mib, LINK_AMOUNT_MAX},
		{"io_kibps", start->io_kibps, LINK_AMOUNT_MAX},
		{"io_iops", start->io_iops, LINK_AMOUNT_MAX},
		{"wall_s", start->wall_s, LINK_AMOUNT_MAX},
		{"idle_s", start->idle_s, LINK_AMOUNT_MAX},
		{"execution_s", start->execution_s, LINK_AMOUNT_MAX},
		{"grace_s", start->grace_s, LINK_GRACE_MAX_S},
		{"output_kibps", start->output_kibps, LINK_AMOUNT_MAX},
		{"output_messages", start->output_messages, LINK_AMOUNT_MAX},
		{"workspace", start->workspace, LINK_WORKSPACE_WRITE},
		{"workspace_exec", start->workspace_exec, 1},
		{"workspace_mib", start->workspace_mib, LINK_AMOUNT_MAX},
		{"workspace_inodes", start->workspace_inodes, LINK_AMOUNT_MAX},
		{"strict", start->strict, 1},
		{"network", start->network, LINK_NET_EGRESS},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].value > rows[i].max)
			return rows[i].problem;
	return NULL;
}

const char *link_start_problem(const struct link_start *start)
{
	const char *problem = amounts_problem(start);

	if (problem != NULL)
		return problem;
	/* Both are kept by the project's name. */
	if (start->project[0] == '\0' && start->workspace != LINK_WORKSPACE_NONE)
		return "workspace without a project";
	if (start->project[0] == '\0' && start->strict != 0)
		return "strict without a project";
	return start->network == LINK_NET_EGRESS ? link_egress_problem(&start->egress) : NULL;
}

bool link_id_is_none(const uint8_t id[LINK_ID_LEN])
{
	static const uint8_t none[LINK_ID_LEN];

	return memcmp(id, none, LINK_ID_LEN) == 0;
}

bool rules_request(const void *body)
{
	const struct link_request *request = body;

	if (request->verb == LINK_START)
		return !link_id_is_none(request->kernel_id) &&
		       link_start_problem(&request->start) == NULL;
	return request->verb != LINK_NETWORK || request->start.network != LINK_NET_EGRESS ||
	       link_egress_problem(&request->start.egress) == NULL;
}

/* ---- chunks, texts, sessions ---- */

static bool chunk_fits(const struct link_chunk *chunk)
{
	return chunk->offset < chunk->total && chunk->data_len <= chunk->total - chunk->offset;
}

bool rules_in(const void *body)
{
	const struct link_chunk *chunk = body;

	return chunk_fits(chunk) && chunk->epoch != 0 && chunk->channel != LINK_IOPUB;
}

bool rules_out(const void *body)
{
	const struct link_chunk *chunk = body;

	return chunk_fits(chunk) && chunk->epoch == 0;
}

/* Log lines go to terminals: no control character but newline and tab. */
bool rules_result(const void *body)
{
	const struct link_result *result = body;

	for (size_t i = 0; i < result->text_len; i++) {
		uint8_t byte = result->text[i];

		if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f)
			return false;
		if (byte == 0xc2 && i + 1 < result->text_len && result->text[i + 1] < 0xa0)
			return false; /* U+0080..009F */
	}
	return json_utf8_ok(result->text, result->text_len);
}

bool rules_detach(const void *body)
{
	return ((const struct link_session *)body)->value == 0;
}
