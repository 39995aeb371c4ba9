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

static int request_ok(const struct ipc_message *message)
{
	const struct link_request *request = &message->u.request.request;
	const struct link_start *start = &request->start;

	if (message->u.request.gateway >= IPC_GATEWAYS_MAX || request->verb < LINK_START ||
	    request->verb > LINK_LOGS)
		return 0;
	if (request->verb == LINK_LOGS)
		return request->lines <= JOURNAL_LINES_MAX;
	if (request->verb != LINK_START)
		return 1;
	return name_ok(start->environment, sizeof(start->environment)) &&
	       name_ok(start->project, sizeof(start->project)) &&
	       start->network <= LINK_NET_LOOPBACK;
}

static int gateway_ok(const struct ipc_message *message)
{
	return message->u.gateway.gateway < IPC_GATEWAYS_MAX && message->u.gateway.up <= 1 &&
	       message->u.gateway.next_key <= 1;
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
	/* The link paces its gateways far below this. */
	{IPC_REQUEST, WORKER_LINK, WORKER_OPEN, 500, request_ok},
	{IPC_EVENT_ACK, WORKER_LINK, WORKER_OPEN, 500, any_ok},
	{IPC_GATEWAY, WORKER_LINK, WORKER_OPEN, 50, gateway_ok},
	{IPC_STREAM_LOST, WORKER_LINK, WORKER_OPEN, 500, any_ok},
	/* Once an incarnation: it makes the relay's phase READY. */
	{IPC_RELAY_READY, WORKER_RELAY, WORKER_OPEN, 5, any_ok},
	{IPC_RELAY_DRAINED, WORKER_RELAY, WORKER_DYING, 1, any_ok},
	{IPC_RELAY_EVENT, WORKER_RELAY, WORKER_OPEN | WORKER_READY | WORKER_DYING, 50,
	 relay_event_ok},
};

_Static_assert(sizeof(rules) / sizeof(rules[0]) <= WORKER_RULES_MAX, "room for every rate");

static int rate_ok(struct worker *worker, size_t row)
{
	uint64_t second = loop_now_ms() / 1000;

	if (worker->rates[row].second != second) {
		worker->rates[row].second = second;
		worker->rates[row].count = 0;
	}
	return ++worker->rates[row].count <= rules[row].a_second;
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
