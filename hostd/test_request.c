/* SPDX-License-Identifier: Apache-2.0 */
/* THE table, row by row: what is let through, and what ends the worker. */
#include <errno.h>
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
		strcpy(message.u.request.request.start.environment, "python");
	}
	if (type == IPC_TICKET)
		message.u.ticket.ticket.counter = 1;
	if (type == IPC_RELAY_EVENT)
		message.u.relay_event.kind = IPC_RELAY_GAP;
}

static int ask(enum worker_role role, enum worker_phase phase)
{
	static struct worker worker;

	worker = (struct worker){.spec = {.role = role}, .phase = phase};
	return request_check(&worker, &message);
}

/* Everything that is not in this list is refused, for every role and phase. */
static const struct {
	enum ipc_type type;
	enum worker_role role;
	unsigned phases;
} allowed[] = {
	{IPC_REQUEST, WORKER_LINK, WORKER_OPEN},
	{IPC_EVENT_ACK, WORKER_LINK, WORKER_OPEN},
	{IPC_GATEWAY, WORKER_LINK, WORKER_OPEN},
	{IPC_TICKET, WORKER_LINK, WORKER_OPEN},
	{IPC_STREAM_LOST, WORKER_LINK, WORKER_OPEN},
	{IPC_RELAY_READY, WORKER_RELAY, WORKER_OPEN | WORKER_READY},
	{IPC_RELAY_DRAINED, WORKER_RELAY, WORKER_DYING},
	{IPC_RELAY_EVENT, WORKER_RELAY, WORKER_OPEN | WORKER_READY | WORKER_DYING},
	{IPC_RELAY_OUTPUT, WORKER_RELAY, WORKER_OPEN | WORKER_READY | WORKER_DYING},
};

static int expected(enum ipc_type type, enum worker_role role, enum worker_phase phase)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (allowed[i].type == type && allowed[i].role == role &&
		    (allowed[i].phases & phase))
			return 0;
	return -EPERM;
}

static void test_who(struct check *check)
{
	static const enum worker_phase phases[] = {WORKER_OPEN, WORKER_READY, WORKER_DYING};

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

static void test_tickets(struct check *check)
{
	static const struct {
		uint64_t counter;
		uint8_t own_next, gateway_next;
		int result;
	} rows[] = {
		{1, 1, 1, 0},	    {INT64_MAX, 0, 0, 0}, {0, 0, 0, -EBADMSG},
		{1, 2, 0, -EBADMSG}, {1, 0, 2, -EBADMSG},  {UINT64_MAX, 0, 0, -EBADMSG},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fill(IPC_TICKET);
		message.u.ticket.ticket.counter = rows[i].counter;
		message.u.ticket.own_next = rows[i].own_next;
		message.u.ticket.gateway_next = rows[i].gateway_next;
		CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), rows[i].result);
	}
	for (uint8_t stage = 0; stage < 4; stage++) {
		fill(IPC_REQUEST);
		message.u.request.request.verb = LINK_ROTATE;
		message.u.request.request.stage = stage;
		CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN),
			 stage == 1 || stage == 2 ? 0 : -EBADMSG);
	}
}

static void test_rate(struct check *check)
{
	static struct worker worker;
	int r = 0;
	int let_through = 0;

	worker = (struct worker){.spec = {.role = WORKER_RELAY}, .phase = WORKER_OPEN};
	fill(IPC_RELAY_READY);
	/* A second may begin in between: then twice as many. */
	while ((r = request_check(&worker, &message)) == 0 && let_through < 100)
		let_through++;
	CHECK_EQ(check, r, -EBUSY);
	CHECK(check, let_through >= 5 && let_through <= 10);
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
	check_row(check, "numbers");
	fill(IPC_REQUEST);
	request->verb = LINK_ROTATE + 1;
	CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), -EBADMSG);
	fill(IPC_REQUEST);
	request->verb = 0;
	CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), -EBADMSG);
	fill(IPC_REQUEST);
	message.u.request.gateway = IPC_GATEWAYS_MAX;
	CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), -EBADMSG);
	fill(IPC_REQUEST);
	request->verb = 255;
	CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), -EBADMSG);
	fill(IPC_REQUEST);
	request->verb = LINK_LOGS;
	request->lines = 10001;
	CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), -EBADMSG);
	check_row(check, NULL);
}

/* Each field that the link passes on, one step over its ceiling; the others are zero. */
static void test_fields(struct check *check)
{
	struct link_request *request = &message.u.request.request;
	const struct {
		const char *name;
		void *field;
		size_t size;
		uint32_t max;
	} rows[] = {
		{"memory_mib", &request->start.memory_mib, 4, LINK_AMOUNT_MAX},
		{"cpu_milli", &request->start.cpu_milli, 4, LINK_AMOUNT_MAX},
		{"cpu_weight", &request->start.cpu_weight, 4, 10000},
		{"pids_max", &request->start.pids_max, 4, LINK_AMOUNT_MAX},
		{"tmpfs_mib", &request->start.tmpfs_mib, 4, LINK_AMOUNT_MAX},
		{"io_kibps", &request->start.io_kibps, 4, LINK_AMOUNT_MAX},
		{"io_iops", &request->start.io_iops, 4, LINK_AMOUNT_MAX},
		{"wall_s", &request->start.wall_s, 4, LINK_AMOUNT_MAX},
		{"idle_s", &request->start.idle_s, 4, LINK_AMOUNT_MAX},
		{"execution_s", &request->start.execution_s, 4, LINK_AMOUNT_MAX},
		{"grace_s", &request->start.grace_s, 4, 3600},
		{"output_kibps", &request->start.output_kibps, 4, LINK_AMOUNT_MAX},
		{"output_messages", &request->start.output_messages, 4, LINK_AMOUNT_MAX},
		{"workspace", &request->start.workspace, 1, 2},
		{"workspace_exec", &request->start.workspace_exec, 1, 1},
		{"workspace_mib", &request->start.workspace_mib, 4, LINK_AMOUNT_MAX},
		{"workspace_inodes", &request->start.workspace_inodes, 4, LINK_AMOUNT_MAX},
		{"strict", &request->start.strict, 1, 1},
		{"network", &request->start.network, 1, 2},
		{"rules", &request->start.egress.rules_count, 4, LINK_EGRESS_RULES_MAX},
		{"rate_kibps", &request->start.egress.rate_kibps, 4, LINK_AMOUNT_MAX},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (uint32_t over = 0; over <= 1; over++) {
			uint32_t value = rows[i].max + over;
			uint8_t byte = (uint8_t)value;

			check_row(check, rows[i].name);
			fill(IPC_REQUEST);
			strcpy(request->start.project, "demo");
			memcpy(rows[i].field, rows[i].size == 1 ? (void *)&byte : (void *)&value,
			       rows[i].size);
			CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), over ? -EBADMSG : 0);
		}
	check_row(check, NULL);
}

static void test_policy(struct check *check)
{
	struct link_request *request = &message.u.request.request;
	static const enum link_verb verbs[] = {LINK_START, LINK_NETWORK};

	for (size_t i = 0; i < 2; i++) {
		fill(IPC_REQUEST);
		request->verb = (uint8_t)verbs[i];
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
	request->on = 2;
	CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), -EBADMSG);
	fill(IPC_REQUEST);
	request->verb = LINK_USAGE;
	CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), 0);
}

static void test_others(struct check *check)
{
	fill(IPC_GATEWAY);
	message.u.gateway.gateway = IPC_GATEWAYS_MAX;
	CHECK_EQ(check, ask(WORKER_LINK, WORKER_OPEN), -EBADMSG);
	fill(IPC_RELAY_EVENT);
	message.u.relay_event.kind = 0;
	CHECK_EQ(check, ask(WORKER_RELAY, WORKER_READY), -EBADMSG);
	message.u.relay_event.kind = IPC_RELAY_EVENTS;
	CHECK_EQ(check, ask(WORKER_RELAY, WORKER_READY), -EBADMSG);
}

int main(void)
{
	struct check check = {0};

	test_who(&check);
	test_tickets(&check);
	test_rate(&check);
	test_requests(&check);
	test_fields(&check);
	test_policy(&check);
	test_others(&check);
	return CHECK_DONE(&check);
}
