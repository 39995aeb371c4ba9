/* SPDX-License-Identifier: Apache-2.0 */
/* What a relay measures by: the rate of output, and which execution is under way. */
#include "hostd/relay_execution.h"
#include "hostd/relay_rate.h"

#include <stdio.h>
#include <string.h>

#include "link/check.h"
#include "link/parts.h"

static unsigned take_all(struct relay_rate *rate, uint64_t bytes, uint64_t now_ms)
{
	unsigned taken = 0;

	while (taken < 100000 && relay_rate_open(rate, now_ms)) {
		relay_rate_take(rate, bytes);
		taken++;
	}
	return taken;
}

static void test_messages(struct check *check)
{
	struct relay_rate rate;

	relay_rate_start(&rate, 1024, 10, 1000);
	CHECK_EQ(check, take_all(&rate, 1, 1000), 10);
	CHECK_EQ(check, relay_rate_wait_ms(&rate), 1);
	CHECK_EQ(check, take_all(&rate, 1, 1001), 1); /* the next is paid for after it */
	CHECK_EQ(check, relay_rate_wait_ms(&rate), 100);
	CHECK_EQ(check, take_all(&rate, 1, 1100), 0);
	CHECK_EQ(check, take_all(&rate, 1, 1101), 1);
	/* A long silence saves up one second, no more. */
	CHECK_EQ(check, take_all(&rate, 1, 1000000), 10);
}

static void test_bytes(struct check *check)
{
	struct relay_rate rate;

	relay_rate_start(&rate, 1, 1000000, 0);
	CHECK_EQ(check, take_all(&rate, 512, 0), 2);
	/* A message of a hundred seconds is taken whole, and then waited for. */
	CHECK_EQ(check, take_all(&rate, 102400, 500), 1);
	CHECK_EQ(check, relay_rate_wait_ms(&rate), 99501);
	CHECK_EQ(check, take_all(&rate, 1, 99999), 0);
	CHECK(check, take_all(&rate, 1, 100501) > 0);
}

static void test_held(struct check *check)
{
	struct relay_rate rate;

	relay_rate_start(&rate, 1, 1, 0);
	CHECK_EQ(check, relay_rate_held_ms(&rate, 9000), 0);
	CHECK_EQ(check, take_all(&rate, 2048, 9000), 1);
	CHECK_EQ(check, relay_rate_held_ms(&rate, 9400), 400);
	CHECK_EQ(check, take_all(&rate, 0, 9500), 0);
	CHECK_EQ(check, take_all(&rate, 0, 10002), 1);
	CHECK_EQ(check, relay_rate_held_ms(&rate, 10300), 1300);
}

/* The largest rate that a start may ask for. */
static void test_largest(struct check *check)
{
	struct relay_rate rate;

	relay_rate_start(&rate, LINK_AMOUNT_MAX, LINK_AMOUNT_MAX, 0);
	for (uint64_t now = 0; now < 100; now++) {
		CHECK(check, relay_rate_open(&rate, now * 1000000));
		relay_rate_take(&rate, LINK_MESSAGE_MAX);
	}
}

/* ---- executions ---- */

static struct link_slice slice(const char *text)
{
	return (struct link_slice){(const uint8_t *)text, strlen(text)};
}

static enum execution_change see(struct relay_execution *execution, const char *header,
				 const char *parent, const char *content)
{
	struct link_parts parts = {
		.count = 4, .part = {slice(header), slice(parent), slice("{}"), slice(content)},
	};
	uint8_t blob[8192];
	size_t len = 0;

	if (link_parts_pack(&parts, blob, sizeof(blob), &len) < 0)
		return EXECUTION_SAME;
	return relay_execution_see(execution, blob, len);
}

#define STATUS "{\"msg_type\":\"status\"}"
#define EXECUTE(id) "{\"msg_id\":\"" id "\",\"msg_type\":\"execute_request\"}"
#define BUSY "{\"execution_state\":\"busy\"}"
#define IDLE "{\"execution_state\":\"idle\"}"

static void test_executions(struct check *check)
{
	static const struct {
		const char *name, *header, *parent, *content;
		enum execution_change change;
	} rows[] = {
		{"idle first", STATUS, EXECUTE("a"), IDLE, EXECUTION_SAME},
		{"busy", STATUS, EXECUTE("a"), BUSY, EXECUTION_BEGAN},
		{"busy again", STATUS, EXECUTE("a"), BUSY, EXECUTION_SAME},
		{"another request", STATUS, "{\"msg_id\":\"a\",\"msg_type\":\"x\"}", IDLE,
		 EXECUTION_SAME},
		{"another type", "{\"msg_type\":\"stream\"}", EXECUTE("a"), IDLE, EXECUTION_SAME},
		{"another state", STATUS, EXECUTE("a"), "{\"execution_state\":\"starting\"}",
		 EXECUTION_SAME},
		{"a state that is none", STATUS, EXECUTE("a"), "{\"execution_state\":1}",
		 EXECUTION_SAME},
		{"null for a parent", STATUS, "null", IDLE, EXECUTION_SAME},
		{"idle of another", STATUS, EXECUTE("b"), IDLE, EXECUTION_SAME},
		{"idle", STATUS, EXECUTE("a"), IDLE, EXECUTION_ENDED},
		{"idle again", STATUS, EXECUTE("a"), IDLE, EXECUTION_SAME},
		{"the next", STATUS, EXECUTE("b"), BUSY, EXECUTION_BEGAN},
		{"another under way", STATUS, EXECUTE("c"), BUSY, EXECUTION_SAME},
		{"the first no longer ends it", STATUS, EXECUTE("b"), IDLE, EXECUTION_SAME},
		{"the second does", STATUS, EXECUTE("c"), IDLE, EXECUTION_ENDED},
	};
	struct relay_execution execution = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_row(check, rows[i].name);
		CHECK_EQ(check, see(&execution, rows[i].header, rows[i].parent, rows[i].content),
			 rows[i].change);
	}
	check_row(check, NULL);
}

static void test_parent(struct check *check)
{
	struct relay_execution execution = {0};
	char long_parent[4096];
	struct link_slice parent;

	CHECK(check, relay_execution_parent(&execution).data == NULL);
	see(&execution, STATUS, EXECUTE("a"), BUSY);
	parent = relay_execution_parent(&execution);
	CHECK_EQ(check, parent.len, strlen(EXECUTE("a")));
	CHECK(check, parent.len == strlen(EXECUTE("a")) &&
			     memcmp(parent.data, EXECUTE("a"), parent.len) == 0);
	see(&execution, STATUS, EXECUTE("a"), IDLE);
	CHECK(check, relay_execution_parent(&execution).data == NULL);
	/* Too long to be kept: the execution still counts. */
	snprintf(long_parent, sizeof(long_parent),
		 "{\"msg_type\":\"execute_request\",\"x\":\"%03000d\"}", 1);
	CHECK_EQ(check, see(&execution, STATUS, long_parent, BUSY), EXECUTION_BEGAN);
	CHECK(check, relay_execution_parent(&execution).data == NULL);
}

int main(void)
{
	struct check check = {0};

	test_messages(&check);
	test_bytes(&check);
	test_held(&check);
	test_largest(&check);
	test_executions(&check);
	test_parent(&check);
	return CHECK_DONE(&check);
}
