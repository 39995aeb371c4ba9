/* SPDX-License-Identifier: Apache-2.0 */
/* Settings as text and as fields, what is less and what is more, egress rules. */
#include <errno.h>
#include <string.h>

#include "backend/gateway/egress.h"
#include "backend/gateway/settings.h"
#include "link/check.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- egress rules ---- */

static void test_rules(struct check *check)
{
	static const struct {
		const char *text;
		const char *again; /* NULL: refused */
	} ROW[] = {
		{"10.0.0.0/8:tcp:443", "10.0.0.0/8:tcp:443"},
		{"10.0.0.0/8:udp:5000-5010", "10.0.0.0/8:udp:5000-5010"},
		{"10.0.0.0/8:udp:53-53", "10.0.0.0/8:udp:53"},
		{"192.0.2.7", "192.0.2.7/32:any"},
		{"192.0.2.7:tcp", "192.0.2.7/32:tcp"},
		{"0.0.0.0/0", "0.0.0.0/0:any"},
		{"0.0.0.0/0:icmp", "0.0.0.0/0:icmp"},
		{"255.255.255.255/32:tcp:1-65535", "255.255.255.255/32:tcp:1-65535"},
		{"", NULL},
		{"10", NULL},
		{"10.0.0", NULL},
		{"10.0.0.0.0", NULL},
		{"10.0.0.256", NULL},
		{"010.0.0.0/8", NULL},
		{"10.0.0.1/8", NULL},
		{"10.0.0.0/33", NULL},
		{"10.0.0.0/", NULL},
		{"10.0.0.0/-1", NULL},
		{"10.0.0.0/8:", NULL},
		{"10.0.0.0/8:sctp", NULL},
		{"10.0.0.0/8:TCP", NULL},
		{"10.0.0.0/8:tcp:", NULL},
		{"10.0.0.0/8:tcp:0", NULL},
		{"10.0.0.0/8:tcp:65536", NULL},
		{"10.0.0.0/8:tcp:80-", NULL},
		{"10.0.0.0/8:tcp:80-79", NULL},
		{"10.0.0.0/8:tcp:80:81", NULL},
		{"10.0.0.0/8:icmp:8", NULL},
		{"10.0.0.0/8:any:80", NULL},
		{"10.0.0.0/8:tcp:80 ", NULL},
		{" 10.0.0.0/8", NULL},
		{"example.org:tcp:80", NULL},
		{"::1/128", NULL},
		{"4294967306.0.0.0", NULL},
	};

	for (size_t i = 0; i < COUNT_OF(ROW); i++) {
		struct link_egress_rule rule = {0}, once_more = {0};
		char text[EGRESS_TEXT_MAX];
		const char *problem = egress_rule_parse(ROW[i].text, &rule);

		check_row(check, ROW[i].text);
		CHECK(check, (problem == NULL) == (ROW[i].again != NULL));
		if (problem != NULL || ROW[i].again == NULL)
			continue;
		egress_rule_format(&rule, text);
		CHECK(check, strcmp(text, ROW[i].again) == 0);
		CHECK(check, egress_rule_parse(text, &once_more) == NULL);
	}
	check_row(check, NULL);
}

/* ---- settings ---- */

static int read_text(const char *text, struct link_start *start, uint64_t *given, char *error)
{
	json_t *json = json_loads(text, 0, NULL);
	int r = settings_read(json, start, given, error);

	json_decref(json);
	return r;
}

static void test_read(struct check *check)
{
	static const struct {
		const char *text;
		const char *words[2]; /* of the sentence; NULL: it is read */
	} ROW[] = {
		{"{}", {NULL}},
		{"{\"memory_mib\":512,\"cpu_weight\":10000,\"grace_s\":3600}", {NULL}},
		{"{\"workspace\":\"write\",\"workspace_exec\":true,\"strict\":false}", {NULL}},
		{"{\"bytes_max\":9223372036854775807}", {NULL}},
		{"{\"network\":\"egress\",\"egress\":[\"10.0.0.0/8\"],\"resolvers\":[\"1.1.1.1\"]}",
		 {NULL}},
		{"{\"memory\":512}", {"'memory'", "no setting"}},
		{"{\"memory_mib\":-1}", {"memory_mib -1", "0 to 2147483647"}},
		{"{\"memory_mib\":2147483648}", {"2147483648", "0 to 2147483647"}},
		{"{\"memory_mib\":1.5}", {"memory_mib 1.5", "number"}},
		{"{\"memory_mib\":\"512\"}", {"\"512\"", "number"}},
		{"{\"memory_mib\":null}", {"memory_mib null", "number"}},
		{"{\"cpu_weight\":10001}", {"10001", "0 to 10000"}},
		{"{\"grace_s\":3601}", {"3601", "0 to 3600"}},
		{"{\"workspace\":\"rw\"}", {"\"rw\"", "none, read, write"}},
		{"{\"workspace\":2}", {"workspace 2", "none, read, write"}},
		{"{\"network\":\"open\"}", {"\"open\"", "sealed, loopback, egress"}},
		{"{\"strict\":1}", {"strict 1", "true or false"}},
		{"{\"egress\":\"10.0.0.0/8\"}", {"egress", "list"}},
		{"{\"egress\":[\"10.0.0.1/8\"]}", {"10.0.0.1/8", "prefix"}},
		{"{\"egress\":[7]}", {"egress 7", "string"}},
		{"{\"resolvers\":[\"0.0.0.0\"]}", {"0.0.0.0", "address"}},
		{"{\"resolvers\":[\"dns.example\"]}", {"dns.example", "address"}},
		{"{\"resolvers\":[\"1.1.1.1\",\"2.2.2.2\",\"3.3.3.3\",\"4.4.4.4\"]}",
		 {"resolvers", "at most 3"}},
		{"{\"rate_kibps\":true}", {"rate_kibps true", "number"}},
		{"{\"environment\":\"x\"}", {"'environment'", "no setting"}},
	};

	for (size_t i = 0; i < COUNT_OF(ROW); i++) {
		char error[SETTINGS_ERROR_MAX] = "";
		struct link_start start;
		uint64_t given;

		check_row(check, ROW[i].text);
		settings_default(&start);
		CHECK_EQ(check, read_text(ROW[i].text, &start, &given, error),
			 ROW[i].words[0] == NULL ? 0 : -EINVAL);
		for (size_t w = 0; w < 2 && ROW[i].words[w] != NULL; w++)
			CHECK(check, strstr(error, ROW[i].words[w]) != NULL);
	}
	check_row(check, NULL);
}

/* What was read and written is read the same, and is what a START can carry. */
static void test_round(struct check *check)
{
	static const char TEXT[] =
		"{\"memory_mib\":1,\"cpu_milli\":2,\"cpu_weight\":3,\"pids_max\":4,\"tmpfs_mib\":5,"
		"\"io_kibps\":6,\"io_iops\":7,\"wall_s\":8,\"idle_s\":9,\"execution_s\":10,"
		"\"grace_s\":11,\"output_kibps\":12,\"output_messages\":13,\"workspace\":\"write\","
		"\"workspace_exec\":true,\"workspace_mib\":14,\"workspace_inodes\":15,"
		"\"strict\":true,\"network\":\"egress\",\"egress\":[\"10.0.0.0/8:tcp:443\"],"
		"\"resolvers\":[\"10.0.0.53\"],\"rate_kibps\":16,\"bytes_max\":17}";
	struct link_start start, again;
	char error[SETTINGS_ERROR_MAX];
	json_t *first, *second;
	uint64_t given, other;

	settings_default(&start);
	CHECK_EQ(check, read_text(TEXT, &start, &given, error), 0);
	strcpy(start.project, "p");
	CHECK(check, link_start_problem(&start) == NULL);
	CHECK_EQ(check, start.egress.rules[0].port_last, 443);
	CHECK_EQ(check, start.egress.resolvers[0], 0x0a000035);
	CHECK_EQ(check, start.workspace_inodes, 15);
	CHECK_EQ(check, start.workspace, LINK_WORKSPACE_WRITE);
	first = settings_json(&start);
	settings_default(&again);
	CHECK_EQ(check, settings_read(first, &again, &other, error), 0);
	CHECK_EQ(check, given, other);
	second = settings_json(&again);
	CHECK(check, json_equal(first, second));
	CHECK(check, settings_same_network(&start, &again));
	again.egress.rules[0].port_last++;
	CHECK(check, !settings_same_network(&start, &again));
	CHECK_EQ(check, json_object_size(first), 23);
	json_decref(first);
	json_decref(second);
	first = settings_json_network(&start);
	CHECK_EQ(check, json_object_size(first), 5);
	json_object_set_new(first, "memory_mib", json_integer(1));
	CHECK_EQ(check, settings_read_network(first, &again, error), -EINVAL);
	CHECK(check, strstr(error, "memory_mib") != NULL);
	json_object_del(first, "memory_mib");
	CHECK_EQ(check, settings_read_network(first, &again, error), 0);
	CHECK(check, settings_same_network(&start, &again));
	json_decref(first);
}

/* ---- less and more ---- */

static void test_ask(struct check *check)
{
	static const struct {
		const char *project, *asked;
		const char *refused; /* a word of the sentence; NULL: granted */
		const char *member;
		json_int_t value; /* of member, where granted */
	} ROW[] = {
		{"{\"memory_mib\":512}", "{}", NULL, "memory_mib", 512},
		{"{\"memory_mib\":512}", "{\"memory_mib\":256}", NULL, "memory_mib", 256},
		{"{\"memory_mib\":512}", "{\"memory_mib\":512}", NULL, "memory_mib", 512},
		{"{\"memory_mib\":512}", "{\"memory_mib\":0}", NULL, "memory_mib", 512},
		{"{\"memory_mib\":512}", "{\"memory_mib\":513}", "allows 512", NULL, 0},
		{"{}", "{\"memory_mib\":513}", NULL, "memory_mib", 513},
		{"{}", "{\"cpu_weight\":100}", NULL, "cpu_weight", 100},
		{"{}", "{\"cpu_weight\":101}", "allows 100", NULL, 0},
		{"{}", "{\"grace_s\":6}", "allows 5", NULL, 0},
		{"{\"wall_s\":60}", "{\"wall_s\":0}", NULL, "wall_s", 60},
		{"{\"wall_s\":60}", "{\"wall_s\":61}", "wall_s", NULL, 0},
		{"{\"workspace\":\"read\"}", "{\"workspace\":\"write\"}", "allows read", NULL, 0},
		{"{}", "{\"workspace\":\"read\"}", "allows none", NULL, 0},
		{"{}", "{\"workspace_exec\":true}", "allows false", NULL, 0},
		{"{\"strict\":true}", "{\"strict\":false}", "allows true", NULL, 0},
		{"{\"network\":\"egress\"}", "{\"network\":\"sealed\"}", NULL, NULL, 0},
		{"{}", "{\"network\":\"egress\"}", "allows loopback", NULL, 0},
		{"{\"network\":\"egress\"}", "{\"egress\":[]}", "project's", NULL, 0},
		{"{}", "{\"rate_kibps\":1}", "project's", NULL, 0},
		{"{}", "{\"workspace_mib\":1}", "project's", NULL, 0},
	};

	for (size_t i = 0; i < COUNT_OF(ROW); i++) {
		char error[SETTINGS_ERROR_MAX] = "";
		struct link_start project, start;
		uint64_t given, ignored;
		json_t *got;

		check_row(check, ROW[i].asked);
		settings_default(&project);
		settings_default(&start);
		CHECK_EQ(check, read_text(ROW[i].project, &project, &ignored, error), 0);
		CHECK_EQ(check, read_text(ROW[i].asked, &start, &given, error), 0);
		CHECK_EQ(check, settings_ask(&start, given, &project, error),
			 ROW[i].refused == NULL ? 0 : -EACCES);
		if (ROW[i].refused != NULL)
			CHECK(check, strstr(error, ROW[i].refused) != NULL);
		got = settings_json(&start);
		if (ROW[i].member != NULL)
			CHECK_EQ(check, json_integer_value(json_object_get(got, ROW[i].member)),
				 ROW[i].value);
		json_decref(got);
	}
	check_row(check, NULL);
}

/* Whatever is asked: after narrowing nothing is above the project, and narrowing again is idle. */
static void test_narrow(struct check *check)
{
	struct link_start project, start, twice;
	uint64_t random = 11;

	for (int turn = 0; turn < 2000; turn++) {
		settings_default(&project);
		settings_default(&start);
		project.memory_mib = (uint32_t)check_random(&random) % 3;
		start.memory_mib = (uint32_t)check_random(&random) % 3;
		project.wall_s = (uint32_t)check_random(&random) % 3;
		start.wall_s = (uint32_t)check_random(&random) % 3;
		project.grace_s = (uint32_t)check_random(&random) % 8;
		start.grace_s = (uint32_t)check_random(&random) % 8;
		project.workspace = (uint8_t)(check_random(&random) % 3);
		start.workspace = (uint8_t)(check_random(&random) % 3);
		project.strict = (uint8_t)(check_random(&random) % 2);
		start.strict = (uint8_t)(check_random(&random) % 2);
		project.network = (uint8_t)(check_random(&random) % 3);
		start.network = (uint8_t)(check_random(&random) % 3);
		project.workspace_mib = (uint32_t)check_random(&random) % 3;
		start.workspace_mib = (uint32_t)check_random(&random) % 3;
		settings_narrow(&start, &project);
		CHECK(check, project.memory_mib == 0 || (start.memory_mib > 0 &&
							 start.memory_mib <= project.memory_mib));
		CHECK(check, project.wall_s == 0 ||
				     (start.wall_s > 0 && start.wall_s <= project.wall_s));
		CHECK(check, (start.grace_s ? start.grace_s : 5) <=
				     (project.grace_s ? project.grace_s : 5));
		CHECK(check, start.workspace <= project.workspace);
		CHECK(check, start.strict >= project.strict);
		CHECK(check, start.network <= project.network);
		CHECK_EQ(check, start.workspace_mib, project.workspace_mib);
		twice = start;
		settings_narrow(&twice, &project);
		CHECK(check, twice.memory_mib == start.memory_mib &&
				     twice.grace_s == start.grace_s &&
				     twice.network == start.network);
	}
}

int main(void)
{
	struct check check = {0};

	test_rules(&check);
	test_read(&check);
	test_round(&check);
	test_ask(&check);
	test_narrow(&check);
	return CHECK_DONE(&check);
}
