/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/edge.h"

#include "link/check.h"

static void test_hits(struct check *check)
{
	static const struct {
		uint64_t at_ms;
		bool due;
	} rows[] = {
		{1000, true},  {1001, false}, {5000, false}, /* each begins the clear time anew */
		{9999, false}, {14999, true}, {15000, false}, {20000, true}, {600000, true},
	};
	struct edge edge = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_row(check, "hit");
		CHECK_EQ(check, edge_hit(&edge, rows[i].at_ms), rows[i].due);
	}
}

static void test_holds(struct check *check)
{
	static const struct {
		uint64_t at_ms;
		bool holds;
		bool due;
	} rows[] = {
		{0, false, false},     {500, true, true},     {1000, true, false},
		{60000, true, false},  {61000, false, false}, {65000, false, false},
		{65500, true, false}, /* clear for less than 5 s */
		{66000, false, false}, {70999, false, false}, {71000, false, false},
		{71500, true, true},   {72000, false, false}, {77000, true, true},
	};
	struct edge edge = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_row(check, "holds");
		CHECK_EQ(check, edge_holds(&edge, rows[i].at_ms, rows[i].holds), rows[i].due);
	}
}

/* Half of the time held, sampled each 500 ms: never more than half of five seconds. */
static void test_window_even(struct check *check)
{
	struct edge_window window = {0};
	uint64_t grown = 0;

	for (uint64_t now = 0; now <= 60000; now += 500)
		grown = edge_window_add(&window, now, now / 2, EDGE_MS);
	CHECK_EQ(check, grown, EDGE_MS / 2);
	/* Held wholly from here on: at 2500 it was half, so the first 500 ms are over the mark. */
	CHECK_EQ(check, edge_window_add(&window, 60500, 30500, EDGE_MS), EDGE_MS / 2 + 250);
}

static void test_window_start(struct check *check)
{
	struct edge_window window = {0};

	CHECK_EQ(check, edge_window_add(&window, 100000, 777777, EDGE_MS), 0);
	CHECK_EQ(check, edge_window_add(&window, 102600, 777777 + 2600, EDGE_MS), 2600);
	/* Nothing more: it leaves the window again. */
	CHECK_EQ(check, edge_window_add(&window, 106000, 777777 + 2600, EDGE_MS), 1600);
	CHECK_EQ(check, edge_window_add(&window, 111100, 777777 + 2600, EDGE_MS), 0);
}

/* Samples as near as they may come keep a window of twice the span whole. */
static void test_window_dense(struct check *check)
{
	struct edge_window window = {0};
	uint64_t grown = 0;

	for (uint64_t now = 0; now <= 100000; now += 7)
		grown = edge_window_add(&window, now, now, 2 * EDGE_MS);
	CHECK_EQ(check, grown, 2 * EDGE_MS);
	for (uint64_t now = 200000; now <= 200040; now++)
		grown = edge_window_add(&window, now, 100000, 2 * EDGE_MS);
	CHECK(check, window.count <= EDGE_SAMPLES);
}

int main(void)
{
	struct check check = {0};

	test_hits(&check);
	test_holds(&check);
	test_window_even(&check);
	test_window_start(&check);
	test_window_dense(&check);
	return CHECK_DONE(&check);
}
