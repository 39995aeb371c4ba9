/* SPDX-License-Identifier: Apache-2.0 */
/* THE table, row by row: what is let through, and what ends the worker. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "hostd/request.h"
#include "link/check.h"

static struct ipc_message message;

static void fill(enum ipc_type type)
{
	memset(&message, 0, sizeof(message));
	message.type = type;
	message.fd = -1;
	if (type == IPC_REQUEST) {
		message.u.request.request.verb = LINK_START;
		message.u.request.request.kernel_id[0] = 1;
		strcpy(message.u.request.request.start.environment, "python");
	}
	if (type == IPC_TICKET)
		message.u.ticket.ticket.counter = 1;
	if (type == IPC_REFUSED) {
		message.u.refused.why = IPC_REFUSAL_KEY;
		message.u.refused.count = 1;
	}
	if (type == IPC_RELAY_EVENT)
		message.u.relay_event.kind = IPC_RELAY_GAP;
}

static int ask(enum worker_role role, enum worker_phase phase)
{
	static struct worker worker;

	worker = (struct worker){.spec = {.role = role}, .phase = phase};
	return request_check(&worker, &message);
}

/* The table's rows, for counting: what they say stands below once more. */
static const struct {
	enum ipc_type type;
	enum worker_role from;
	const char *ok;
} rows[] = {
#define REQUEST(type, from, phases, a_second, ok, handler) {type, from, #ok},
#define VERB(verb, ok, handler)
#include "hostd/requests.def"
};

static const struct {
	enum link_verb verb;
	const char *name, *ok;
} verbs[] = {
#define REQUEST(type, from, phases, a_second, ok, handler)
#define VERB(verb, ok, handler) {verb, #verb, #ok},
#include "hostd/requests.def"
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Everything that is not in this list is refused, for every role and phase. */
static const struct {
	enum ipc_type type;
	enum worker_role role;
	unsigned phases;
	unsigned a_second;
} allowed[] = {
	{IPC_REQUEST, WORKER_LINK, WORKER_OPEN, 500},
	{IPC_EVENT_ACK, WORKER_LINK, WORKER_OPEN, 500},
	{IPC_GATEWAY, WORKER_LINK, WORKER_OPEN, 50},
	{IPC_TICKET, WORKER_LINK, WORKER_OPEN, 20},
	{IPC_STREAM_LOST, WORKER_LINK, WORKER_OPEN, 500},
	{IPC_REFUSED, WORKER_LINK, WORKER_OPEN, 50},
	{IPC_RELAY_READY, WORKER_RELAY, WORKER_OPEN | WORKER_READY, 5},
	{IPC_RELAY_DRAINED, WORKER_RELAY, WORKER_DYING, 2},
	{IPC_RELAY_EVENT, WORKER_RELAY, WORKER_OPEN | WORKER_READY | WORKER_DYING, 50},
	{IPC_RELAY_OUTPUT, WORKER_RELAY, WORKER_OPEN | WORKER_READY | WORKER_DYING, 20},
};

static int expected(enum ipc_type type, enum worker_role role, enum worker_phase phase)
{
	for (size_t i = 0; i < COUNT(allowed); i++)
		if (allowed[i].type == type && allowed[i].role == role &&
		    (allowed[i].phases & phase))
			return 0;
	return -EPERM;
}

static void test_who(struct check *check)
{
	static const enum worker_phase phases[] = {WORKER_OPEN, WORKER_READY, WORKER_DYING};

	CHECK_EQ(check, COUNT(rows), COUNT(allowed));
	for (int type = 0; type <= IPC_TYPES; type++)
		for (int role = WORKER_LINK; role <= WORKER_RELAY; role++)
			for (size_t i = 0; i < 3; i++) {
				check_row(check, ipc_type_name((enum ipc_type)type));
				fill((enum ipc_type)type);
				CHECK_EQ(check, ask((enum worker_role)role, phases[i]),
					 expected((enum ipc_type)type, (enum worker_role)role,
						  phases[i]));
			}
	check_row(check, NULL);
}

/* Each row's own rate: so many are let through in one second, and the next is one too many. */
static void test_rate(struct check *check)
{
	for (size_t i = 0; i < COUNT(allowed); i++) {
		unsigned phase = allowed[i].phases & -allowed[i].phases;
		struct worker worker = {.spec = {.role = allowed[i].role},
					.phase = (enum worker_phase)phase};
		uint64_t began = loop_now_ms() / 1000;
		unsigned let_through = 0;
		int r = 0;

		check_row(check, ipc_type_name(allowed[i].type));
		fill(allowed[i].type);
		while ((r = request_check(&worker, &message)) == 0 && let_through < 1000000)
			let_through++;
		CHECK_EQ(check, r, -EBUSY);
		CHECK(check, let_through >= allowed[i].a_second);
		/* Another second may have begun in between, on a busy machine several. */
		CHECK(check, let_through <=
				     (loop_now_ms() / 1000 - began + 1) * allowed[i].a_second);
	}
	check_row(check, NULL);
}

static void test_requests(struct check *check)
{
	struct link_request *request = &message.u.request.request;
	static const struct {
		const char *environment;
		int result;
	} names[] = {
		{"python", 0},	  {"py-3.11_x", 0},	   {"", 0},	       {"../x", -EBADMSG},
		{"a/b", -EBADMSG}, {".hidden", -EBADMSG}, {"a b", -EBADMSG}, {"a\n", -EBADMSG},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		check_row(check, names[i].environment);
		fill(IPC_REQUEST);
		strcpy(request->start.environment, names[i].environment);
		CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), names[i].result);
		fill(IPC_REQUEST);
		strcpy(request->start.project, names[i].environment);
		CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), names[i].result);
	}
	check_row(check, "not terminated");
	fill(IPC_REQUEST);
	memset(request->start.environment, 'a', sizeof(request->start.environment));
	CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), -EBADMSG);
	check_row(check, NULL);
}

/* ---- each field that is checked: the last value that fits, and the first that does not ---- */

static const struct {
	enum ipc_type type;
	enum link_verb verb; /* of an IPC_REQUEST */
	const char *field;
	size_t offset, size;
	uint64_t fits, over;
} fields[] = {
#define ROW(type, verb, member, fits, over)                                                        \
	{type,                                                                                     \
	 verb,                                                                                     \
	 #member,                                                                                  \
	 offsetof(struct ipc_message, u.member),                                                   \
	 sizeof(((struct ipc_message *)NULL)->u.member),                                           \
	 fits,                                                                                     \
	 over}
#define VERB_ROW(verb, member, fits, over) ROW(IPC_REQUEST, verb, request.request.member, fits, over)
#define AMOUNT(member) VERB_ROW(LINK_START, start.member, LINK_AMOUNT_MAX, LINK_AMOUNT_MAX + 1)
	ROW(IPC_REQUEST, LINK_STOP, request.gateway, IPC_GATEWAYS_MAX - 1, IPC_GATEWAYS_MAX),
	VERB_ROW(LINK_STOP, verb, LINK_STOP, 0),
	VERB_ROW(LINK_STOP, verb, LINK_USAGE, 255),
	VERB_ROW(LINK_STOP, verb, LINK_USAGE, LINK_ROTATE + 1),
	VERB_ROW(LINK_START, kernel_id[0], 1, 0), /* the rest of it is zeros */
	AMOUNT(memory_mib),
	AMOUNT(cpu_milli),
	AMOUNT(pids_max),
	AMOUNT(tmpfs_mib),
	AMOUNT(io_kibps),
	AMOUNT(io_iops),
	AMOUNT(wall_s),
	AMOUNT(idle_s),
	AMOUNT(execution_s),
	AMOUNT(output_kibps),
	AMOUNT(output_messages),
	AMOUNT(workspace_mib),
	AMOUNT(workspace_inodes),
	AMOUNT(egress.rate_kibps),
	VERB_ROW(LINK_START, start.cpu_weight, 10000, 10001),
	VERB_ROW(LINK_START, start.grace_s, 3600, 3601),
	VERB_ROW(LINK_START, start.workspace, LINK_WORKSPACE_WRITE, 3),
	VERB_ROW(LINK_START, start.workspace_exec, 1, 2),
	VERB_ROW(LINK_START, start.strict, 1, 2),
	VERB_ROW(LINK_START, start.network, LINK_NET_EGRESS, 3),
	VERB_ROW(LINK_START, start.egress.rules_count, LINK_EGRESS_RULES_MAX, 33),
	VERB_ROW(LINK_START, start.egress.resolvers_count, 0, LINK_RESOLVERS_MAX + 1),
	VERB_ROW(LINK_NETWORK, start.network, LINK_NET_EGRESS, 3),
	VERB_ROW(LINK_NETWORK, start.egress.rules_count, LINK_EGRESS_RULES_MAX, 33),
	VERB_ROW(LINK_NETWORK, start.egress.resolvers_count, 0, LINK_RESOLVERS_MAX + 1),
	VERB_ROW(LINK_NETWORK, start.egress.rate_kibps, LINK_AMOUNT_MAX, LINK_AMOUNT_MAX + 1),
	VERB_ROW(LINK_LOGS, lines, 10000, 10001),
	VERB_ROW(LINK_CUT, on, 1, 2),
	VERB_ROW(LINK_ROTATE, stage, LINK_ROTATE_MAKE, 0),
	VERB_ROW(LINK_ROTATE, stage, LINK_ROTATE_USE, 3),
	ROW(IPC_GATEWAY, 0, gateway.gateway, IPC_GATEWAYS_MAX - 1, IPC_GATEWAYS_MAX),
	ROW(IPC_GATEWAY, 0, gateway.up, 1, 2),
	ROW(IPC_GATEWAY, 0, gateway.next_key, 1, 2),
	ROW(IPC_REFUSED, 0, refused.gateway, IPC_GATEWAYS_MAX - 1, IPC_GATEWAYS_MAX),
	ROW(IPC_REFUSED, 0, refused.why, IPC_REFUSAL_KEY, 0),
	ROW(IPC_REFUSED, 0, refused.why, IPC_REFUSALS - 1, IPC_REFUSALS),
	ROW(IPC_REFUSED, 0, refused.why, IPC_REFUSALS - 1, UINT32_MAX),
	ROW(IPC_REFUSED, 0, refused.next_key, 1, 2),
	ROW(IPC_REFUSED, 0, refused.count, 1, 0),
	ROW(IPC_TICKET, 0, ticket.ticket.counter, 1, 0),
	ROW(IPC_TICKET, 0, ticket.ticket.counter, INT64_MAX, (uint64_t)INT64_MAX + 1),
	ROW(IPC_TICKET, 0, ticket.ticket.counter, INT64_MAX, UINT64_MAX),
	ROW(IPC_TICKET, 0, ticket.own_next, 1, 2),
	ROW(IPC_TICKET, 0, ticket.gateway_next, 1, 2),
	ROW(IPC_RELAY_EVENT, 0, relay_event.kind, 1, 0),
	ROW(IPC_RELAY_EVENT, 0, relay_event.kind, IPC_RELAY_EVENTS - 1, IPC_RELAY_EVENTS),
};

static int ask_with(size_t row, uint64_t value)
{
	struct link_request *request = &message.u.request.request;

	fill(fields[row].type);
	if (fields[row].type == IPC_REQUEST) {
		request->verb = (uint8_t)fields[row].verb;
		strcpy(request->start.project, "demo");
	}
	/* Of this machine's order; the value fits the field. */
	memcpy((char *)&message + fields[row].offset, &value, fields[row].size);
	return ask(fields[row].type == IPC_RELAY_EVENT ? WORKER_RELAY : WORKER_LINK, WORKER_OPEN);
}

static void test_fields(struct check *check)
{
	for (size_t i = 0; i < COUNT(fields); i++) {
		check_row(check, fields[i].field);
		CHECK_EQ(check, ask_with(i, fields[i].fits), 0);
		CHECK_EQ(check, ask_with(i, fields[i].over), -EBADMSG);
	}
	check_row(check, NULL);
}

/* A row without a check has nothing to refuse, and says so; every other has a field above. */
static void test_complete(struct check *check)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t count = 0;

		for (size_t j = 0; j < COUNT(fields); j++)
			count += fields[j].type == rows[i].type;
		check_row(check, ipc_type_name(rows[i].type));
		CHECK_EQ(check, count > 0, strcmp(rows[i].ok, "any_ok") != 0);
	}
	for (size_t i = 0; i < COUNT(verbs); i++) {
		size_t count = 0;

		for (size_t j = 0; j < COUNT(fields); j++)
			count += fields[j].verb == verbs[i].verb &&
				 !strstr(fields[j].field, "gateway") &&
				 !strstr(fields[j].field, "verb");
		check_row(check, verbs[i].name);
		CHECK_EQ(check, count > 0, strcmp(verbs[i].ok, "kernel_ok") != 0);
	}
	CHECK_EQ(check, COUNT(verbs), LINK_ROTATE);
	check_row(check, NULL);
}

static void test_policy(struct check *check)
{
	struct link_request *request = &message.u.request.request;
	static const enum link_verb both[] = {LINK_START, LINK_NETWORK};

	for (size_t i = 0; i < 2; i++) {
		fill(IPC_REQUEST);
		request->verb = (uint8_t)both[i];
		request->start.network = LINK_NET_EGRESS;
		request->start.egress.rules_count = 1;
		request->start.egress.rules[0] = (struct link_egress_rule){0x0a000000, 8, 6, 443,
									  443};
		CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), 0);
		request->start.egress.rules[0].address |= 1;
		CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), -EBADMSG);
		request->start.network = LINK_NET_SEALED;
		CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), -EBADMSG);
		request->start.egress.rules_count = 0;
		CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), 0);
		/* 0.0.0.0 is nobody's address. */
		request->start.egress.resolvers_count = 1;
		CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), -EBADMSG);
		request->start.egress.resolvers_count = LINK_RESOLVERS_MAX + 1;
		CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), -EBADMSG);
	}
	fill(IPC_REQUEST);
	request->start.workspace = LINK_WORKSPACE_READ;
	CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), -EBADMSG);
	fill(IPC_REQUEST);
	request->start.strict = 1;
	CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), -EBADMSG);
	fill(IPC_REQUEST);
	request->verb = LINK_CUT;
	request->on = 1;
	CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), 0);
	request->kernel_id[0] = 0; /* every kernel, and not a kernel's id */
	CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), 0);
	request->on = 2;
	CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), -EBADMSG);
	fill(IPC_REQUEST);
	request->verb = LINK_USAGE;
	CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), 0);
}

int main(void)
{
	struct check check = {0};

	test_who(&check);
	test_rate(&check);
	test_requests(&check);
	test_fields(&check);
	test_policy(&check);
	test_complete(&check);
	return CHECK_DONE(&check);
}
