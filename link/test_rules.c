/* SPDX-License-Identifier: Apache-2.0 */
/* What a START, NETWORK or CUT may ask for, field by field, on both ways through the codec. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "link/check.h"
#include "link/samples.h"
#include "link/wire.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static uint8_t buf[LINK_FRAME_MAX], again[LINK_FRAME_MAX];

static void sample(const char *name, struct link_frame *ret_frame)
{
	for (size_t i = 0; i < sample_count(); i++)
		if (strcmp(sample_name(i), name) == 0)
			sample_frame(i, ret_frame);
}

static int pack(const struct link_frame *frame)
{
	size_t len = 0;

	return link_frame_pack(frame, buf, sizeof(buf), &len);
}

/* ---- numbers ---- */

static const struct {
	const char *name;
	size_t offset;
	size_t size;
	uint64_t max;
} ceilings[] = {
#define ROW(member, max_)                                                                          \
	{#member, offsetof(struct link_start, member),                                             \
	 sizeof(((struct link_start *)0)->member), max_}
	ROW(memory_mib, LINK_AMOUNT_MAX),	ROW(cpu_milli, LINK_AMOUNT_MAX),
	ROW(cpu_weight, 10000),			ROW(pids_max, LINK_AMOUNT_MAX),
	ROW(tmpfs_mib, LINK_AMOUNT_MAX),	ROW(io_kibps, LINK_AMOUNT_MAX),
	ROW(io_iops, LINK_AMOUNT_MAX),		ROW(wall_s, LINK_AMOUNT_MAX),
	ROW(idle_s, LINK_AMOUNT_MAX),		ROW(execution_s, LINK_AMOUNT_MAX),
	ROW(grace_s, 3600),			ROW(output_kibps, LINK_AMOUNT_MAX),
	ROW(output_messages, LINK_AMOUNT_MAX),	ROW(workspace, 2),
	ROW(workspace_exec, 1),			ROW(workspace_mib, LINK_AMOUNT_MAX),
	ROW(workspace_inodes, LINK_AMOUNT_MAX), ROW(strict, 1),
	ROW(network, 2),			ROW(egress.rate_kibps, LINK_AMOUNT_MAX),
#undef ROW
};

static void put(struct link_start *start, size_t offset, size_t size, uint64_t value)
{
	uint32_t number = (uint32_t)value;
	uint8_t byte = (uint8_t)value;

	if (size == 1)
		memcpy((uint8_t *)start + offset, &byte, 1);
	else
		memcpy((uint8_t *)start + offset, &number, sizeof(number));
}

static uint64_t get(const struct link_start *start, size_t offset, size_t size)
{
	uint32_t number;
	uint8_t byte;

	memcpy(&byte, (const uint8_t *)start + offset, 1);
	if (size == 1)
		return byte;
	memcpy(&number, (const uint8_t *)start + offset, sizeof(number));
	return number;
}

/* The ceiling itself comes back as it was; one more is refused by packing and by the rule. */
static void test_ceilings(struct check *check, struct link_frame *frame, struct link_frame *got)
{
	struct link_start *start = &frame->u.request.start;

	for (size_t i = 0; i < COUNT_OF(ceilings); i++) {
		size_t len = 0, len_again = 0;

		check_row(check, ceilings[i].name);
		sample("request-start-egress", frame);
		put(start, ceilings[i].offset, ceilings[i].size, ceilings[i].max);
		CHECK_EQ(check, link_frame_pack(frame, buf, sizeof(buf), &len), 0);
		CHECK(check, link_start_problem(start) == NULL);
		CHECK_EQ(check, link_frame_unpack(buf, len, got), 0);
		CHECK_EQ(check, get(&got->u.request.start, ceilings[i].offset, ceilings[i].size),
			 ceilings[i].max);
		CHECK_EQ(check, link_frame_pack(got, again, sizeof(again), &len_again), 0);
		CHECK(check, len == len_again && memcmp(buf, again, len) == 0);
		put(start, ceilings[i].offset, ceilings[i].size, ceilings[i].max + 1);
		CHECK_EQ(check, pack(frame), -EINVAL);
		CHECK(check, link_start_problem(start) != NULL);
	}
	check_row(check, NULL);
}

static void test_needs_project(struct check *check, struct link_frame *frame)
{
	struct link_start *start = &frame->u.request.start;

	sample("request-start", frame);
	start->project[0] = '\0';
	CHECK_EQ(check, pack(frame), 0);
	start->workspace = LINK_WORKSPACE_READ;
	CHECK_EQ(check, pack(frame), -EINVAL);
	start->workspace = LINK_WORKSPACE_NONE;
	start->strict = 1;
	CHECK_EQ(check, pack(frame), -EINVAL);
}

/* Zeros are no kernel's id: to start one by it is no frame. Of a CUT they mean every kernel. */
static void test_no_id(struct check *check, struct link_frame *frame, struct link_frame *got)
{
	size_t len = 0;

	sample("request-start", frame);
	CHECK_EQ(check, link_frame_pack(frame, buf, sizeof(buf), &len), 0);
	CHECK_EQ(check, link_frame_unpack(buf, len, got), 0);
	/* Behind version, type, the request's id and its verb. */
	memset(buf + 11, 0, LINK_ID_LEN);
	CHECK(check, link_frame_unpack(buf, len, got) < 0);
	buf[11 + LINK_ID_LEN - 1] = 1;
	CHECK_EQ(check, link_frame_unpack(buf, len, got), 0);
	CHECK_EQ(check, got->u.request.kernel_id[LINK_ID_LEN - 1], 1);
	memset(frame->u.request.kernel_id, 0, LINK_ID_LEN);
	CHECK_EQ(check, pack(frame), -EINVAL);
	sample("request-cut", frame);
	CHECK(check, link_id_is_none(frame->u.request.kernel_id));
	CHECK_EQ(check, pack(frame), 0);
}

/* ---- egress ---- */

static const struct {
	const char *name;
	struct link_egress_rule rule;
	bool ok;
} rules[] = {
	{"everything", {0, 0, 0, 0, 0}, true},
	{"one address", {0x01020304, 32, 0, 0, 0}, true},
	{"a network", {0x0a000000, 8, 6, 1, 65535}, true},
	{"odd prefix", {0x0a800000, 9, 17, 53, 53}, true},
	{"echo", {0x0a000000, 8, 1, 0, 0}, true},
	{"any port", {0x0a000000, 8, 6, 0, 0}, true},
	{"33 bits", {0x0a000000, 33, 0, 0, 0}, false},
	{"host bits", {0x0a000001, 8, 0, 0, 0}, false},
	{"host bits of all", {0x80000000, 0, 0, 0, 0}, false},
	{"host bit of 31", {0x0a000001, 31, 0, 0, 0}, false},
	{"SCTP", {0x0a000000, 8, 132, 0, 0}, false},
	{"ports of any", {0x0a000000, 8, 0, 80, 80}, false},
	{"ports of echo", {0x0a000000, 8, 1, 80, 80}, false},
	{"port 0 to 80", {0x0a000000, 8, 6, 0, 80}, false},
	{"80 to 0", {0x0a000000, 8, 6, 80, 0}, false},
	{"81 to 80", {0x0a000000, 8, 17, 81, 80}, false},
};

static void test_rules(struct check *check, struct link_frame *frame)
{
	struct link_egress *egress = &frame->u.request.start.egress;

	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		check_row(check, rules[i].name);
		sample("request-network", frame);
		egress->rules[2] = rules[i].rule;
		CHECK_EQ(check, pack(frame), rules[i].ok ? 0 : -EINVAL);
		CHECK_EQ(check, link_egress_problem(egress) == NULL, rules[i].ok);
		/* Behind the count it is not looked at. */
		egress->rules_count = 2;
		CHECK_EQ(check, pack(frame), 0);
	}
	check_row(check, NULL);
}

static void test_counts(struct check *check, struct link_frame *frame, struct link_frame *got)
{
	struct link_egress *egress = &frame->u.request.start.egress;
	size_t len = 0;

	sample("request-network", frame);
	egress->rules_count = LINK_EGRESS_RULES_MAX;
	egress->resolvers_count = LINK_RESOLVERS_MAX;
	egress->resolvers[1] = egress->resolvers[2] = 1;
	CHECK_EQ(check, link_frame_pack(frame, buf, sizeof(buf), &len), 0);
	CHECK_EQ(check, link_frame_unpack(buf, len, got), 0);
	CHECK_EQ(check, got->u.request.start.egress.rules_count, LINK_EGRESS_RULES_MAX);
	CHECK_EQ(check, got->u.request.start.egress.bytes_max, UINT64_C(1) << 33);
	egress->resolvers[2] = 0;
	CHECK_EQ(check, pack(frame), -EINVAL);
	egress->resolvers_count = LINK_RESOLVERS_MAX + 1;
	CHECK_EQ(check, pack(frame), -EMSGSIZE);
	CHECK(check, link_egress_problem(egress) != NULL);
	egress->resolvers_count = 0;
	egress->rules_count = LINK_EGRESS_RULES_MAX + 1;
	CHECK_EQ(check, pack(frame), -EMSGSIZE);
	CHECK(check, link_egress_problem(egress) != NULL);
}

/* ---- bytes of others ---- */

/* Offsets are those of PROTOCOL.md, of the samples. */
static const struct {
	const char *name;
	const char *sample;
	size_t offset;
	uint8_t byte;
	int want;
} broken[] = {
	{"network 3", "request-network", 2 + 8 + 1 + 16, 3, -EBADMSG},
	{"sealed, with a policy behind", "request-network", 2 + 8 + 1 + 16, 0, -EBADMSG},
	{"loopback, with a policy behind", "request-network", 2 + 8 + 1 + 16, 1, -EBADMSG},
	{"rules over the ceiling", "request-network", 2 + 8 + 1 + 16 + 4, 33, -EMSGSIZE},
	{"prefix 33", "request-network", 2 + 8 + 1 + 16 + 1 + 4 + 4, 33, -EBADMSG},
	{"host bits", "request-network", 2 + 8 + 1 + 16 + 1 + 4 + 3, 1, -EBADMSG},
	{"protocol 2", "request-network", 2 + 8 + 1 + 16 + 1 + 4 + 5, 2, -EBADMSG},
	{"first port over the last", "request-network", 2 + 8 + 1 + 16 + 1 + 4 + 6, 2, -EBADMSG},
	{"resolvers over the ceiling", "request-network", 2 + 8 + 17 + 1 + 4 + 30 + 3, 4, -EMSGSIZE},
	{"rate over its ceiling", "request-network", 2 + 8 + 17 + 1 + 4 + 30 + 8, 0x80, -EBADMSG},
	{"egress without a policy", "request-network-sealed", 2 + 8 + 17, 2, -EBADMSG},
	{"on 2", "request-cut", 2 + 8 + 17, 2, -EBADMSG},
};

static void test_broken(struct check *check, struct link_frame *frame)
{
	for (size_t i = 0; i < COUNT_OF(broken); i++) {
		size_t len = 0;

		check_row(check, broken[i].name);
		sample(broken[i].sample, frame);
		CHECK_EQ(check, link_frame_pack(frame, buf, sizeof(buf), &len), 0);
		CHECK(check, broken[i].offset < len && buf[broken[i].offset] != broken[i].byte);
		buf[broken[i].offset] = broken[i].byte;
		CHECK_EQ(check, link_frame_unpack(buf, len, frame), broken[i].want);
	}
	check_row(check, NULL);
}

static void test_usage_keys(struct check *check)
{
	size_t count = 0;

	while (link_usage_key(count) != NULL) {
		CHECK(check, link_identifier_ok(link_usage_key(count)));
		for (size_t i = 0; i < count; i++)
			CHECK(check, strcmp(link_usage_key(i), link_usage_key(count)) != 0);
		count++;
	}
	CHECK_EQ(check, count, 15);
}

int main(void)
{
	struct check check = {0};
	struct link_frame *frame = calloc(1, sizeof(*frame)), *got = calloc(1, sizeof(*got));

	if (CHECK(&check, frame != NULL && got != NULL)) {
		test_ceilings(&check, frame, got);
		test_needs_project(&check, frame);
		test_no_id(&check, frame, got);
		test_rules(&check, frame);
		test_counts(&check, frame, got);
		test_broken(&check, frame);
	}
	test_usage_keys(&check);
	free(frame);
	free(got);
	return CHECK_DONE(&check);
}
