/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/request.h"

#include <errno.h>
#include <string.h>

#include "hostd/journal.h"

/* ---- the bodies, each field ---- */

static int text_ok(const char *text, size_t size)
{
	const char *end = memchr(text, '\0', size);

	if (!end)
		return 0;
	for (; text < end; text++)
		if (*text < 0x20 || *text > 0x7e)
			return 0;
	return 1;
}

/* Words of the link's requests stand in paths and tables: [A-Za-z0-9._-], not begun by a dot. */
static int name_ok(const char *name, size_t size)
{
	if (!text_ok(name, size) || name[0] == '.')
		return 0;
	for (; *name; name++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-",
			    *name))
			return 0;
	return 1;
}

static int start_ok(const struct link_request *request)
{
	const struct link_start *start = &request->start;

	return !link_id_is_none(request->kernel_id) &&
	       name_ok(start->environment, sizeof(start->environment)) &&
	       name_ok(start->project, sizeof(start->project)) && !link_start_problem(start) &&
	       !link_egress_problem(&start->egress);
}

/* The counts of an egress policy index arrays: they are in range even where it is not used. */
static int network_ok(const struct link_request *request)
{
	return request->start.network <= LINK_NET_EGRESS &&
	       !link_egress_problem(&request->start.egress);
}

static int logs_ok(const struct link_request *request)
{
	return request->lines <= JOURNAL_LINES_MAX;
}

static int cut_ok(const struct link_request *request)
{
	return request->on <= 1;
}

static int rotate_ok(const struct link_request *request)
{
	return request->stage == LINK_ROTATE_MAKE || request->stage == LINK_ROTATE_USE;
}

/* Verbs of a kernel id alone, any of which there may be or not. */
static int kernel_ok(const struct link_request *request)
{
	return 1;
}

static int request_ok(const struct ipc_message *message)
{
	static int (*const verbs[])(const struct link_request *) = {
#define REQUEST(type, from, phases, a_second, ok, handler)
#define VERB(verb, ok, handler) [verb] = (ok),
#include "hostd/requests.def"
	};
	const struct link_request *request = &message->u.request.request;

	if (message->u.request.gateway >= IPC_GATEWAYS_MAX ||
	    request->verb >= sizeof(verbs) / sizeof(verbs[0]) || !verbs[request->verb])
		return 0;
	return verbs[request->verb](request);
}

static int gateway_ok(const struct ipc_message *message)
{
	return message->u.gateway.gateway < IPC_GATEWAYS_MAX && message->u.gateway.up <= 1 &&
	       message->u.gateway.next_key <= 1;
}

static int refused_ok(const struct ipc_message *message)
{
	const struct ipc_refused *refused = &message->u.refused;

	return refused->gateway < IPC_GATEWAYS_MAX && refused->why > 0 &&
	       refused->why < IPC_REFUSALS && refused->next_key <= 1 && refused->count > 0;
}

static int ticket_ok(const struct ipc_message *message)
{
	return message->u.ticket.ticket.counter > 0 &&
	       message->u.ticket.ticket.counter <= INT64_MAX && message->u.ticket.own_next <= 1 &&
	       message->u.ticket.gateway_next <= 1;
}

static int relay_event_ok(const struct ipc_message *message)
{
	return message->u.relay_event.kind > 0 && message->u.relay_event.kind < IPC_RELAY_EVENTS;
}

/* Numbers that are compared, never used as an index or a size. */
static int any_ok(const struct ipc_message *message)
{
	return 1;
}

/* ---- who, when, how often ---- */

static const struct {
	enum ipc_type type;
	enum worker_role from;
	unsigned phases;
	uint32_t a_second;
	int (*ok)(const struct ipc_message *message);
} rules[] = {
#define REQUEST(type, from, phases, a_second, ok, handler) {type, from, phases, a_second, ok},
#define VERB(verb, ok, handler)
#include "hostd/requests.def"
};

_Static_assert(sizeof(rules) / sizeof(rules[0]) <= WORKER_RULES_MAX, "room for every rate");

static int rate_ok(struct worker *worker, size_t row)
{
	uint64_t second = loop_now_ms() / 1000;

	if (worker->rates[row].second != second) {
		worker->rates[row].second = second;
		worker->rates[row].count = 0;
	}
	if (++worker->rates[row].count <= rules[row].a_second)
		return 1;
	if (worker->backlog == 0)
		return 0;
	worker->backlog--;
	return 1;
}

int request_check(struct worker *worker, struct ipc_message *message)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (rules[i].type != message->type || rules[i].from != worker->spec.role)
			continue;
		if (!(rules[i].phases & worker->phase))
			return -EPERM;
		if (!rate_ok(worker, i))
			return -EBUSY;
		return rules[i].ok(message) ? 0 : -EBADMSG;
	}
	return -EPERM;
}
